"""Dates as FHIR writes them, as ranges: a date of any precision is the time from its first to its last moment.

http://hl7.org/fhir/R4/search.html#date ("implicit ranges") and http://hl7.org/fhir/R4/datatypes.html#dateTime. Moments
are integer microseconds since 1970-01-01T00:00:00Z; every range is half open, [low, high).
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta, timezone
from functools import lru_cache
from typing import NamedTuple

DEFAULT_ZONE = timezone(timedelta(hours=8))
"""Where a date without a zone is: China has one time zone (docs/reference/spec-choices.md)."""

SECOND = 1_000_000
DAY = 86_400 * SECOND
MIN = -(2**62)
"""Open beginning: before every date, and inside 64 bits."""
MAX = 2**62
"""Open end."""

_EAST = int(DEFAULT_ZONE.utcoffset(None).total_seconds()) * SECOND
_ZONE = re.compile(r"Z|[+-]\d\d:\d\d", re.ASCII)
_EPOCH = date(1970, 1, 1).toordinal()
_PATTERN = re.compile(
    r"(?P<year>\d{4})(?:-(?P<month>\d\d)(?:-(?P<day>\d\d)"
    r"(?:T(?P<hour>\d\d):(?P<minute>\d\d)(?::(?P<second>\d\d)(?:\.(?P<fraction>\d+))?)?"
    r"(?P<zone>Z|[+-]\d\d:\d\d)?)?)?)?",
    re.ASCII,
)


class Range(NamedTuple):
    """From `low` to just before `high`, microseconds UTC; MIN and MAX where it is open."""

    low: int
    high: int


@lru_cache(maxsize=8192)
def parse(text: str) -> Range:
    """Range of a date, dateTime or instant of any precision. Raises ValueError with a reason for what is none.

    Times may lack seconds and zone, as search values do. A leap second is the last second of its minute.
    """
    if len(text) in _USUAL and (usual := _usual(text)) is not None:
        return usual
    found = _PATTERN.fullmatch(text)
    if found is None:
        raise ValueError(
            "write it as YYYY, YYYY-MM, YYYY-MM-DD or YYYY-MM-DDThh:mm:ss with Z or an offset such as +08:00"
        )
    year, month, day = int(found["year"]), int(found["month"] or 1), int(found["day"] or 1)
    if year == 0:
        raise ValueError("there is no year 0000")
    start = (date(year, month, day).toordinal() - _EPOCH) * DAY
    if found["hour"] is not None:
        return _time(found, start)
    start -= _offset(None)
    if found["day"]:
        return Range(start, start + DAY)
    if found["month"]:
        year, month = (year, month + 1) if month < 12 else (year + 1, 1)
    else:
        year, month = year + 1, 1
    end = date(year, month, 1).toordinal() if year < 10_000 else date(9999, 12, 31).toordinal() + 1
    return Range(start, (end - _EPOCH) * DAY - _offset(None))


_USUAL = frozenset({10, 20, 25})
"""Lengths of 2024-01-01, 2024-01-01T00:00:00Z and 2024-01-01T00:00:00+08:00."""


def _usual(text: str) -> Range | None:
    """A day or a second, read by datetime several times quicker than by the pattern; None for whatever looks odd."""
    try:
        if len(text) == 10 and text[4] == text[7] == "-":
            start = (date.fromisoformat(text).toordinal() - _EPOCH) * DAY - _EAST
            return Range(start, start + DAY)
        if len(text) > 10 and text[10] == "T" and text[4] == text[7] == "-" and text[13] == text[16] == ":":
            when = datetime.fromisoformat(text[:19])
            seconds = when.hour * 3600 + when.minute * 60 + when.second
            start = (when.toordinal() - _EPOCH) * DAY + seconds * SECOND - _offset(_ZONE.fullmatch(text, 19)[0])  # type: ignore[index]
            return Range(start, start + SECOND)
    except (ValueError, TypeError):
        return None
    return None


def _time(found: re.Match[str], start: int) -> Range:
    hour, minute, second = int(found["hour"]), int(found["minute"]), int(found["second"] or 0)
    if hour > 23 or minute > 59 or second > 60:
        raise ValueError("hours go to 23, minutes and seconds to 59")
    start += (hour * 3600 + minute * 60 + min(second, 59)) * SECOND - _offset(found["zone"])
    if found["second"] is None:
        return Range(start, start + 60 * SECOND)
    fraction = found["fraction"]
    if fraction is None:
        return Range(start, start + SECOND)
    start += int(fraction[:6].ljust(6, "0"))
    return Range(start, start + 10 ** max(0, 6 - len(fraction)))


def _offset(zone: str | None) -> int:
    """Microseconds east of Greenwich."""
    if zone is None:
        return _EAST
    if zone == "Z":
        return 0
    hours, minutes = int(zone[1:3]), int(zone[4:6])
    if hours > 14 or minutes > 59:
        raise ValueError("an offset is at most 14:00")
    return (hours * 3600 + minutes * 60) * SECOND * (-1 if zone[0] == "-" else 1)


_START = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def micros(moment: datetime) -> int:
    """An aware datetime in microseconds since 1970 UTC."""
    return (moment - _START) // _MICROSECOND


def moment(microseconds: int) -> datetime:
    """The aware datetime (UTC) of microseconds since 1970; the ends of time are clipped to what datetime holds."""
    return _START + timedelta(microseconds=max(_LOWEST, min(microseconds, _HIGHEST)))


_LOWEST, _HIGHEST = micros(datetime.min.replace(tzinfo=UTC)), micros(datetime.max.replace(tzinfo=UTC))
