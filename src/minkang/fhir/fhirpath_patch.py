"""FHIRPath Patch (http://hl7.org/fhir/R4/fhirpatch.html) on resources, digits of decimals preserved.

A patch is a Parameters resource: every `operation` has a type (add, insert, delete, replace, move), a FHIRPath that
says where, and what that type needs. The paths are asked of the resource as the operations before have left it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from minkang.fhir.definitions.structures import Element, choice_names, elements, is_type
from minkang.fhir.path import Node, nodes
from minkang.fhir.problem import Incorrect, Unprocessable
from minkang.fhir.resource import Parsed, Resource, exact, from_exact

MAX_OPERATIONS = 1_000
_NEEDS = {
    "add": ("path", "name", "value"),
    "insert": ("path", "index", "value"),
    "delete": ("path",),
    "replace": ("path", "value"),
    "move": ("path", "source", "destination"),
}
_TEXTS, _NUMBERS = ("path", "name"), ("index", "source", "destination")


@dataclass(slots=True)
class Value:
    """A JSON value, the part of its name that tells its type (`Quantity` of valueQuantity; "" for a structure spelled
    out in parts), and what stands beside a primitive under `_name`."""

    json: Any
    suffix: str = ""
    extra: dict[str, Any] | None = None
    parts: list[dict[str, Any]] | None = None


@dataclass(slots=True)
class Operation:
    """One change. Only what its type needs is set."""

    type: str
    path: str
    name: str = ""
    value: Value = field(default_factory=lambda: Value(None))
    index: int = 0
    source: int = 0
    destination: int = 0


class _Failed(Exception):
    """The operation cannot be done on this resource."""


def is_patch(tree: Resource) -> bool:
    return tree.get("resourceType") == "Parameters"


def parse(parameters: Parsed) -> list[Operation]:
    """Operations of a Parameters resource, decimals exact. Raises Incorrect for what is no such patch."""
    tree = exact(parameters.text)
    found = tree.get("parameter", [])
    if not is_patch(tree) or not isinstance(found, list):
        raise Incorrect("A FHIRPath Patch is a Parameters resource with a list of operations.")
    if len(found) > MAX_OPERATIONS:
        raise Incorrect(f"A patch may have {MAX_OPERATIONS} operations at most.")
    return [_operation(one, number) for number, one in enumerate(found)]


def apply(text: bytes, patch: list[Operation]) -> Parsed:
    """The resource that the patch makes of a compact resource text.

    Raises Incorrect for what is no FHIRPath; Unprocessable for a path that finds nothing, or too much.
    """
    return from_exact(patched(exact(text), patch))


def patched(resource: Resource, patch: list[Operation]) -> Resource:
    """The given tree, changed in place."""
    for number, operation in enumerate(patch):
        place = f"Patch operation {number} ({operation.type} {operation.path[:64]})"
        try:
            _DO[operation.type](resource, operation)
        except _Failed as failed:
            raise Unprocessable(f"{place}: {failed}.") from None
        except Incorrect as problem:
            raise Incorrect(f"{place}: {problem.text}") from None
    if any(operation.type == "delete" for operation in patch):
        _pruned(resource)
    return resource


# --- reading the Parameters ------------------------------------------------------------------------------------------


def _operation(parameter: Any, number: int) -> Operation:
    where = f"Parameters.parameter[{number}]"
    if not isinstance(parameter, dict) or parameter.get("name") != "operation":
        raise Incorrect(f"{where}: every parameter of a FHIRPath Patch is called 'operation'.")
    parts = _parts(parameter, where)
    kind = parts["type"].json if "type" in parts else None
    if not isinstance(kind, str) or kind not in _NEEDS:
        raise Incorrect(f"{where}: its type is one of {', '.join(_NEEDS)}.")
    missing = [name for name in _NEEDS[kind] if name not in parts]
    if missing:
        raise Incorrect(f"{where}: the operation {kind} needs {' and '.join(missing)}.")
    found = {name: _typed(name, parts[name], where) for name in _NEEDS[kind]}
    return Operation(kind, **found)


def _typed(name: str, value: Value, where: str) -> Any:
    if name == "value":
        return value
    if name in _TEXTS and not isinstance(value.json, str):
        raise Incorrect(f"{where}: {name} is a string.")
    if name in _NUMBERS and (not isinstance(value.json, int) or isinstance(value.json, bool) or value.json < 0):
        raise Incorrect(f"{where}: {name} is an integer, counted from 0.")
    return value.json


def _parts(parameter: dict[str, Any], where: str) -> dict[str, Value]:
    parts = parameter.get("part") or []
    if not isinstance(parts, list) or not all(isinstance(part, dict) for part in parts):
        raise Incorrect(f"{where}: it has a list of parts.")
    found: dict[str, Value] = {}
    for part in parts:
        name = part.get("name")
        if not isinstance(name, str) or name in found:
            raise Incorrect(f"{where}: every part has a name of its own.")
        found[name] = _value(part, where)
    return found


def _value(part: dict[str, Any], where: str) -> Value:
    """value[x], a resource, or a structure spelled out in parts."""
    if isinstance(part.get("part"), list):
        return Value(None, parts=part["part"])
    if "resource" in part:
        return Value(part["resource"], "Resource")
    keys = [key for key in part if key.startswith(("value", "_value"))]
    names = {key.removeprefix("_") for key in keys}
    if len(names) != 1:
        raise Incorrect(f"{where}: its part {str(part.get('name'))[:64]!r} has one value.")
    name = names.pop()
    return Value(part.get(name), name.removeprefix("value"), part.get(f"_{name}"))


# --- operations ------------------------------------------------------------------------------------------------------


def _add(resource: Resource, operation: Operation) -> None:
    target = _only(resource, operation.path)
    holder = _members(target)
    _put(holder, target.kind, operation.name, operation.value)


def _insert(resource: Resource, operation: Operation) -> None:
    found = _list(resource, operation.path)
    if operation.index > len(found):
        raise _Failed(f"the list has {len(found)} items, so there is no place {operation.index} in it")
    item, extra = _built(operation.value, found[0].kind)
    place = operation.index
    _spliced(found[0], lambda items: items.insert(place, item), lambda extras: extras.insert(place, extra))


def _delete(resource: Resource, operation: Operation) -> None:
    found = nodes(operation.path, resource)
    if not found:
        return  # "if it exists": nothing to do
    target = _single(found)
    holder = _holder(target)
    if target.index is None:
        holder.pop(target.key, None)
        holder.pop(f"_{target.key}", None)
        return
    place = target.index
    _spliced(target, lambda items: items.pop(place), lambda extras: extras.pop(place))


def _replace(resource: Resource, operation: Operation) -> None:
    target = _only(resource, operation.path)
    holder = _holder(target)
    if target.index is not None:
        place = target.index
        item, extra = _built(operation.value, target.kind)
        _spliced(target, lambda items: _set(items, place, item), lambda extras: _set(extras, place, extra))
        return
    key = _renamed(target.key, target.kind, operation.value)
    item, extra = _built(operation.value, target.kind)
    before = list(holder.items())
    holder.clear()
    for name, value in before:  # in the place of the old one
        if name == target.key or (name == f"_{target.key}" and target.key not in dict(before)):
            _store(holder, key, item, extra)
        elif name != f"_{target.key}":
            holder[name] = value


def _move(resource: Resource, operation: Operation) -> None:
    found = _list(resource, operation.path)
    for place in (operation.source, operation.destination):
        if place >= len(found):
            raise _Failed(f"the list has {len(found)} items, so there is no item {place}")

    def moved(items: list[Any]) -> None:
        items.insert(operation.destination, items.pop(operation.source))

    _spliced(found[0], moved, moved)


_DO = {"add": _add, "insert": _insert, "delete": _delete, "replace": _replace, "move": _move}


# --- places ----------------------------------------------------------------------------------------------------------


def _only(resource: Resource, path: str) -> Node:
    found = nodes(path, resource)
    if not found:
        raise _Failed("the path finds nothing")
    return _single(found)


def _single(found: list[Node]) -> Node:
    if len(found) > 1:
        raise _Failed(f"the path finds {len(found)} elements; it must name one")
    return found[0]


def _list(resource: Resource, path: str) -> list[Node]:
    """The items of one list, all of them and in their order."""
    found = nodes(path, resource)
    if not found:
        raise _Failed("the path finds no list; use add for the first item")
    first = found[0]
    items = _holder(first).get(first.key)
    size = max(len(items or ()), len(_holder(first).get(f"_{first.key}") or ()))
    together = all(node.holder is first.holder and node.key == first.key for node in found)
    if first.index is None or not together or [node.index for node in found] != list(range(size)):
        raise _Failed("the path must find one whole list")
    return found


def _holder(node: Node) -> dict[str, Any]:
    if node.holder is None:
        raise _Failed("the path names the resource or a computed value, no element of it")
    return node.holder


def _members(node: Node) -> dict[str, Any]:
    """Where a new element of a node goes: for a primitive, what stands beside it."""
    if isinstance(node.value, dict):
        return node.value
    holder = _holder(node)
    if node.index is not None:
        raise _Failed("an element cannot be added to an item of a list of primitives; replace it")
    found = holder.setdefault(f"_{node.key}", {})
    if not isinstance(found, dict):
        raise _Failed("what stands beside the primitive is no object")
    return found


def _spliced(node: Node, change: Any, change_extra: Any) -> None:
    """Change a list, and the list of what stands beside its primitives; lists that end up empty go."""
    holder, name = _holder(node), f"_{node.key}"
    items, extras = holder.get(node.key) or [], holder.get(name) or []
    size = max(len(items), len(extras))
    items += [None] * (size - len(items))
    extras += [None] * (size - len(extras))
    change(items)
    change_extra(extras)
    for key, values in ((node.key, items), (name, extras)):
        if any(value is not None for value in values):
            holder[key] = values
        else:
            holder.pop(key, None)


def _pruned(value: Any) -> Any:
    """What a delete has left empty goes with it: FHIR knows no empty objects and arrays. None for what is empty."""
    if isinstance(value, dict):
        for key, member in list(value.items()):
            if isinstance(member, (dict, list)) and _pruned(member) is None:
                del value[key]
        return value or None
    kept = [_pruned(item) if isinstance(item, (dict, list)) else item for item in value]
    primitives = any(item is None for item in value)  # whose places must stay, beside those of their `_name`
    value[:] = kept if primitives else [item for item in kept if item is not None]
    return value if any(item is not None for item in value) else None


def _set(items: list[Any], place: int, item: Any) -> None:
    items[place] = item


# --- values ----------------------------------------------------------------------------------------------------------


def _put(holder: dict[str, Any], kind: str, name: str, value: Value) -> None:
    """Add an element to an object of a type: append to a list, or set what is not there yet."""
    element, key, type_name = _slot(kind, name, value)
    item, extra = _built(value, type_name)
    if not element.repeats:
        present = [one for one, _ in element.json_names() if one in holder or f"_{one}" in holder]
        if present:
            raise _Failed(f"{present[0]} is there already; use replace")
        _store(holder, key, item, extra)
        return
    size = max(len(holder.get(key) or ()), len(holder.get(f"_{key}") or ()))
    for member, one in ((key, item), (f"_{key}", extra)):
        if one is not None or member in holder:
            values = holder.setdefault(member, [])
            values += [None] * (size - len(values))
            values.append(one)


def _store(holder: dict[str, Any], key: str, item: Any, extra: Any) -> None:
    if item is not None:
        holder[key] = item
    if extra is not None:
        holder[f"_{key}"] = extra


def _slot(kind: str, name: str, value: Value) -> tuple[Element, str, str]:
    """The element that a name means, its name in JSON, and its type."""
    if not is_type(kind):
        raise _Failed(f"{kind} has no elements")
    for element in elements(kind).values():
        for key, type_name in element.json_names():
            if key == name and not element.choice:
                return element, key, type_name
            if element.choice and name in (element.name, key) and key == element.name + value.suffix:
                return element, key, type_name
    element = elements(kind).get(name)
    if element is not None and element.choice:
        raise _Failed(f"{name} cannot be of type {value.suffix or 'BackboneElement'}")
    raise _Failed(f"{kind} has no element {name[:64]!r}")


def _built(value: Value, kind: str) -> tuple[Any, Any]:
    """The JSON of a value and of what stands beside it; a structure is put together from its parts."""
    if value.parts is None:
        return value.json, value.extra
    made: dict[str, Any] = {}
    for part in value.parts:
        if not isinstance(part, dict) or not isinstance(part.get("name"), str):
            raise _Failed("every part of the value has a name")
        _put(made, kind, part["name"], _value(part, f"the value's part {part['name'][:64]!r}"))
    return made, None


def _renamed(key: str, kind: str, value: Value) -> str:
    """The name in JSON that a replaced choice element gets: valueString becomes valueQuantity with such a value."""
    renamed = key.removesuffix(kind[:1].upper() + kind[1:]) + value.suffix
    return renamed if {key, renamed} <= choice_names() else key
