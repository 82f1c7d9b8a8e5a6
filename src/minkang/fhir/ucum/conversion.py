"""Amounts from one unit to another, exact wherever the definition is a ratio.

Functions of the special units: https://ucum.org/ucum#section-Special-Units (tables 24 and following).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from decimal import Context, Decimal
from fractions import Fraction
from typing import NamedTuple

from minkang.fhir.problem import Incorrect
from minkang.fhir.ucum.units import Unit, unit

DIGITS = 28
"""Digits a converted amount keeps where the ratio has no end (1/3)."""

_CONTEXT = Context(prec=DIGITS)


class Amount(NamedTuple):
    """A number of the base units that `code` writes (`g.m-3`): equal amounts have equal Amounts."""

    value: Decimal
    code: str


def canonical(code: str) -> str:
    """The base units of a unit: "g.m-3" for mg/dL. Raises Incorrect for what is no unit."""
    return unit(code).canonical


def comparable(one: str, other: str) -> bool:
    """Whether amounts in both units can be compared. Raises Incorrect for what is no unit."""
    return unit(one).powers == unit(other).powers


def to_canonical(value: Decimal, code: str) -> Amount:
    """The amount in base units, trailing zeros removed. Raises Incorrect for what is no unit."""
    meant = unit(code)
    return Amount(decimal(_to_base(Fraction(value), meant)), meant.canonical)


def convert(value: Decimal, source: str, target: str) -> Decimal:
    """The amount in another unit. Raises Incorrect when one is no unit or they measure different things."""
    meant, wanted = unit(source), unit(target)
    if meant.powers != wanted.powers:
        raise Incorrect(f"{source!r} cannot be converted to {target!r}: they measure different things.")
    return decimal(_from_base(_to_base(Fraction(value), meant), wanted))


def decimal(value: Fraction) -> Decimal:
    """A ratio as a decimal of at most DIGITS digits, without trailing zeros."""
    found = _CONTEXT.divide(Decimal(value.numerator), Decimal(value.denominator))
    return found.normalize(_CONTEXT)


def _to_base(value: Fraction, meant: Unit) -> Fraction:
    if not meant.function:
        return value * meant.factor
    there, _ = _FUNCTIONS[meant.function]
    return _guarded(there, value * meant.scale) * meant.factor


def _from_base(value: Fraction, wanted: Unit) -> Fraction:
    if not wanted.function:
        return value / wanted.factor
    _, back = _FUNCTIONS[wanted.function]
    return _guarded(back, value / wanted.factor) / wanted.scale


def _guarded(function: Callable[[Fraction], Fraction], value: Fraction) -> Fraction:
    try:
        return function(value)
    except (OverflowError, ValueError, ZeroDivisionError):
        raise Incorrect("The amount is outside the scale of its unit.") from None


def _shifted(by: str) -> tuple[Callable[[Fraction], Fraction], Callable[[Fraction], Fraction]]:
    zero = Fraction(by)
    return lambda value: value + zero, lambda value: value - zero


def _exponential(
    base: float, over: float = 1.0
) -> tuple[Callable[[Fraction], Fraction], Callable[[Fraction], Fraction]]:
    return (
        lambda value: Fraction(math.pow(base, float(value) / over)),
        lambda value: Fraction(over * math.log(float(value)) / math.log(base)),
    )


_TANGENT = (
    lambda value: Fraction(math.atan(float(value) / 100)),
    lambda value: Fraction(100 * math.tan(float(value))),
)
_FUNCTIONS: dict[str, tuple[Callable[[Fraction], Fraction], Callable[[Fraction], Fraction]]] = {
    "Cel": _shifted("273.15"),
    "degF": _shifted("459.67"),
    "degRe": _shifted("218.52"),
    "ln": _exponential(math.e),
    "lg": _exponential(10),
    "lgTimes2": _exponential(10, 2),
    "ld": _exponential(2),
    "pH": _exponential(0.1),
    "hpX": _exponential(0.1),
    "hpC": _exponential(0.01),
    "hpM": _exponential(0.001),
    "hpQ": _exponential(1 / 50_000),
    "tanTimes100": _TANGENT,
    "100tan": _TANGENT,
    "sqrt": (lambda value: value * value, lambda value: Fraction(math.sqrt(float(value)))),
}
"""Name in the table -> (to the base units, from the base units)."""
