"""Primitive types: which JSON value each takes and which texts are well-formed (http://hl7.org/fhir/R4/datatypes.html)."""

from __future__ import annotations

import re
from calendar import monthrange
from decimal import Decimal
from typing import Any

MAX_STRING = 1024 * 1024
"""Characters of a string or markdown: "strings SHALL NOT exceed 1MB" (datatypes.html#string)."""

_YEAR = r"([0-9]([0-9]([0-9][1-9]|[1-9]0)|[1-9]00)|[1-9]000)"
_TIME = r"([01][0-9]|2[0-3]):[0-5][0-9]:([0-5][0-9]|60)(\.[0-9]+)?"
_ZONE = r"(Z|[+-]((0[0-9]|1[0-3]):[0-5][0-9]|14:00))"
_DAY = r"(0[1-9]|1[0-2])-(0[1-9]|[1-2][0-9]|3[0-1])"
ID = r"[A-Za-z0-9\-.]{1,64}"
UUID = r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
OID = r"[0-2](\.(0|[1-9][0-9]*))+"

PATTERNS: dict[str, str] = {
    "canonical": r"\S+",
    "code": r"[^\s]+(\s[^\s]+)*",
    "date": rf"{_YEAR}(-(0[1-9]|1[0-2])(-(0[1-9]|[1-2][0-9]|3[0-1]))?)?",
    "dateTime": rf"{_YEAR}(-(0[1-9]|1[0-2])(-(0[1-9]|[1-2][0-9]|3[0-1])(T{_TIME}{_ZONE})?)?)?",
    "id": ID,
    "instant": rf"{_YEAR}-{_DAY}T{_TIME}{_ZONE}",
    "oid": rf"urn:oid:{OID}",
    "time": _TIME,
    "uri": r"\S+",
    "url": r"\S+",
    "uuid": rf"urn:uuid:{UUID}",
}
"""Regular expressions of the standard, one per type that has one; a value must match from end to end."""

EXPECTED: dict[str, str] = {
    "base64Binary": "base64 text",
    "canonical": "a canonical url without white space",
    "code": "a code without leading, trailing or double spaces",
    "date": "a date that exists: YYYY, YYYY-MM or YYYY-MM-DD",
    "dateTime": "a date that exists: YYYY, YYYY-MM, YYYY-MM-DD, or with time and time zone YYYY-MM-DDThh:mm:ss+zz:zz",
    "decimal": "a number",
    "id": "1 to 64 letters, digits, '-' and '.'",
    "instant": "a moment with time zone: YYYY-MM-DDThh:mm:ss.sss+zz:zz",
    "integer": "a whole number of 32 bits",
    "oid": "urn:oid: and a dotted number",
    "positiveInt": "a whole number from 1 to 2147483647",
    "time": "a time of day hh:mm:ss without time zone",
    "unsignedInt": "a whole number from 0 to 2147483647",
    "uri": "a uri without white space",
    "url": "a url without white space",
    "uuid": "urn:uuid: and a uuid in lower case",
}

INTEGERS: dict[str, tuple[int, int]] = {
    "integer": (-(2**31), 2**31 - 1),
    "positiveInt": (1, 2**31 - 1),
    "unsignedInt": (0, 2**31 - 1),
}

# White space is ASCII here, as in the XML Schema regular expressions of the standard: published code systems have codes
# with a no-break space in them.
_compiled = {name: re.compile(pattern, re.ASCII) for name, pattern in PATTERNS.items()}
_DATES = ("date", "dateTime", "instant")
_WHITE = re.compile(r"\s+")
_BASE64 = re.compile(r"(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?")


def json_kind(type_name: str) -> str:
    """What the type looks like in JSON: `boolean`, `integer`, `number` or `string`."""
    if type_name in INTEGERS:
        return "integer"
    return {"boolean": "boolean", "decimal": "number"}.get(type_name, "string")


def of_kind(kind: str, value: Any) -> bool:
    """Whether a parsed JSON value is of that kind. A Python bool is no number here."""
    if kind == "string":
        return isinstance(value, str)
    if kind == "boolean":
        return isinstance(value, bool)
    if kind == "integer":
        return isinstance(value, int) and not isinstance(value, bool)
    return isinstance(value, (int, float, Decimal)) and not isinstance(value, bool)


def well_formed(type_name: str, value: Any) -> bool:
    """Whether a value of the right JSON kind is a legal value of the primitive type. Empty strings never are."""
    if type_name in INTEGERS:
        low, high = INTEGERS[type_name]
        return low <= value <= high
    if not isinstance(value, str):
        return True
    if not value:
        return False
    if type_name in ("string", "markdown"):
        return len(value) <= MAX_STRING
    if type_name == "base64Binary":
        return _BASE64.fullmatch(_WHITE.sub("", value)) is not None
    pattern = _compiled.get(type_name)
    if pattern is not None and pattern.fullmatch(value) is None:
        return False
    return type_name not in _DATES or _day_exists(value)


def _day_exists(text: str) -> bool:
    if len(text) < len("2020-01-01"):
        return True
    return int(text[8:10]) <= monthrange(int(text[:4]), int(text[5:7]))[1]
