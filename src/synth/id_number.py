"""Chinese resident id numbers (GB 11643-1999) that belong to nobody: province codes 38 and 39 are not given out."""

from __future__ import annotations

from datetime import date

WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
CHECKS = "10X98765432"


def id_number(division: int, birth: date, sequence: int) -> str:
    """18 characters. `division`: six digits; `sequence`: 0 to 999, odd for men."""
    body = f"{division:06d}{birth:%Y%m%d}{sequence:03d}"
    return body + check_digit(body)


def check_digit(body: str) -> str:
    """Last character for 17 digits: ISO 7064 MOD 11-2, as GB 11643 asks."""
    return CHECKS[sum(weight * int(digit) for weight, digit in zip(WEIGHTS, body, strict=True)) % 11]
