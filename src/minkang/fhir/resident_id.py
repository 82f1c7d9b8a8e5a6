"""The number on a resident's identity card (GB 11643-1999): 6 digits of a division, 8 of a birth date, 3 of an order
(odd for men), 1 check digit (ISO 7064 MOD 11-2). Cards before 1999 have 15 digits: two of the year, no check digit.

The division is not judged: it is that of the first issue, often abolished since.
"""

from __future__ import annotations

import re
from datetime import date
from typing import NamedTuple

_LONG = re.compile(r"[1-9]\d{16}[\dX]\Z", re.ASCII)
_SHORT = re.compile(r"[1-9]\d{14}\Z", re.ASCII)
_CHECKS = "10X98765432"


class ResidentId(NamedTuple):
    """`number` has 18 characters, upgraded from 15 where it was short; `gender` as FHIR says it."""

    number: str
    birth: date
    gender: str


def resident_id(text: str) -> ResidentId | None:
    """None for what is no such number: wrong length, impossible date, wrong check digit."""
    text = text.strip().upper()
    if _SHORT.match(text):
        text = f"{text[:6]}19{text[6:]}"
        text += check_digit(text)
    if not _LONG.match(text) or check_digit(text[:17]) != text[17]:
        return None
    try:
        birth = date(int(text[6:10]), int(text[10:12]), int(text[12:14]))
    except ValueError:
        return None
    return ResidentId(text, birth, "male" if int(text[16]) % 2 else "female")


def check_digit(first: str) -> str:
    """Of the first 17 digits: weights 2^(18-i) mod 11."""
    return _CHECKS[sum(int(digit) * (1 << 17 - at) for at, digit in enumerate(first)) % 11]
