"""What stands between two operands (http://hl7.org/fhirpath/N1/#operations). Each takes and gives System values."""

from __future__ import annotations

from collections.abc import Callable
from decimal import ROUND_DOWN, Decimal
from typing import Any

from minkang.fhir.path import amounts, moments
from minkang.fhir.path.amounts import ARITHMETIC, Amount
from minkang.fhir.path.moments import Moment

_INTEGERS = 2**31
MAX_TEXT = 1_000_000
"""Characters of a string an expression may make."""


def add(left: Any, right: Any) -> Any:
    if isinstance(left, str) and isinstance(right, str):
        return joined(left, right)
    if isinstance(left, Moment) and isinstance(right, Amount):
        return moments.added(left, right, 1)
    if isinstance(left, Amount) and isinstance(right, Amount):
        return amounts.added(left, right, 1)
    return _arithmetic(left, right, ARITHMETIC.add)


def subtract(left: Any, right: Any) -> Any:
    if isinstance(left, Moment) and isinstance(right, Amount):
        return moments.added(left, right, -1)
    if isinstance(left, Amount) and isinstance(right, Amount):
        return amounts.added(left, right, -1)
    return _arithmetic(left, right, ARITHMETIC.subtract)


def multiply(left: Any, right: Any) -> Any:
    if isinstance(left, Amount) or isinstance(right, Amount):
        return amounts.multiplied(_amount(left), _amount(right), "*")
    return _arithmetic(left, right, ARITHMETIC.multiply)


def divide(left: Any, right: Any) -> Any:
    if isinstance(left, Amount) or isinstance(right, Amount):
        one, other = _amount(left), _amount(right)
        return amounts.multiplied(one, other, "/") if other.value else None
    one, other = _number(left), _number(right)
    return finite(ARITHMETIC.divide(one, other)) if other else None


def quotient(left: Any, right: Any) -> Any:
    """div: the whole part."""
    one, other = _number(left), _number(right)
    found = ARITHMETIC.divide(one, other).to_integral_value(ROUND_DOWN) if other else None
    return whole(found)


def remainder(left: Any, right: Any) -> Any:
    one, other = _number(left), _number(right)
    if not other:
        return None
    found = ARITHMETIC.remainder(one, other)
    return whole(found) if isinstance(left, int) and isinstance(right, int) else finite(found)


def joined(left: str, right: str) -> str:
    if len(left) + len(right) > MAX_TEXT:
        raise ValueError(f"a string may have {MAX_TEXT} characters")
    return left + right


def negative(value: Any) -> Any:
    if isinstance(value, Amount):
        return value._replace(value=-value.value)
    return -value if isinstance(value, int) and not isinstance(value, bool) else ARITHMETIC.minus(_number(value))


def whole(value: Decimal | None) -> int | None:
    """A decimal as an integer of 32 bits; None when it is too large or no number."""
    if value is None or not value.is_finite() or abs(value) >= _INTEGERS:
        return None
    return int(value)


def finite(value: Decimal) -> Decimal | None:
    return value if value.is_finite() else None


def _arithmetic(left: Any, right: Any, compute: Callable[[Decimal, Decimal], Decimal]) -> Any:
    found = compute(_number(left), _number(right))
    return whole(found) if isinstance(left, int) and isinstance(right, int) else finite(found)


def _number(value: Any) -> Decimal:
    if isinstance(value, bool) or not isinstance(value, (int, Decimal)):
        raise TypeError
    return Decimal(value)


def _amount(value: Any) -> Amount:
    return value if isinstance(value, Amount) else Amount(_number(value))


ARITHMETICS: dict[str, Callable[[Any, Any], Any]] = {
    "+": add,
    "-": subtract,
    "*": multiply,
    "/": divide,
    "div": quotient,
    "mod": remainder,
}
"""TypeError: operands that do not go together; ValueError: with a reason."""


def both(left: bool | None, right: bool | None) -> bool | None:
    if left is False or right is False:
        return False
    return None if left is None or right is None else True


def either(left: bool | None, right: bool | None) -> bool | None:
    if left or right:
        return True
    return None if left is None or right is None else False


def one_of(left: bool | None, right: bool | None) -> bool | None:
    return None if left is None or right is None else left is not right


def implies(left: bool | None, right: bool | None) -> bool | None:
    if left is False or right is True:
        return True
    return None if left is None or right is None else False


LOGIC: dict[str, Callable[[bool | None, bool | None], bool | None]] = {
    "and": both,
    "or": either,
    "xor": one_of,
    "implies": implies,
}
