"""toX() and convertsToX() (http://hl7.org/fhirpath/N1/#conversion)."""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from minkang.fhir.path.amounts import CALENDAR, Amount
from minkang.fhir.path.context import Failed, Nodes, Program, Run
from minkang.fhir.path.functions.registry import condition, function, value
from minkang.fhir.path.moments import Moment
from minkang.fhir.path.values import boolean, plain, system

_INTEGER = re.compile(r"[+-]?\d{1,10}", re.ASCII)
_DECIMAL = re.compile(r"[+-]?\d{1,30}(?:\.\d{1,30})?", re.ASCII)
_QUANTITY = re.compile(r"([+-]?\d{1,30}(?:\.\d{1,30})?)\s*(?:'([^']{1,128})'|([a-z]+))?", re.ASCII)
_TRUE, _FALSE = frozenset({"true", "t", "yes", "y", "1", "1.0"}), frozenset({"false", "f", "no", "n", "0", "0.0"})


@function("iif", 2, 3)
def iif(run: Run, items: Nodes, criterion: Program, then: Program, otherwise: Program | None = None) -> Nodes:
    """Only the branch that is taken is evaluated."""
    if len(items) > 1:
        raise Failed(f"it takes one item, there are {len(items)}")
    kept = run.this
    run.this = items or run.this
    try:
        found = criterion(run, run.this)
        if found and not isinstance(plain(found[0]), bool):
            raise Failed("its criterion is a boolean")
        if condition(found):
            return then(run, run.this)
        return [] if otherwise is None else otherwise(run, run.this)
    finally:
        run.this = kept


def _to_boolean(found: Any) -> bool | None:
    if isinstance(found, bool):
        return found
    if isinstance(found, str):
        return True if found.lower() in _TRUE else False if found.lower() in _FALSE else None
    return bool(found) if isinstance(found, (int, Decimal)) and found in (0, 1) else None


def _to_integer(found: Any) -> int | None:
    if isinstance(found, int):
        return int(found)
    number = int(found) if isinstance(found, str) and _INTEGER.fullmatch(found) else None
    return number if number is not None and -(2**31) <= number < 2**31 else None


def _to_decimal(found: Any) -> Decimal | None:
    if isinstance(found, (int, Decimal)):
        return Decimal(found)
    return Decimal(found) if isinstance(found, str) and _DECIMAL.fullmatch(found) else None


def _to_string(found: Any) -> str | None:
    if isinstance(found, bool):
        return "true" if found else "false"
    if isinstance(found, Decimal):
        return f"{found:f}"
    return str(found) if isinstance(found, (str, int, Moment, Amount)) else None


def _to_date(found: Any) -> Moment | None:
    if isinstance(found, Moment):
        return Moment("Date", found.parts[:3]) if found.kind != "Time" else None
    return Moment.read(found, "Date") if isinstance(found, str) else None


def _to_datetime(found: Any) -> Moment | None:
    if isinstance(found, Moment):
        return Moment("DateTime", found.parts, found.fraction, found.zone) if found.kind != "Time" else None
    return Moment.read(found, "DateTime") if isinstance(found, str) else None


def _to_time(found: Any) -> Moment | None:
    if isinstance(found, Moment):
        return found if found.kind == "Time" else None
    return Moment.read(found, "Time") if isinstance(found, str) else None


def _to_quantity(found: Any) -> Amount | None:
    if isinstance(found, Amount):
        return found
    if isinstance(found, (int, Decimal)):
        return Amount(Decimal(found))
    read = _QUANTITY.fullmatch(found) if isinstance(found, str) else None
    if read is None or (read[3] is not None and read[3] not in CALENDAR):
        return None
    return Amount(Decimal(read[1]), read[2] or read[3] or "1", read[3] is not None)


_CONVERSIONS: dict[str, Callable[[Any], Any]] = {
    "Boolean": _to_boolean,
    "Integer": _to_integer,
    "Decimal": _to_decimal,
    "String": _to_string,
    "Date": _to_date,
    "DateTime": _to_datetime,
    "Time": _to_time,
    "Quantity": _to_quantity,
}


def _enter(name: str, convert: Callable[[Any], Any]) -> None:
    @function(f"to{name}", 0, 1)
    def to(run: Run, items: Nodes, unit: Program | None = None) -> Nodes:
        found = value(items)
        return [] if found is None else system(convert(found))

    @function(f"convertsTo{name}", 0, 1)
    def converts(run: Run, items: Nodes, unit: Program | None = None) -> Nodes:
        found = value(items)
        return [] if found is None else boolean(convert(found) is not None)


for _name, _convert in _CONVERSIONS.items():
    _enter(_name, _convert)
