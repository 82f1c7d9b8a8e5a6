"""Kind `number`, and the arithmetic quantities share with it (http://hl7.org/fhir/R4/search.html#number, #prefix).

`eq` and `ne` take the precision of the number as typed: 100 means [99.5, 100.5). The other prefixes take it as exact.
"""

from __future__ import annotations

import re
from decimal import Decimal, InvalidOperation
from typing import Any, NamedTuple

from minkang.fhir.problem import Incorrect
from minkang.fhir.search.escapes import unescape
from minkang.fhir.search.extraction import Elements
from minkang.fhir.search.parameters import SearchParameter

MODIFIERS = frozenset({"missing"})
NOT_YET = frozenset[str]()
PREFIXES = frozenset({"eq", "ne", "gt", "lt", "ge", "le", "sa", "eb", "ap"})
INFINITY = Decimal("Infinity")
_NUMBER = re.compile(r"([a-z]{2})?([+-]?\d{1,30}(?:\.\d{1,30})?(?:[eE][+-]?\d{1,3})?)", re.ASCII)


class Value(NamedTuple):
    """From `low` to `high`, both included; equal for a plain number, infinite where a Range is open."""

    low: Decimal
    high: Decimal


class Wanted(NamedTuple):
    """The number as typed, and [low, high): its implicit range, or ten per cent around it for `ap`."""

    prefix: str
    number: Decimal
    low: Decimal
    high: Decimal


def parse(text: str, modifier: str | None, parameter: SearchParameter) -> Wanted:
    return wanted(unescape(text).strip(), parameter)


def wanted(text: str, parameter: SearchParameter) -> Wanted:
    """Prefix and number of a search value. Raises Incorrect for what is no number."""
    found = _NUMBER.fullmatch(text)
    if found is None:
        raise Incorrect(f"{parameter.code!r}: {text[:40]!r} is not a number with an optional prefix.")
    prefix = found[1] or "eq"
    if prefix not in PREFIXES:
        raise Incorrect(f"{parameter.code!r}: {prefix!r} is no prefix; known: {', '.join(sorted(PREFIXES))}.")
    number = Decimal(found[2])
    half = abs(number) / 10 if prefix == "ap" else half_unit(number)
    return Wanted(prefix, number, number - half, number + half)


def half_unit(number: Decimal) -> Decimal:
    """Half a unit of the last digit written: 0.5 for 100, 0.005 for 1.00, 5 for 1e2 (as the standard's table says)."""
    exponent = number.as_tuple().exponent
    assert isinstance(exponent, int)  # noqa: S101 - the pattern admits neither infinity nor NaN
    return Decimal(5).scaleb(exponent - 2 if exponent > 0 else exponent - 1)


def decimal(value: Any) -> Decimal | None:
    """JSON number to Decimal by its shortest text; None for what is no number."""
    if isinstance(value, bool) or not isinstance(value, (int, float, Decimal)):
        return None
    try:
        return Decimal(str(value))
    except InvalidOperation:
        return None


def limits(low: Any, high: Any) -> Value | None:
    """Value of a Range; None when both ends are open."""
    bottom, top = decimal(low), decimal(high)
    if bottom is None and top is None:
        return None
    return Value(-INFINITY if bottom is None else bottom, INFINITY if top is None else top)


def values(elements: Elements) -> list[Value]:
    found: list[Value] = []
    for kind, element in elements:
        if kind == "Range":
            ends = [(element.get(end) or {}).get("value") for end in ("low", "high")]
            value = limits(*ends)
        else:
            number = decimal(element)
            value = None if number is None else Value(number, number)
        if value is not None:
            found.append(value)
    return found


def matches(value: Value, wanted: Wanted, modifier: str | None) -> bool:
    return _COMPARE[wanted.prefix](value, wanted)


def sort_key(values: list[Value], descending: bool) -> Decimal | None:
    """By the lowest (ascending) or highest (descending) value."""
    if not values:
        return None
    return max(value.high for value in values) if descending else min(value.low for value in values)


def _inside(value: Value, wanted: Wanted) -> bool:
    if wanted.low == wanted.high:  # ap0
        return value.low == value.high == wanted.number
    return wanted.low <= value.low and value.high < wanted.high


_COMPARE = {
    "eq": _inside,
    "ne": lambda value, wanted: not _inside(value, wanted),
    "gt": lambda value, wanted: value.high > wanted.number,
    "lt": lambda value, wanted: value.low < wanted.number,
    "ge": lambda value, wanted: value.high >= wanted.number,
    "le": lambda value, wanted: value.low <= wanted.number,
    "sa": lambda value, wanted: value.low > wanted.number,
    "eb": lambda value, wanted: value.high < wanted.number,
    "ap": lambda value, wanted: value.low <= wanted.high and wanted.low <= value.high,
}
