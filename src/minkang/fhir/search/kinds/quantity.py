"""Kind `quantity`: a number with a unit (http://hl7.org/fhir/R4/search.html#quantity).

`[prefix]number|system|code`; with the system left empty (`number||code`) the code or the unit as printed may match.
With UCUM on both sides the value is converted to the unit searched for, so that the digits typed keep their meaning:
`5.4|http://unitsofmeasure.org|mmol/L` is [5.35, 5.45) mmol/L and finds 5400 umol/L. What cannot be converted, such as
mg/dL to mmol/L, which takes a substance, does not match.
"""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from functools import lru_cache
from typing import Any, NamedTuple

from minkang.fhir.problem import Incorrect
from minkang.fhir.search.escapes import split, unescape
from minkang.fhir.search.extraction import Elements
from minkang.fhir.search.kinds import number
from minkang.fhir.search.parameters import SearchParameter
from minkang.fhir.ucum import Unit, convert, decimal, unit

MODIFIERS = frozenset({"missing"})
NOT_YET = frozenset[str]()
CURRENCIES = "urn:iso:std:iso:4217"
UCUM = "http://unitsofmeasure.org"
_MOLE = unit("mol").factor


class Value(NamedTuple):
    """From `low` to `high`, both included, in `code` of `system`, printed as `unit`."""

    low: Decimal
    high: Decimal
    system: str | None = None
    code: str | None = None
    unit: str | None = None


class Wanted(NamedTuple):
    """The amount, and its unit: `system` None any, `code` None any."""

    amount: number.Wanted
    system: str | None = None
    code: str | None = None


def parse(text: str, modifier: str | None, parameter: SearchParameter) -> Wanted:
    parts = [unescape(part).strip() for part in split(text, "|")]
    if len(parts) not in (1, 3):
        raise Incorrect(f"{parameter.code!r} takes [prefix]number or [prefix]number|[system]|[code].")
    amount = number.wanted(parts[0], parameter)
    return Wanted(amount, parts[1] or None, parts[2] or None) if len(parts) == 3 else Wanted(amount)


def values(elements: Elements) -> list[Value]:
    found: list[Value] = []
    for kind, element in elements:
        reader = _READERS.get(kind)
        value = reader(element) if reader is not None else None
        if value is not None:
            found.append(value)
    return found


def matches(value: Value, wanted: Wanted, modifier: str | None) -> bool:
    if wanted.system is not None and value.system != wanted.system:
        return False
    if wanted.code is None or wanted.code == value.code or (wanted.system is None and wanted.code == value.unit):
        return number.matches(number.Value(value.low, value.high), wanted.amount, None)
    if wanted.system != UCUM or value.code is None:
        return False
    ends = _converted(value.low, value.high, value.code, wanted.code)
    return ends is not None and number.matches(ends, wanted.amount, None)


def canonical(value: Value) -> Value | None:
    """The value in the base units of its UCUM unit (`g.m-3`; a mole stays one), equal for equal amounts.

    None without a UCUM unit, and for units with a scale of their own (Cel). What an index may go by.
    """
    meant = _meaning(value.code) if value.system == UCUM and value.code else None
    if meant is None or meant.function:
        return None
    base = f"{meant.canonical}:mol{meant.substance}" if meant.substance else meant.canonical
    per_mole = meant.factor / _MOLE**meant.substance
    ends = [end if end.is_infinite() else decimal(Fraction(end) * per_mole) for end in (value.low, value.high)]
    return Value(ends[0], ends[1], UCUM, base)


def sort_key(values: list[Value], descending: bool) -> Decimal | None:
    """By the number alone, whatever the unit."""
    return number.sort_key([number.Value(value.low, value.high) for value in values], descending)


def _converted(low: Decimal, high: Decimal, source: str, target: str) -> number.Value | None:
    """Both ends in the other unit; None when the units measure different things, or one is none."""
    ratio = _ratio(source, target)
    if ratio is None:
        return None
    if ratio[1]:
        return number.Value(low * ratio[0] / ratio[1], high * ratio[0] / ratio[1])
    try:
        ends = sorted(end if end.is_infinite() else convert(end, source, target) for end in (low, high))
    except Incorrect:  # outside the scale of a unit such as pH
        return None
    return number.Value(ends[0], ends[1])


@lru_cache(maxsize=4096)
def _ratio(source: str, target: str) -> tuple[Decimal, Decimal] | None:
    """What to multiply with and divide by; (0, 0) when one has a scale of its own; None when they do not compare."""
    meant, wanted = _meaning(source), _meaning(target)
    if meant is None or wanted is None or (meant.powers, meant.substance) != (wanted.powers, wanted.substance):
        return None
    if meant.function or wanted.function:
        return Decimal(0), Decimal(0)
    ratio = meant.factor / wanted.factor
    return Decimal(ratio.numerator), Decimal(ratio.denominator)


@lru_cache(maxsize=1024)
def _meaning(code: str) -> Unit | None:
    """Codes that are no units are remembered, too: the same few come with every resource of a source."""
    try:
        return unit(code)
    except Incorrect:
        return None


def _quantity(quantity: dict[str, Any]) -> Value | None:
    amount = number.decimal(quantity.get("value"))
    return None if amount is None else Value(amount, amount, *_unit(quantity))


def _range(range_: dict[str, Any]) -> Value | None:
    low, high = range_.get("low") or {}, range_.get("high") or {}
    ends = number.limits(low.get("value"), high.get("value"))
    return None if ends is None else Value(ends.low, ends.high, *_unit(low or high))


def _sampled(sampled: dict[str, Any]) -> Value | None:
    """The bounds of the samples: origin + factor x data (http://hl7.org/fhir/R4/datatypes.html#SampledData)."""
    origin, factor = sampled.get("origin") or {}, number.decimal(sampled.get("factor", 1))
    zero, samples = number.decimal(origin.get("value")), _samples(sampled.get("data") or "")
    if zero is None or factor is None or not samples:
        return None
    ends = sorted((zero + factor * min(samples), zero + factor * max(samples)))
    return Value(ends[0], ends[1], *_unit(origin))


def _samples(data: str) -> list[Decimal]:
    return [Decimal(item) for item in data.split() if item not in ("E", "U", "L")]


def _money(money: dict[str, Any]) -> Value | None:
    amount, currency = number.decimal(money.get("value")), money.get("currency")
    return None if amount is None else Value(amount, amount, CURRENCIES if currency else None, currency, currency)


def _unit(quantity: dict[str, Any]) -> tuple[str | None, str | None, str | None]:
    return quantity.get("system"), quantity.get("code"), quantity.get("unit")


_READERS = {"Range": _range, "SampledData": _sampled, "Money": _money} | dict.fromkeys(
    ("Quantity", "SimpleQuantity", "Age", "Distance", "Duration", "Count"), _quantity
)
