"""Times of HL7 v2 and v3 (TS, DTM, DT, TM: YYYYMMDDHHMMSS) to FHIR, incomplete ones too (HL7 v2.5.1 2.A.22)."""

from __future__ import annotations

import re
from datetime import date, time

_FORM = re.compile(r"(\d{4})(\d\d)?(\d\d)?(?:(\d\d)(\d\d)?(\d\d)?(\.\d{1,6})?)?([+-]\d{4})?\Z", re.ASCII)
_CLOCK = re.compile(r"(\d\d)(\d\d)?(\d\d)?(\.\d{1,6})?([+-]\d{4})?\Z", re.ASCII)


def date_time(text: str, zone: str) -> str | None:
    """A FHIR dateTime as precise as the text; `zone` (`+08:00`) stands in where the sender names none. None for a time
    that cannot be. An hour without minutes is told as the day: FHIR has no such thing."""
    found = _FORM.match(text.strip())
    if not found:
        return None
    year, month, day, hour, minute, second, fraction, offset = found.groups()
    if not _sound(year, month, day) or (hour and not day):
        return None
    head = "-".join(part for part in (year, month, day) if part)
    if not hour or not minute:
        return head
    if not _sound_clock(hour, minute, second or "00"):
        return None
    offset = f"{offset[:3]}:{offset[3:]}" if offset else zone
    if int(offset[1:3]) > 14 or int(offset[4:6]) > 59:
        return None
    return f"{head}T{hour}:{minute}:{second or '00'}{fraction or ''}{offset}"


def day(text: str) -> str | None:
    """A FHIR date."""
    found = date_time(text, "+00:00")
    return found[:10] if found else None


def clock(text: str) -> str | None:
    """A FHIR time."""
    found = _CLOCK.match(text.strip())
    if not found or not _sound_clock(found[1], found[2] or "00", found[3] or "00"):
        return None
    return f"{found[1]}:{found[2] or '00'}:{found[3] or '00'}{found[4] or ''}"


def _sound(year: str, month: str | None, day_: str | None) -> bool:
    try:
        date(int(year), int(month or 1), int(day_ or 1))
    except ValueError:
        return False
    return True


def _sound_clock(hour: str, minute: str, second: str) -> bool:
    try:
        time(int(hour), int(minute), int(second))
    except ValueError:
        return False
    return True
