"""Quantities of FHIRPath: a number and a unit, by UCUM or a word of the calendar (http://hl7.org/fhirpath/N1/#quantity)."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Context, Decimal
from fractions import Fraction
from typing import NamedTuple

from minkang.fhir.problem import Incorrect
from minkang.fhir.ucum import convert, unit

ARITHMETIC = Context(prec=34, Emin=-999, Emax=999, traps=[])
"""What cannot be computed becomes NaN or infinite, and then an empty collection."""

CALENDAR = {
    word + ending: code
    for word, code in (
        ("year", "a"),
        ("month", "mo"),
        ("week", "wk"),
        ("day", "d"),
        ("hour", "h"),
        ("minute", "min"),
        ("second", "s"),
        ("millisecond", "ms"),
    )
    for ending in ("", "s")
}
"""Words for durations. A calendar year or month is not UCUM's `a` or `mo`, which have a fixed length."""
_MONTHS = {"a": 12, "mo": 1}


class Amount(NamedTuple):
    """`unit`: a UCUM code, or a word of the calendar when `calendar`."""

    value: Decimal
    unit: str = "1"
    calendar: bool = False

    def __str__(self) -> str:
        return f"{self.value:f} {self.unit}" if self.calendar else f"{self.value:f} '{self.unit}'"

    @property
    def code(self) -> str:
        return CALENDAR[self.unit] if self.calendar else self.unit


def compared(left: Amount, right: Amount, *, loose: bool = False) -> tuple[Decimal, Decimal] | None:
    """Both numbers in the unit of the right one; None when they measure different things.

    `loose`: a calendar month may be compared with UCUM's.
    """
    if left.code == right.code and (loose or left.calendar == right.calendar or left.code not in _MONTHS):
        return left.value, right.value
    inexact = {left.calendar and left.code in _MONTHS, right.calendar and right.code in _MONTHS}
    if not loose and inexact == {True, False}:
        return None
    if inexact == {True}:
        return left.value * _MONTHS[left.code], right.value * _MONTHS[right.code]
    try:
        return convert(left.value, left.code, right.code), right.value
    except Incorrect:
        return None


def comparable(left: Amount, right: Amount) -> bool:
    return compared(left, right) is not None


def key(amount: Amount) -> tuple[str, str]:
    """Equal for equal amounts, whatever their units."""
    if amount.calendar and amount.code in _MONTHS:
        return "months", str((amount.value * _MONTHS[amount.code]).normalize())
    try:
        meant = unit(amount.code)
    except Incorrect:
        return amount.unit, str(amount.value.normalize())
    if meant.function:
        return amount.unit, str(amount.value.normalize())
    return meant.canonical, str(Fraction(amount.value) * meant.factor)


def added(left: Amount, right: Amount, sign: int) -> Amount | None:
    """Sum or difference, in the unit of the left one."""
    pair = compared(right, left)
    if pair is None:
        return None
    return left._replace(value=ARITHMETIC.add(left.value, pair[0] if sign > 0 else -pair[0]))


def multiplied(left: Amount, right: Amount, operator: str) -> Amount | None:
    """Product or quotient; its unit is spelled out of both (`m.s`, `g/m`), `1` when all cancels."""
    for one, other in ((left, right), (right, left)):
        if other.unit == "1" and (operator == "*" or other is right):
            value = ARITHMETIC.multiply if operator == "*" else ARITHMETIC.divide
            return one._replace(value=value(left.value, right.value))
    spelled = f"{_grouped(left.code)}{'.' if operator == '*' else '/'}{_grouped(right.code)}"
    try:
        meant = unit(spelled)
    except Incorrect:
        return None
    compute = ARITHMETIC.multiply if operator == "*" else ARITHMETIC.divide
    value = compute(left.value, right.value)
    if meant.powers or not value.is_finite():
        return Amount(value, spelled)
    factor = ARITHMETIC.divide(Decimal(meant.factor.numerator), Decimal(meant.factor.denominator))
    return Amount(ARITHMETIC.multiply(value, factor))


def _grouped(code: str) -> str:
    return f"({code})" if any(char in code for char in "./") else code


def rounded(value: Decimal, places: int) -> Decimal:
    """Half up, away from zero."""
    return value.quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP, ARITHMETIC)
