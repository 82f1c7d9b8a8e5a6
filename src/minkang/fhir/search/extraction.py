"""Paths of the search-parameter table compiled to closures: from a resource to the elements a parameter looks at.

The form of a path is described in `scripts/search_parameters.py`, which resolved it against the structure definitions;
nothing about types is left to find out here, so an absent path costs one dict lookup.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

from minkang.fhir.resource import Resource

Elements = list[tuple[str, Any]]
Extractor = Callable[[Resource], Elements]
Collector = Callable[[Any, Elements], None]

_STEP = re.compile(r"(/|[^.*\[:]+)(\*?)((?:\[[^\]]*\])*)\.?")


def compile_paths(paths: Sequence[str]) -> Extractor:
    """One function for all `paths` of a parameter: resource -> [(FHIR type, value)], in the order of the paths."""
    if len(paths) == 1:
        return _single(paths[0])
    targets = {path.partition("@")[2] for path in paths}
    extract = _walk(*(_collector(path.partition("@")[0]) for path in paths))
    return extract if targets == {""} else _only(extract, targets)


def root_keys(paths: Sequence[str]) -> frozenset[str] | None:
    """Top-level members without one of which `paths` find nothing; None when any resource may have some."""
    if any(path[0] in "?:/" for path in paths):
        return None
    return frozenset(re.match(r"\w+", path)[0] for path in paths)  # type: ignore[index]


def _single(path: str) -> Extractor:
    if path.startswith("?"):
        return _flag(path[1:].split(","))
    path, _, target = path.partition("@")
    key, _, kind = path.partition(":")
    if key == "":
        return lambda resource: [(kind, resource)]
    extract = _member(key, kind) or _walk(_collector(path))
    return _only(extract, {target}) if target else extract


def _member(key: str, kind: str) -> Extractor | None:
    """The two commonest shapes, a top-level member and a top-level array, without a chain of closures."""
    if re.fullmatch(r"\w+", key):
        return lambda resource: [] if (value := resource.get(key)) is None else [(kind, value)]
    if re.fullmatch(r"\w+\*", key):
        name = key[:-1]
        return lambda resource: (
            [] if (values := resource.get(name)) is None else [(kind, value) for value in values if value is not None]
        )
    return None


def _walk(*collectors: Collector) -> Extractor:
    def extract(resource: Resource) -> Elements:
        found: Elements = []
        for collect in collectors:
            collect(resource, found)
        return found

    return extract


def _flag(keys: list[str]) -> Extractor:
    """`x.exists() and x != false` over a choice element: always answers one boolean."""
    return lambda resource: [("boolean", any(resource.get(key, False) is not False for key in keys))]


def _collector(path: str) -> Collector:
    text, _, kind = path.rpartition(":")
    collect: Collector = lambda node, found: found.append((kind, node))  # noqa: E731
    for key, many, filters in reversed(_STEP.findall(text)):
        for condition in reversed(re.findall(r"\[([^\]]*)\]", filters)):
            collect = _where(condition, collect)
        first_only = bool(many) and "[0]" in filters
        collect = _first(key, collect) if first_only else _each(key, collect) if many else _child(key, collect)
    return collect


def _child(key: str, collect: Collector) -> Collector:
    def step(node: Any, found: Elements) -> None:
        child = node.get(key)
        if child is not None:
            collect(child, found)

    return step


def _each(key: str, collect: Collector) -> Collector:
    def step(node: Any, found: Elements) -> None:
        for child in node.get(key) or ():
            if child is not None:  # arrays of primitives hold null where only an extension is
                collect(child, found)

    return step


def _first(key: str, collect: Collector) -> Collector:
    def step(node: Any, found: Elements) -> None:
        children = node.get(key)
        if children:
            collect(children[0], found)

    return step


def _where(condition: str, collect: Collector) -> Collector:
    key, equals, wanted = condition.partition("=")
    if not equals:
        return collect  # an index: `_first` has dealt with it

    def step(node: Any, found: Elements) -> None:
        if node.get(key) == wanted:
            collect(node, found)

    return step


def _only(extract: Extractor, targets: set[str]) -> Extractor:
    """Keep references whose target type is one of `targets` or cannot be told."""
    targets = targets | {""}
    prefixes = tuple(f"{target}/" for target in targets if target)

    def wanted(reference: Resource, resource: Resource) -> bool:
        # The ordinary literal `Patient/1` is told by its beginning, six times quicker than by the pattern.
        return (reference.get("reference") or "").startswith(prefixes) or target_type(reference, resource) in targets

    def filtered(resource: Resource) -> Elements:
        found = extract(resource)
        return [item for item in found if wanted(item[1], resource)] if found else found

    return filtered


_LITERAL = re.compile(r"(?:^|/)([A-Z][A-Za-z]+)/[A-Za-z0-9.\-]{1,64}(?:/_history/[A-Za-z0-9.\-]{1,64})?$")


def target_type(reference: Resource, resource: Resource) -> str:
    """Resource type a Reference points to, "" when the literal does not tell (urn:uuid, only an identifier)."""
    literal = reference.get("reference")
    if literal:
        if literal.startswith("#"):
            return _contained_type(literal[1:], resource)
        named = _LITERAL.search(literal)
        if named:
            return named[1]
    return reference.get("type") or ""


def _contained_type(fragment: str, resource: Resource) -> str:
    for contained in resource.get("contained", ()):
        if contained.get("id") == fragment:
            return contained.get("resourceType", "")
    return ""
