"""Texts of columns to values of FHIR."""

from __future__ import annotations

import re
from typing import Any

from minkang.fhir import hl7_times
from minkang.fhir.resource import Exact, Resource

_TIME = re.compile(
    r"(\d{4})[-/.]?(\d\d?)[-/.]?(\d\d?)(?:[T ]?(\d\d):?(\d\d)(?::?(\d\d))?(\.\d+)?)?\s*(Z|[+-]\d\d:?\d\d)?\Z", re.ASCII
)
_NUMBER = re.compile(r"[+-]?\d{1,18}(?:\.\d{1,18})?\Z", re.ASCII)


def moment(text: str, zone: str) -> str | None:
    """A FHIR dateTime of what databases write; None for a time that cannot be."""
    found = _TIME.match(text.strip())
    if not found:
        return None
    year, month, day, hour, minute, second, fraction, offset = found.groups()
    digits = f"{year}{int(month):02}{int(day):02}"
    if hour:
        digits += f"{hour}{minute}{second or '00'}{(fraction or '')[:7]}"
        digits += {None: "", "Z": "+0000"}.get(offset, (offset or "").replace(":", ""))
    return hl7_times.date_time(digits, zone)


def day(text: str, zone: str) -> str | None:
    """A FHIR date."""
    found = moment(text, zone)
    return found[:10] if found else None


def number(text: str) -> Exact | None:
    """Digits stay as they were written."""
    text = text.strip()
    if not _NUMBER.match(text):
        return None
    sign = "-" if text.startswith("-") else ""
    return Exact(sign + re.sub(r"^0+(?=\d)", "", text.lstrip("+-")))


def whole(tree: Resource) -> Resource:
    """A quantity of which only the unit came says nothing; nor does a value in words beside one in numbers."""
    found: Any = {name: kept for name, value in tree.items() if (kept := _kept(value)) is not None}
    if "valueQuantity" in found and "valueString" in found:
        words = found.pop("valueString")
        found.setdefault("note", []).append({"text": words})
    return found


def _kept(value: Any) -> Any:
    if isinstance(value, dict):
        if value.keys() == {"unit"}:
            return None
        return {name: kept for name, one in value.items() if (kept := _kept(one)) is not None} or None
    if isinstance(value, list):
        return [kept for one in value if (kept := _kept(one)) is not None] or None
    return value
