"""Codes of institutions: the unified social credit code (统一社会信用代码, GB 32100-2015) and the organisation code
that is a part of it (组织机构代码, GB 11714-1997).
"""

from __future__ import annotations

import re

_LETTERS = "0123456789ABCDEFGHJKLMNPQRTUWXY"
_WHOLE = re.compile(f"[{_LETTERS}]{{2}}[0-9]{{6}}[{_LETTERS}]{{10}}")
_OLD = re.compile(r"[0-9A-Z]{8}[0-9X]")
_OLD_LETTERS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_OLD_WEIGHTS = (3, 7, 9, 10, 5, 8, 4, 2)


def credit_code(text: str) -> str | None:
    """In capitals, without spaces; None for what is none: 18 characters without I, O, S, V, Z, the last one a check."""
    code = "".join(text.split()).upper()
    if not _WHOLE.fullmatch(code):
        return None
    total = sum(_LETTERS.index(char) * pow(3, place, 31) for place, char in enumerate(code[:17]))
    return code if code[17] == _LETTERS[(31 - total % 31) % 31] else None


def organization_code(text: str) -> str | None:
    """Eight characters and a check character, with or without a hyphen; None for what is none."""
    code = "".join(text.split()).upper().replace("-", "")
    if not _OLD.fullmatch(code):
        return None
    total = sum(_OLD_LETTERS.index(char) * weight for char, weight in zip(code, _OLD_WEIGHTS, strict=False))
    check = 11 - total % 11
    return code if code[8] == {10: "X", 11: "0"}.get(check, str(check)) else None
