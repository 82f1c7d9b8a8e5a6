"""Equality, equivalence and order (http://hl7.org/fhirpath/N1/#equality)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Sequence
from decimal import Decimal
from typing import Any

from minkang.fhir.path import amounts, moments
from minkang.fhir.path.amounts import Amount, rounded
from minkang.fhir.path.moments import Moment
from minkang.fhir.path.values import Node, plain


def equal(left: Sequence[Node], right: Sequence[Node]) -> bool | None:
    """=, None when it cannot be told."""
    if not left or not right:
        return None
    if len(left) != len(right):
        return False
    found: bool | None = True
    for one, other in zip(left, right, strict=True):
        same = _equal(plain(one), plain(other))
        if same is False:
            return False
        found = found and same if same is not None else None
    return found


def equivalent(left: Sequence[Node], right: Sequence[Node]) -> bool:
    """~, whatever the order of the items."""
    if len(left) != len(right):
        return False
    if len(left) == 1:
        return _equivalent(plain(left[0]), plain(right[0]))
    rest = [plain(node) for node in right]
    for node in left:
        value = plain(node)
        place = next((place for place, other in enumerate(rest) if _equivalent(value, other)), None)
        if place is None:
            return False
        del rest[place]
    return True


def compare(left: Any, right: Any) -> int | None:
    """-1, 0 or 1 for two System values; None when it cannot be told. Raises TypeError for what has no order."""
    if isinstance(left, str) and isinstance(right, str):
        return (left > right) - (left < right)
    if _number(left) and _number(right):
        return (left > right) - (left < right)
    if isinstance(left, Moment) and isinstance(right, Moment):
        if (left.kind == "Time") != (right.kind == "Time"):
            raise TypeError
        return moments.order(left, right)
    if isinstance(left, Amount) or isinstance(right, Amount):
        one, other = _amount(left), _amount(right)
        pair = amounts.compared(one, other) if one is not None and other is not None else None
        if one is None or other is None:
            raise TypeError
        return None if pair is None else (pair[0] > pair[1]) - (pair[0] < pair[1])
    raise TypeError


def key(node: Node) -> Hashable:
    """Equal for nodes that are equal: what `|`, distinct() and their like go by."""
    return _key(plain(node))


def _equal(left: Any, right: Any) -> bool | None:
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right
    if isinstance(left, dict) and isinstance(right, dict):
        return left is right or _key(left) == _key(right)
    try:
        order = compare(left, right)
    except TypeError:
        return False
    if order is None and isinstance(left, Amount) and isinstance(right, Amount):
        return None if {left.code, right.code} & {"a", "mo"} and left.calendar != right.calendar else False
    return None if order is None else order == 0


def _equivalent(left: Any, right: Any) -> bool:
    if isinstance(left, str) and isinstance(right, str):
        return " ".join(left.casefold().split()) == " ".join(right.casefold().split())
    if isinstance(left, dict) and isinstance(right, dict):
        return _equivalent_members(left, right)
    if isinstance(left, list) and isinstance(right, list):
        return Counter(map(repr, map(_loose, left))) == Counter(map(repr, map(_loose, right)))
    if _number(left) and _number(right):
        return _rounded_alike(left, right)
    if isinstance(left, Amount) and isinstance(right, Amount):
        return _alike(left, right)
    return _equal(left, right) is True


def _alike(left: Amount, right: Amount) -> bool:
    """To the digits of the less exact number, in its unit: 4 g is like 4040 mg."""
    exact, vague = (left, right) if _places(left.value) > _places(right.value) else (right, left)
    pair = amounts.compared(exact, vague, loose=True)
    return pair is not None and rounded(pair[0], _places(vague.value)) == vague.value


def _equivalent_members(left: dict[str, Any], right: dict[str, Any]) -> bool:
    return bool(_loose(left) == _loose(right))


def _loose(value: Any) -> Any:
    """A JSON value in a form that is equal for equivalent ones: no ids, letters of one case, arrays sorted."""
    if isinstance(value, dict):
        return {name: _loose(item) for name, item in value.items() if name != "id"}
    if isinstance(value, list):
        return sorted((_loose(item) for item in value), key=repr)
    if isinstance(value, str):
        return " ".join(value.casefold().split())
    return _number_key(value) if _number(value) or isinstance(value, float) else value


def _rounded_alike(left: Any, right: Any) -> bool:
    one, other = Decimal(left), Decimal(right)
    places = min(_places(one), _places(other))
    return rounded(one, places) == rounded(other, places)


def _places(value: Decimal) -> int:
    """Digits behind the point that count: trailing zeros do not."""
    exponent = value.normalize().as_tuple().exponent
    return max(0, -exponent) if isinstance(exponent, int) else 0


def _key(value: Any) -> Hashable:
    if isinstance(value, bool) or value is None:
        return (value,)
    if isinstance(value, str):
        return value
    if isinstance(value, (int, float, Decimal)):
        return _number_key(value)
    if isinstance(value, Moment):
        return moments.key(value)
    if isinstance(value, Amount):
        return amounts.key(value)
    if isinstance(value, list):
        return ("[", *map(_key, value))
    return ("{", *((name, _key(value[name])) for name in sorted(value) if name != "/"))


def _number_key(value: Any) -> Hashable:
    number = Decimal(repr(value)) if isinstance(value, float) else Decimal(value)
    return ("number", number)


def _amount(value: Any) -> Amount | None:
    if isinstance(value, Amount):
        return value
    return Amount(Decimal(value)) if _number(value) else None


def _number(value: Any) -> bool:
    return isinstance(value, (int, Decimal)) and not isinstance(value, bool)
