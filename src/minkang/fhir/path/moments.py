"""Dates, times and moments of any precision (http://hl7.org/fhirpath/N1/#date-time).

Two of them are compared part by part as far as both go; where one then goes on, the answer is unknown (None).
"""

from __future__ import annotations

import re
from calendar import monthrange
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal

from minkang.fhir.path.amounts import CALENDAR, Amount

_CLOCK = r"(?P<hour>\d\d)(?::(?P<minute>\d\d)(?::(?P<second>\d\d)(?:\.(?P<fraction>\d{1,9})\d*)?)?)?"
_DATE = r"(?P<year>\d{4})(?:-(?P<month>\d\d)(?:-(?P<day>\d\d))?)?"
_PATTERNS = {
    "Date": re.compile(_DATE, re.ASCII),
    "DateTime": re.compile(rf"{_DATE}(?:T(?:{_CLOCK}(?P<zone>Z|[+-]\d\d:\d\d)?)?)?", re.ASCII),
    "Time": re.compile(rf"T?{_CLOCK}", re.ASCII),
}
_PARTS = ("year", "month", "day", "hour", "minute", "second")
_LOWEST, _HIGHEST = (1, 1, 1, 0, 0, 0), (9999, 12, 31, 23, 59, 59)
_DAY = 86_400
_WIDEST = 26 * 3600
"""Seconds between the easternmost and the westernmost zone: nearer moments are not comparable when one has no zone."""
_SECONDS = {"wk": 7 * _DAY, "d": _DAY, "h": 3600, "min": 60, "s": 1, "ms": Decimal("0.001")}
_DIGITS = {1: 4, 2: 6, 3: 8, 4: 10, 5: 12, 6: 17}
"""Digits (the measure of `precision()`) of year, month ... milliseconds."""


@dataclass(frozen=True, slots=True)
class Moment:
    """`kind`: Date, DateTime or Time. `parts`: year, month, day, hour, minute, second as far as written (hour, minute,
    second for a Time); `fraction`: digits of the second; `zone`: minutes east of Greenwich, None when not written."""

    kind: str
    parts: tuple[int, ...]
    fraction: str = ""
    zone: int | None = None

    @classmethod
    def read(cls, text: str, kind: str) -> Moment | None:
        """A text such as 2015-02-04T14:34:28.123+10:00; None for what is none of that kind."""
        if len(text) > 40:
            return None
        found = _PATTERNS[kind].fullmatch(text)
        if found is None:
            return None
        groups = found.groupdict()
        parts = tuple(int(groups[part]) for part in _PARTS if groups.get(part) is not None)
        zone = _zone(groups.get("zone"))
        if not _exists(parts, kind) or (zone is not None and abs(zone) > 14 * 60):
            return None
        return cls(kind, parts, groups.get("fraction") or "", zone)

    def __str__(self) -> str:
        clock = self.parts if self.kind == "Time" else self.parts[3:]
        text = ":".join(f"{part:02}" for part in clock) + (f".{self.fraction}" if self.fraction else "")
        if self.kind == "Time":
            return text
        day = "-".join(f"{part:0{4 if place == 0 else 2}}" for place, part in enumerate(self.parts[:3]))
        return day + (f"T{text}" if clock else "") + (_zone_text(self.zone) if clock else "")

    @property
    def second(self) -> Decimal:
        return Decimal(f"{self.parts[-1]}.{self.fraction or 0}")

    @property
    def places(self) -> int:
        """How many parts it has, counted from the year (a Time begins with the fourth)."""
        return len(self.parts) + (3 if self.kind == "Time" else 0)

    @property
    def precision(self) -> int:
        """Digits: 4 for a year, 17 for a DateTime with milliseconds, 9 for a Time with them."""
        digits = _DIGITS[self.places] - (8 if self.kind == "Time" else 0)
        return digits - 3 + len(self.fraction) if self.places == 6 else digits


def order(left: Moment, right: Moment) -> int | None:
    """-1, 0 or 1; None when it cannot be told."""
    if (left.zone is None) != (right.zone is None) and min(left.places, right.places) > 3:
        apart = _seconds(left) - _seconds(right)
        return None if abs(apart) <= _WIDEST else (-1 if apart < 0 else 1)
    one, other = _comparable(left, right), _comparable(right, left)
    for mine, others in zip(one, other, strict=False):
        if mine != others:
            return -1 if mine < others else 1
    return 0 if len(one) == len(other) else None


def added(moment: Moment, amount: Amount, sign: int) -> Moment | None:
    """The moment so much later or earlier; None where the calendar ends. Raises ValueError for units that are no time.

    What is finer than the moment is written is counted in its own last part, rounded down (@2014 + 24 months is @2016).
    """
    code = CALENDAR.get(amount.unit) or amount.unit
    named = amount.unit in CALENDAR
    if (code in ("a", "mo") and not named) or (code not in ("a", "mo") and code not in _SECONDS):
        raise ValueError(f"{amount.unit!r} is no duration of the calendar")
    whole = int(amount.value) * sign
    try:
        if moment.kind == "Time":
            return None if code in ("a", "mo") else _timed(moment, _span(code, amount.value) * sign)
        if code in ("a", "mo"):
            return _by_months(moment, whole * (12 if code == "a" else 1))
        return _by_seconds(moment, _span(code, amount.value) * sign)
    except (OverflowError, ValueError):
        return None


def _span(code: str, value: Decimal) -> Decimal:
    """Seconds; units longer than a second count whole."""
    return (value if code in ("s", "ms") else Decimal(int(value))) * _SECONDS[code]


