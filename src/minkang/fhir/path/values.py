"""What an expression works on: nodes of a resource, and the System values they mean.

System values are Python's bool, int, str and Decimal, `Moment` for dates and times, `Amount` for quantities. A node of
a resource keeps its FHIR type; `plain` reads the System value out of it (http://hl7.org/fhir/R4/fhirpath.html#types).
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal, InvalidOperation
from typing import Any

from minkang.fhir.path.amounts import CALENDAR, Amount
from minkang.fhir.path.moments import Moment

__all__ = ["CALENDAR", "Amount", "Moment", "Node", "boolean", "plain", "system"]


class Node:
    """One item of a collection.

    `kind`: a FHIR type (`code`, `HumanName`, `Patient.contact`, `Patient`) or a System type (`System.Integer`).
    `value`: the JSON value, None where a primitive has only extensions; `extra`: what stands beside it under `_name`.
    A node of a resource knows its place: `holder[key]`, or `holder[key][index]`.
    """

    __slots__ = ("extra", "holder", "index", "key", "kind", "value")

    def __init__(
        self,
        kind: str,
        value: Any,
        extra: dict[str, Any] | None = None,
        holder: dict[str, Any] | None = None,
        key: str = "",
        index: int | None = None,
    ):
        self.kind, self.value, self.extra = kind, value, extra
        self.holder, self.key, self.index = holder, key, index

    def __repr__(self) -> str:
        return f"{self.kind}: {self.value!r}"


_SYSTEM = {
    bool: "System.Boolean",
    int: "System.Integer",
    str: "System.String",
    Decimal: "System.Decimal",
    Amount: "System.Quantity",
}
_TRUE, _FALSE = [Node("System.Boolean", True)], [Node("System.Boolean", False)]


def system(value: Any) -> list[Node]:
    """The collection of one System value; empty for None."""
    if value is None:
        return []
    if isinstance(value, bool):
        return _TRUE if value else _FALSE
    kind = f"System.{value.kind}" if isinstance(value, Moment) else _SYSTEM[type(value)]
    return [Node(kind, value)]


def boolean(value: bool | None) -> list[Node]:
    if value is None:
        return []
    return _TRUE if value else _FALSE


def plain(node: Node) -> Any:
    """The System value of a node; the dict of what has none; None for a primitive without a value."""
    read = _READ.get(node.kind)
    return node.value if read is None else read(node.value)


def _decimal(value: Any) -> Any:
    if isinstance(value, Decimal):
        return value
    try:
        return Decimal(repr(value)) if isinstance(value, (int, float)) and not isinstance(value, bool) else value
    except InvalidOperation:
        return None


def _moment(kind: str) -> Callable[[Any], Any]:
    def read(value: Any) -> Any:
        found = Moment.read(value, kind) if isinstance(value, str) else None
        return value if found is None else found

    return read


def _amount(value: Any) -> Any:
    """A FHIR Quantity as an amount, when it has a unit that can be told; else the JSON (compared member by member)."""
    if not isinstance(value, dict) or value.get("comparator"):
        return value
    number = _decimal(value.get("value"))
    if not isinstance(number, Decimal):
        return value
    code, unit, scheme = value.get("code"), value.get("unit"), value.get("system")
    if scheme == "http://unitsofmeasure.org" and isinstance(code, str):
        return Amount(number, code)
    return Amount(number, code or unit or "1") if scheme is None else value


_READ: dict[str, Callable[[Any], Any]] = {
    "decimal": _decimal,
    "date": _moment("Date"),
    "dateTime": _moment("DateTime"),
    "instant": _moment("DateTime"),
    "time": _moment("Time"),
} | dict.fromkeys(("Quantity", "SimpleQuantity", "MoneyQuantity", "Age", "Count", "Distance", "Duration"), _amount)
