"""Search parameters by their published expressions: what the naive twin goes by (the other store has extractors)."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

from minkang.fhir.path.evaluation import nodes
from minkang.fhir.path.values import Node
from minkang.fhir.resource import Resource
from minkang.fhir.search.parameters import SearchParameter

_RESOLVED = re.compile(r"\.where\(resolve\(\) is (\w+)\)")


def path_elements(parameter: SearchParameter, resource: Resource) -> list[tuple[str, Any]]:
    """What `parameter.elements(resource)` gives, found by FHIRPath from the published expression (composites aside).

    The order of the elements may differ.
    """
    found: list[tuple[str, Any]] = []
    for expression, target in _branches(parameter.expression):
        for node in nodes(expression, resource, lenient_as=True):
            if node.value is not None and (target is None or _may_be(target, node.value, resource)):
                found.append((_named(parameter, node), node.value))
    return found


@lru_cache(maxsize=4096)
def _branches(expression: str) -> tuple[tuple[str, str | None], ...]:
    """The parts of a top-level union, each with the type its references must have.

    A reference whose type cannot be told is kept here, where FHIRPath would drop it: `resolve()` finds nothing.
    """
    parts, depth, current = [], 0, ""
    for char in expression:
        depth += (char == "(") - (char == ")")
        if char == "|" and depth == 0:
            parts.append(current.strip())
            current = ""
        else:
            current += char
    branches = (part for part in [*parts, current.strip()] if part)
    return tuple((_RESOLVED.sub("", one), found[1] if (found := _RESOLVED.search(one)) else None) for one in branches)


def _may_be(target: str, reference: Any, resource: Resource) -> bool:
    """Is the reference to that type, as far as can be told?"""
    literal = reference.get("reference") or ""
    if literal.startswith("#"):
        named = [one["resourceType"] for one in resource.get("contained", []) if one.get("id") == literal[1:]]
    else:
        path = literal.partition("/_history/")[0].split("/")
        named = [path[-2]] if len(path) > 1 and path[-2][:1].isupper() else []
    types = named or [reference.get("type") or target]
    return target in types


def _named(parameter: SearchParameter, node: Node) -> str:
    """The type of an element as the compiled extractor names it."""
    if isinstance(node.value, bool):
        return "boolean"
    if isinstance(node.value, dict) and "resourceType" in node.value:
        return "Resource"
    return "name" if node.kind == "string" and parameter.spoken else node.kind
