"""FHIRPath (http://hl7.org/fhirpath/N1) off the hot path, through the library fhirpathpy with its R4 model.

Search on the PostgreSQL store uses compiled extractors; this file serves the naive twin, invariants and patches. Faults
of fhirpathpy 2.2.4 worked round here: a union forgets the types of its items (each branch is evaluated by itself); `as`
on several items is refused, where the published expressions mean a filter; `Resource.x` finds nothing (the type is put
in its place); there is no `resolve()` (`resolve() is Patient` is answered from the literal). Not worked round: it keeps
global state while it evaluates, so one thread at a time.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from typing import Any

from fhirpathpy import compile as _compile
from fhirpathpy.models import models

from minkang.fhir.resource import Resource
from minkang.fhir.search.parameters import SearchParameter

_Program = Callable[..., list[Any]]
_RESOLVED = re.compile(r"where\(resolve\(\) is (\w+)\)")


def evaluate(expression: str, resource: Resource) -> list[Any]:
    """The collection an expression gives for a resource, as JSON values. Raises ValueError for what is no FHIRPath."""
    return _run(expression, resource, raw=False)


def path_elements(parameter: SearchParameter, resource: Resource) -> list[tuple[str, Any]]:
    """What `parameter.elements(resource)` gives, found by FHIRPath from the published expression (composites aside).

    The order of the elements may differ.
    """
    found: list[tuple[str, Any]] = []
    for branch in _branches(parameter.expression):
        expression, target, only = _rewritten(branch, resource["resourceType"])
        for node in _run(expression, resource, raw=True):
            data, path = getattr(node, "data", node), getattr(node, "path", None)
            if data is None or (only is not None and path != only):
                continue
            if target is None or _may_be(target, data, resource):
                found.append((_named(parameter, path, data), data))
    return found


def _run(expression: str, resource: Resource, *, raw: bool) -> list[Any]:
    try:
        return _program(expression, raw=raw)(resource)
    except Exception as error:  # the library raises plain Exceptions, some only when it evaluates
        raise ValueError(f"not FHIRPath: {expression[:200]!r}: {error}") from None


@lru_cache(maxsize=4096)
def _program(expression: str, *, raw: bool) -> _Program:
    return _compile(expression, models["r4"], {"returnRawData": raw})


@lru_cache(maxsize=4096)
def _branches(expression: str) -> tuple[str, ...]:
    """The parts of a top-level union."""
    parts, depth, current = [], 0, ""
    for char in expression:
        depth += (char == "(") - (char == ")")
        if char == "|" and depth == 0:
            parts.append(current.strip())
            current = ""
        else:
            current += char
    return tuple(part for part in [*parts, current.strip()] if part)


@lru_cache(maxsize=8192)
def _rewritten(branch: str, type: str) -> tuple[str, str | None, str | None]:
    """The branch without what the library cannot do; the type its references must have; the type of its items.

    `as` compares exactly here, so that ConceptMap's source-uri does not find canonicals (a kind of uri).
    """
    branch = re.sub(r"^Resource\b", type, branch)
    cast = re.fullmatch(r"\(([\w.]+) as (\w+)\)|([\w.]+)\.as\((\w+)\)", branch)
    if cast is not None:
        return cast[1] or cast[3], None, cast[2] or cast[4]
    resolved = _RESOLVED.search(branch)
    if resolved is None:
        return branch, None, None
    return branch.replace("." + resolved[0], ""), resolved[1], None


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


def _named(parameter: SearchParameter, path: str | None, data: Any) -> str:
    """The type of an element as the compiled extractor names it."""
    if isinstance(data, bool):
        return "boolean"
    if isinstance(data, dict) and "resourceType" in data:
        return "Resource"
    if path == "string" and parameter.spoken:
        return "name"
    return "id" if path == "System.String" else path or ""
