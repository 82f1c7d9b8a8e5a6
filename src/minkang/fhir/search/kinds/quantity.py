"""Kind `quantity`: a number with a unit (http://hl7.org/fhir/R4/search.html#quantity).

`[prefix]number|system|code`; with the system left empty (`number||code`) the code or the unit as printed may match.
Units are compared as they are written; conversion between them is not done yet.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any, NamedTuple

from minkang.fhir.problem import Incorrect
from minkang.fhir.search.escapes import split, unescape
from minkang.fhir.search.extraction import Elements
from minkang.fhir.search.kinds import number
from minkang.fhir.search.parameters import SearchParameter

MODIFIERS = frozenset({"missing"})
NOT_YET = frozenset[str]()
CURRENCIES = "urn:iso:std:iso:4217"


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
    if (
        wanted.code is not None
        and wanted.code != value.code
        and (wanted.system is not None or wanted.code != value.unit)
    ):
        return False
    return number.matches(number.Value(value.low, value.high), wanted.amount, None)


def sort_key(values: list[Value], descending: bool) -> Decimal | None:
    """By the number alone, whatever the unit."""
    return number.sort_key([number.Value(value.low, value.high) for value in values], descending)


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
