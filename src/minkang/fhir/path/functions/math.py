"""Numbers (http://hl7.org/fhirpath/N1/#math), and the bounds of what is written with limited precision."""

from __future__ import annotations

from collections.abc import Callable
from decimal import ROUND_CEILING, ROUND_DOWN, ROUND_FLOOR, Decimal
from typing import Any

from minkang.fhir.path import amounts, moments
from minkang.fhir.path.amounts import ARITHMETIC, Amount, rounded
from minkang.fhir.path.context import Failed, Nodes, Program, Run
from minkang.fhir.path.functions.registry import argument, function, value
from minkang.fhir.path.moments import Moment
from minkang.fhir.path.operators import finite, whole
from minkang.fhir.path.values import boolean, system

MAX_PLACES = 28
"""Digits behind the point that a bound may be asked for."""


@function("abs")
def absolute(run: Run, items: Nodes) -> Nodes:
    found = value(items, int, Decimal, Amount)
    if isinstance(found, Amount):
        return system(found._replace(value=abs(found.value)))
    return [] if found is None else system(abs(found))


@function("ceiling")
def ceiling(run: Run, items: Nodes) -> Nodes:
    return _integral(items, ROUND_CEILING)


@function("floor")
def floor(run: Run, items: Nodes) -> Nodes:
    return _integral(items, ROUND_FLOOR)


@function("truncate")
def truncate(run: Run, items: Nodes) -> Nodes:
    return _integral(items, ROUND_DOWN)


@function("round", 0, 1)
def round_to(run: Run, items: Nodes, precision: Program | None = None) -> Nodes:
    number, places = value(items, int, Decimal), 0 if precision is None else argument(run, precision)
    if number is None or places is None:
        return []
    if not isinstance(places, int) or not 0 <= places <= MAX_PLACES:
        raise Failed(f"it takes 0 to {MAX_PLACES} digits")
    return system(finite(rounded(Decimal(number), places)))


@function("sqrt")
def square_root(run: Run, items: Nodes) -> Nodes:
    return _computed(items, ARITHMETIC.sqrt)


@function("exp")
def exponential(run: Run, items: Nodes) -> Nodes:
    return _computed(items, ARITHMETIC.exp)


@function("ln")
def natural_logarithm(run: Run, items: Nodes) -> Nodes:
    return _computed(items, ARITHMETIC.ln)


@function("log", 1)
def logarithm(run: Run, items: Nodes, base: Program) -> Nodes:
    under = argument(run, base)
    if under is None:
        return []
    divisor = ARITHMETIC.ln(_number(under))
    return _computed(items, lambda number: ARITHMETIC.plus(_tidy(ARITHMETIC.divide(ARITHMETIC.ln(number), divisor))))


@function("power", 1)
def power(run: Run, items: Nodes, exponent: Program) -> Nodes:
    number, by = value(items, int, Decimal), argument(run, exponent)
    if number is None or by is None:
        return []
    found = finite(ARITHMETIC.power(Decimal(number), _number(by)))
    if isinstance(number, int) and isinstance(by, int) and by >= 0:
        return system(whole(found))
    return system(found)


@function("comparable", 1)
def comparable(run: Run, items: Nodes, other: Program) -> Nodes:
    left, right = value(items, Amount), argument(run, other)
    if left is None or right is None:
        return []
    return boolean(isinstance(right, Amount) and amounts.comparable(left, right))


@function("precision")
def precision(run: Run, items: Nodes) -> Nodes:
    found = value(items, int, Decimal, Moment)
    if isinstance(found, Moment):
        return system(found.precision)
    return [] if found is None else system(_places(Decimal(found)))


@function("lowBoundary", 0, 1)
def low_boundary(run: Run, items: Nodes, digits: Program | None = None) -> Nodes:
    return _boundary(run, items, digits, high=False)


@function("highBoundary", 0, 1)
def high_boundary(run: Run, items: Nodes, digits: Program | None = None) -> Nodes:
    return _boundary(run, items, digits, high=True)


def _boundary(run: Run, items: Nodes, digits: Program | None, *, high: bool) -> Nodes:
    found = value(items, int, Decimal, Amount, Moment)
    wanted = None if digits is None else argument(run, digits)
    if found is None or (digits is not None and wanted is None):
        return []
    if isinstance(found, Moment):
        full = {"Date": 8, "DateTime": 17, "Time": 9}[found.kind]
        return system(moments.boundary(found, full if wanted is None else _integer(wanted), high=high))
    places = 8 if wanted is None else _integer(wanted)
    if not 0 <= places <= MAX_PLACES:
        return []
    if isinstance(found, Amount):
        return system(found._replace(value=_bound(found.value, places, high=high)))
    return system(_bound(Decimal(found), places, high=high))


def _bound(number: Decimal, places: int, *, high: bool) -> Decimal:
    """Half a unit of the last digit away, rounded outwards, so that nothing it may mean lies beyond."""
    half = Decimal(5).scaleb(-_places(number) - 1)
    edge = number + half if high else number - half
    return edge.quantize(Decimal(1).scaleb(-places), ROUND_CEILING if high else ROUND_FLOOR, ARITHMETIC)


def _places(number: Decimal) -> int:
    exponent = number.as_tuple().exponent
    return max(0, -exponent) if isinstance(exponent, int) else 0


def _integral(items: Nodes, rounding: str) -> Nodes:
    number = value(items, int, Decimal)
    return [] if number is None else system(whole(Decimal(number).to_integral_value(rounding)))


def _computed(items: Nodes, compute: Callable[[Decimal], Decimal]) -> Nodes:
    number = value(items, int, Decimal)
    return [] if number is None else system(finite(compute(Decimal(number))))


def _tidy(number: Decimal) -> Decimal:
    """A quotient of logarithms is a digit off: 16.log(2) is 4."""
    return number.quantize(Decimal("1e-28"), context=ARITHMETIC).normalize(ARITHMETIC)


def _number(found: Any) -> Decimal:
    if isinstance(found, bool) or not isinstance(found, (int, Decimal)):
        raise Failed("it takes a number")
    return Decimal(found)


def _integer(found: Any) -> int:
    if isinstance(found, bool) or not isinstance(found, int):
        raise Failed("it takes an integer")
    return found
