"""What FHIR's definitions say to an expression: the members of a node and whether it is of a type."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any, NamedTuple

from minkang.fhir.definitions.structures import (
    base_of,
    elements,
    is_type,
    primitive_types,
    resource_types,
)
from minkang.fhir.path.values import Node

SYSTEM_TYPES = frozenset(
    f"System.{name}"
    for name in ("Any", "Boolean", "String", "Integer", "Decimal", "Date", "DateTime", "Time", "Quantity")
)


class Slot(NamedTuple):
    """Where values of an element stand in JSON: `key`, each of type `kind`; `extra` is the key of their extensions."""

    key: str
    kind: str
    extra: str


@cache
def slots(kind: str) -> Mapping[str, tuple[Slot, ...]]:
    """Element name -> its slots, several for a choice. Empty for a type without members."""
    if kind.startswith("System.") or not is_type(kind):
        return {}
    found: dict[str, tuple[Slot, ...]] = {}
    for element in elements(kind).values():
        found[element.name] = tuple(
            Slot(key, _named(type_name), f"_{key}" if type_name in primitive_types() else "")
            for key, type_name in element.json_names()
        )
    return found


@cache
def _by_key(kind: str) -> Mapping[str, Slot]:
    return {slot.key: slot for group in slots(kind).values() for slot in group}


def members(node: Node, name: str) -> tuple[Slot, ...] | None:
    """Slots of that element; None when the type has no such element."""
    return slots(node.kind).get(name)


def take(node: Node, slot: Slot, found: list[Node]) -> None:
    """Put what stands in a slot into `found`."""
    holder = node.value
    if type(holder) is not dict:  # a primitive has only what stands beside its value: id and extension
        holder = node.extra
        if holder is None:
            return
    value = holder.get(slot.key)
    extra = holder.get(slot.extra) if slot.extra else None
    if type(value) is list or type(extra) is list:
        _take_list(holder, slot, value, extra, found)
    elif value is not None or extra is not None:
        found.append(Node(_actual(slot.kind, value), value, extra, holder, slot.key))


def _take_list(holder: dict[str, Any], slot: Slot, values: Any, extras: Any, found: list[Node]) -> None:
    values = values if type(values) is list else []
    extras = extras if type(extras) is list else []
    for index in range(max(len(values), len(extras))):
        value = values[index] if index < len(values) else None
        extra = extras[index] if index < len(extras) else None
        if value is not None or extra is not None:
            found.append(Node(_actual(slot.kind, value), value, extra, holder, slot.key, index))


def children(node: Node) -> list[Node]:
    """Every member of a node, in the order they stand in the JSON."""
    found: list[Node] = []
    holder = (node.value if isinstance(node.value, dict) else node.extra) or {}
    known = _by_key(node.kind)
    for key in holder:
        slot = known.get(key)
        if slot is None and key[:1] == "_" and (slot := known.get(key[1:])) is not None and key[1:] in holder:
            continue  # taken with its value
        if slot is not None:
            take(node, slot, found)
    return found


def root(resource: dict[str, Any]) -> Node:
    kind = resource.get("resourceType")
    return Node(kind if isinstance(kind, str) and is_type(kind) else "Resource", resource)


def is_kind(node: Node, type_name: str) -> bool:
    """Whether a node is of a type or of one that derives from it; the type as `known_type` gave it."""
    return any(_derives(node.kind, one) for one in type_name.split("|"))


def is_exactly(node: Node, type_name: str) -> bool:
    """The same for `as` and `ofType`, for which a `code` is no `string` (a resource or data type may still derive)."""
    if node.kind in primitive_types():
        return node.kind in type_name.split("|")
    return is_kind(node, type_name)


@cache
def known_type(written: str) -> str | None:
    """A type as written (`Patient`, `FHIR.Patient`, `System.String`) as the kinds it means, None when there is none.

    Without a namespace it may mean both: Quantity is FHIR's or the System's.
    """
    space, _, name = written.rpartition(".")
    if space in ("FHIR", "") and is_type(name):
        return f"{name}|System.{name}" if not space and f"System.{name}" in SYSTEM_TYPES else name
    if space == "System" or (not space and f"System.{name}" in SYSTEM_TYPES):
        return f"System.{name}"
    return written if not space and is_type(written) else None


@cache
def _derives(kind: str, base: str) -> bool:
    return base == "System.Any" or base in _line_of_descent(kind)


def _line_of_descent(kind: str) -> Iterator[str]:
    step: str | None = kind
    while step is not None:
        yield step
        step = base_of(step) if not step.startswith("System.") else None


def _named(type_name: str) -> str:
    return "Quantity" if type_name in ("SimpleQuantity", "MoneyQuantity") else type_name


def _actual(kind: str, value: Any) -> str:
    """A contained resource or an entry's says itself what it is."""
    if kind == "Resource" and type(value) is dict:
        named = value.get("resourceType")
        return named if isinstance(named, str) and named in resource_types() else kind
    return kind
