"""JSON Patch (RFC 6902, https://www.rfc-editor.org/rfc/rfc6902) on resources, digits of decimals preserved.

Our own, since it is small: the maintained libraries for Python compare 1 with True, or turn decimals into floats.
"""

from __future__ import annotations

import re
from copy import deepcopy
from decimal import Decimal
from typing import Any

import msgspec

from minkang.fhir.problem import Incorrect, Unprocessable
from minkang.fhir.resource import Exact, Parsed, exact, from_exact

MAX_OPERATIONS = 10_000
MAX_COPIED = 100_000
"""Values that `copy` operations of one patch may make together: thirty of them could double a resource thirty times."""

_INDEX = re.compile(r"0|[1-9][0-9]*")
_BAD_ESCAPE = re.compile(r"~(?![01])")
_WITH_VALUE = frozenset({"add", "replace", "test"})
_WITH_FROM = frozenset({"move", "copy"})
_OPERATIONS = _WITH_VALUE | _WITH_FROM | {"remove"}
_decoder = msgspec.json.Decoder(float_hook=Exact)


def parse(text: bytes) -> list[Any]:
    """Operations of a patch document, decimals exact. Raises Incorrect for what is not a JSON array."""
    try:
        found = _decoder.decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Incorrect(f"The patch is not valid JSON: {error}.") from None
    except RecursionError:
        raise Incorrect("The patch nests values too deep.") from None
    if not isinstance(found, list):
        raise Incorrect("A JSON Patch is an array of operations.")
    return found


def apply(text: bytes, patch: list[Any]) -> Parsed:
    """The resource that the patch makes of a compact resource text.

    Raises Incorrect for a malformed patch; Unprocessable for a path that is not there, a test that fails, or when
    something other than a resource is left.
    """
    try:
        found = patched(exact(text), patch)
        if not isinstance(found, dict) or not isinstance(found.get("resourceType"), str):
            raise Unprocessable("The patch does not leave a resource.")
        return from_exact(found)
    except RecursionError:
        raise Unprocessable("The patch nests values too deep.") from None


def patched(document: Any, patch: list[Any]) -> Any:
    """The document after all operations in order; the given one may be changed. Raises as `apply` does."""
    if len(patch) > MAX_OPERATIONS:
        raise Incorrect(f"A patch may have {MAX_OPERATIONS} operations at most.")
    for number, operation in enumerate(patch):
        _check(operation, number)
    copied = 0
    for number, operation in enumerate(patch):
        try:
            if operation["op"] == "copy":
                copied += _size(_get(document, _tokens(operation["from"])), MAX_COPIED - copied)
            document = _perform(document, operation)
        except _Failed as failed:
            path = str(operation["path"])[:64]
            raise Unprocessable(f"Patch operation {number} ({operation['op']} {path}): {failed}.") from None
    return document


def _size(value: Any, most: int) -> int:
    """How many values a value consists of. Stops at the first too many."""
    found, waiting = 0, [value]
    while waiting:
        one = waiting.pop()
        found += 1
        if found > most:
            raise _Failed(f"copies would make more than {MAX_COPIED} values")
        if isinstance(one, dict):
            waiting.extend(one.values())
        elif isinstance(one, list):
            waiting.extend(one)
    return found


class _Failed(Exception):
    pass


def _check(operation: Any, number: int) -> None:
    """Form alone, so that a malformed patch is refused before anything is done."""
    if not isinstance(operation, dict):
        raise Incorrect(f"Patch operation {number} is not an object.")
    name = operation.get("op")
    if not isinstance(name, str) or name not in _OPERATIONS:
        raise Incorrect(f"Patch operation {number}: op must be one of {', '.join(sorted(_OPERATIONS))}.")
    for member in ("path", "from") if name in _WITH_FROM else ("path",):
        pointer = operation.get(member)
        if not isinstance(pointer, str):
            raise Incorrect(f"Patch operation {number} ({name}) needs '{member}', a JSON Pointer.")
        if (pointer and not pointer.startswith("/")) or _BAD_ESCAPE.search(pointer):
            raise Incorrect(f"Patch operation {number}: {member} '{pointer[:64]}' is not a JSON Pointer.")
    if name in _WITH_VALUE and "value" not in operation:
        raise Incorrect(f"Patch operation {number} ({name}) needs 'value'.")


def _perform(document: Any, operation: dict[str, Any]) -> Any:
    path = _tokens(operation["path"])
    match operation["op"]:
        case "add":
            return _add(document, path, deepcopy(operation["value"]))
        case "replace":
            _get(document, path)
            return _put(document, path, deepcopy(operation["value"]))
        case "remove":
            return _remove(document, path)
        case "copy":
            return _add(document, path, deepcopy(_get(document, _tokens(operation["from"]))))
        case "move":
            return _move(document, _tokens(operation["from"]), path)
        case _:
            if not _equal(_get(document, path), operation["value"]):
                raise _Failed("the value there is another one")
            return document


def _move(document: Any, origin: list[str], path: list[str]) -> Any:
    value = _get(document, origin)
    if origin == path:
        return document
    if path[: len(origin)] == origin:
        raise _Failed("a value cannot be moved into itself")
    return _add(_remove(document, origin), path, value)


def _tokens(pointer: str) -> list[str]:
    return [token.replace("~1", "/").replace("~0", "~") for token in pointer.split("/")[1:]]


def _get(document: Any, path: list[str]) -> Any:
    for token in path:
        if isinstance(document, dict):
            if token not in document:
                raise _Failed("there is nothing at that path")
            document = document[token]
        elif isinstance(document, list):
            document = document[_index(token, len(document) - 1)]
        else:
            raise _Failed("there is nothing at that path")
    return document


def _index(token: str, last: int) -> int:
    if not _INDEX.fullmatch(token) or len(token) > 9:
        raise _Failed(f"'{token[:16]}' is no index into an array")
    index = int(token)
    if index > last:
        raise _Failed(f"index {index} is beyond the end of the array")
    return index


def _add(document: Any, path: list[str], value: Any) -> Any:
    if not path:
        return value
    owner = _get(document, path[:-1])
    if isinstance(owner, list):
        owner.insert(len(owner) if path[-1] == "-" else _index(path[-1], len(owner)), value)
    elif isinstance(owner, dict):
        owner[path[-1]] = value
    else:
        raise _Failed("there is no object or array to add to")
    return document


def _put(document: Any, path: list[str], value: Any) -> Any:
    if not path:
        return value
    owner = _get(document, path[:-1])
    owner[_index(path[-1], len(owner) - 1) if isinstance(owner, list) else path[-1]] = value
    return document


def _remove(document: Any, path: list[str]) -> Any:
    if not path:
        raise _Failed("the whole resource cannot be removed")
    _get(document, path)
    owner = _get(document, path[:-1])
    del owner[_index(path[-1], len(owner) - 1) if isinstance(owner, list) else path[-1]]
    return document


def _equal(left: Any, right: Any) -> bool:
    """Equality of JSON values (RFC 6902 §4.6): numbers by value, and true is no number."""
    if isinstance(left, dict) and isinstance(right, dict):
        return left.keys() == right.keys() and all(_equal(left[key], right[key]) for key in left)
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(_equal, left, right))
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right
    if isinstance(left, float) or isinstance(right, float):
        # A patch that was read with floats: compare as it is written, 1.1 with 1.1.
        return _number(left) is not None and _number(left) == _number(right)
    return left == right


def _number(value: Any) -> Decimal | None:
    return Decimal(str(value)) if isinstance(value, (int, float, Decimal)) else None
