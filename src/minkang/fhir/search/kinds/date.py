"""Kind `date`: dates and periods as ranges (http://hl7.org/fhir/R4/search.html#date, #prefix).

`eq` means that the range searched for fully contains the range of the value (not that they overlap).
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any, NamedTuple

from minkang.fhir import dates
from minkang.fhir.problem import Incorrect
from minkang.fhir.search.escapes import unescape
from minkang.fhir.search.extraction import Elements
from minkang.fhir.search.parameters import SearchParameter

MODIFIERS = frozenset({"missing"})
NOT_YET = frozenset[str]()
PREFIXES = frozenset({"eq", "ne", "gt", "lt", "ge", "le", "sa", "eb", "ap"})


class Value(NamedTuple):
    """[low, high) in microseconds UTC; `dates.MIN` and `dates.MAX` where open."""

    low: int
    high: int


class Wanted(NamedTuple):
    """The prefix and the range as searched for ([low, high) in microseconds UTC; already widened for `ap`)."""

    prefix: str
    low: int
    high: int


_PREFIXED = re.compile(r"([a-z]{2})?(.*)", re.DOTALL)
_PLUS_LOST = re.compile(r"(T[\d:.]+) (\d\d:\d\d)$")


def parse(text: str, modifier: str | None, parameter: SearchParameter) -> Wanted:
    prefix, literal = _PREFIXED.fullmatch(unescape(text).strip()).groups()  # type: ignore[union-attr]
    if prefix is not None and prefix not in PREFIXES:
        raise Incorrect(f"{parameter.code!r}: {prefix!r} is no prefix; known: {', '.join(sorted(PREFIXES))}.")
    try:
        # An unencoded + in a query string arrives as a space; in a date it cannot mean anything else.
        low, high = dates.parse(_PLUS_LOST.sub(r"\1+\2", literal))
    except ValueError as error:
        raise Incorrect(f"{parameter.code!r}: {literal[:40]!r} is not a date: {error}.") from None
    if prefix == "ap":
        gap = abs(_today() - low) // 10
        low, high = low - gap, high + gap
    return Wanted(prefix or "eq", low, high)


def values(elements: Elements) -> list[Value]:
    found: list[Value] = []
    for kind, element in elements:
        reader = _READERS.get(kind)
        value = reader(element) if reader is not None else None
        if value is not None:
            found.append(value)
    return found


def matches(value: Value, wanted: Wanted, modifier: str | None) -> bool:
    return _COMPARE[wanted.prefix](value, wanted)


def sort_key(values: list[Value], descending: bool) -> int | None:
    """By the beginning of the earliest (ascending) or latest (descending) value."""
    lows = [value.low for value in values]
    return (max(lows) if descending else min(lows)) if lows else None


def _inside(value: Value, wanted: Wanted) -> bool:
    return wanted.low <= value.low and value.high <= wanted.high


_COMPARE = {
    "eq": _inside,
    "ne": lambda value, wanted: not _inside(value, wanted),
    "gt": lambda value, wanted: value.high > wanted.high,
    "lt": lambda value, wanted: value.low < wanted.low,
    "ge": lambda value, wanted: value.high > wanted.high or _inside(value, wanted),
    "le": lambda value, wanted: value.low < wanted.low or _inside(value, wanted),
    "sa": lambda value, wanted: value.low >= wanted.high,
    "eb": lambda value, wanted: value.high <= wanted.low,
    "ap": lambda value, wanted: value.low < wanted.high and wanted.low < value.high,
}


def _today() -> int:
    """The beginning of this UTC day: `ap` is measured from now, and must not move between the pages of an answer."""
    return dates.micros(datetime.now(UTC)) // dates.DAY * dates.DAY


def _single(text: str) -> Value | None:
    try:
        return Value(*dates.parse(text))
    except ValueError:
        return None  # a string where a date may stand (Condition.onset as string)


def _period(period: dict[str, Any]) -> Value | None:
    """A period that ends before it begins, which only invariants forbid, is all that lies between its two dates."""
    start, end = period.get("start"), period.get("end")
    low = _single(start) if start else Value(dates.MIN, dates.MIN)
    high = _single(end) if end else Value(dates.MAX, dates.MAX)
    return Value(min(low.low, high.low), max(low.high, high.high)) if (start or end) and low and high else None


def _timing(timing: dict[str, Any]) -> Value | None:
    """Only the outer limits count: the events and the bounds."""
    bounds = (timing.get("repeat") or {}).get("boundsPeriod")
    spans = [_single(event) for event in timing.get("event") or () if event] + ([_period(bounds)] if bounds else [])
    known = [span for span in spans if span is not None]
    return Value(min(span.low for span in known), max(span.high for span in known)) if known else None


_READERS = {"date": _single, "dateTime": _single, "instant": _single, "string": _single} | {
    "Period": _period,
    "Timing": _timing,
}