def _by_months(moment: Moment, months: int) -> Moment:
    if moment.places == 1:
        months = int(months / 12) * 12
    year, month = divmod(moment.parts[0] * 12 + (moment.parts[1] if moment.places > 1 else 1) - 1 + months, 12)
    if not 1 <= year <= 9999:
        raise OverflowError
    parts = (year, month + 1, *moment.parts[2:])
    if moment.places > 2:
        parts = (year, month + 1, min(parts[2], monthrange(year, month + 1)[1]), *parts[3:])
    return Moment(moment.kind, parts[: moment.places], moment.fraction, moment.zone)


def _by_seconds(moment: Moment, seconds: Decimal) -> Moment:
    if moment.places < 3:
        days = int(seconds / _DAY)
        return _by_months(moment, int(days / 30) if moment.places == 2 else int(days / 365) * 12)
    size = {3: _DAY, 4: 3600, 5: 60}.get(moment.places)
    if size is not None:
        seconds = Decimal(int(seconds / size) * size)
    start = datetime(*(moment.parts + _LOWEST[moment.places :])[:6])  # type: ignore[misc]
    whole, fraction = _carried(moment, seconds)
    later = start + timedelta(seconds=whole)
    parts = (later.year, later.month, later.day, later.hour, later.minute, later.second)
    return Moment(moment.kind, parts[: moment.places], fraction, moment.zone)


def _timed(moment: Moment, seconds: Decimal) -> Moment:
    size = {4: 3600, 5: 60}.get(moment.places)
    if size is not None:
        seconds = Decimal(int(seconds / size) * size)
    whole, fraction = _carried(moment, seconds)
    hour, minute, second = (*moment.parts, 0, 0)[:3]
    total = (hour * 3600 + minute * 60 + second + whole) % _DAY
    parts = (total // 3600, total // 60 % 60, total % 60)
    return Moment("Time", parts[: len(moment.parts)], fraction)


def _carried(moment: Moment, seconds: Decimal) -> tuple[int, str]:
    """Whole seconds to add and the digits of the second afterwards."""
    exponent = seconds.as_tuple().exponent
    finer = -exponent if isinstance(exponent, int) and seconds % 1 else 0
    digits = max(len(moment.fraction), min(finer, 9))
    total = Decimal(f"0.{moment.fraction or 0}") + seconds
    whole = int(total.to_integral_value("ROUND_FLOOR"))
    return whole, str(total - whole)[2:].ljust(digits, "0")[:digits]


def boundary(moment: Moment, digits: int, *, high: bool) -> Moment | None:
    """The first or last moment it may mean, written with so many digits (see `precision`); None for none of those.

    A DateTime without a zone may be anywhere: the first is in +14:00, the last in -12:00.
    """
    own = {"Date": (4, 6, 8), "DateTime": (4, 6, 8, 10, 12, 14, 17), "Time": (2, 4, 6, 9)}[moment.kind]
    if digits not in own:
        return None
    places = {number: place for place, number in _DIGITS.items()} | {14: 6}
    first = 3 if moment.kind == "Time" else 0
    wanted = places[digits + (8 if first else 0)]
    fill = (_HIGHEST if high else _LOWEST)[moment.places : wanted]
    parts = (moment.parts + fill)[: wanted - first]
    if not first and high and wanted > 2 and moment.places < 3:
        parts = (*parts[:2], monthrange(*parts[:2])[1], *parts[3:])
    milliseconds = digits in (17, 9) and wanted == 6
    fraction = moment.fraction.ljust(3, "9" if high else "0") if milliseconds else ""
    zone = moment.zone
    if zone is None and moment.kind == "DateTime" and wanted > 3:
        zone = -12 * 60 if high else 14 * 60
    return Moment(moment.kind, parts, fraction, zone)


def key(moment: Moment) -> tuple[object, ...]:
    """Equal for moments that `order` finds equal."""
    return ("Time" if moment.kind == "Time" else "Date", *_comparable(moment, moment), moment.zone is None)


def _comparable(moment: Moment, other: Moment) -> tuple[int | Decimal, ...]:
    if moment.zone and other.zone is not None and len(moment.parts) > 3:
        minutes = (*moment.parts[3:5], 0)[1]
        start = datetime(*moment.parts[:4], minutes)
        try:
            shifted = start - timedelta(minutes=moment.zone)
        except OverflowError:
            shifted = start
        parts = (shifted.year, shifted.month, shifted.day, shifted.hour, shifted.minute)[: len(moment.parts)]
    else:
        parts = moment.parts[: 2 if moment.kind == "Time" else 5]
    return (*parts, moment.second) if moment.places == 6 else parts


def _seconds(moment: Moment) -> Decimal:
    parts = moment.parts + _LOWEST[len(moment.parts) :]
    days = date(*parts[:3]).toordinal()
    return Decimal(days * _DAY + parts[3] * 3600 + parts[4] * 60 + parts[5] - (moment.zone or 0) * 60)


def _exists(parts: tuple[int, ...], kind: str) -> bool:
    if kind == "Time":
        parts = (1, 1, 1, *parts)
    lowest_and_highest = zip(parts, _LOWEST, _HIGHEST, strict=False)
    if not all(low <= part <= high for part, low, high in lowest_and_highest):
        return False
    return len(parts) < 3 or parts[2] <= monthrange(*parts[:2])[1]


def _zone(text: str | None) -> int | None:
    if text is None or text == "Z":
        return None if text is None else 0
    return (int(text[1:3]) * 60 + int(text[4:6])) * (-1 if text[0] == "-" else 1)


def _zone_text(zone: int | None) -> str:
    if zone is None:
        return ""
    if zone == 0:
        return "Z"
    return f"{'-' if zone < 0 else '+'}{abs(zone) // 60:02}:{abs(zone) % 60:02}"
