"""Search parameters of every R4 resource type, from the published definitions, with their compiled extractors.

http://hl7.org/fhir/R4/searchparameter-registry.html. Lines of the table are parsed and compiled per type at first use.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import cache, lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import Any, Protocol

import orjson

from minkang.fhir.resource import Resource
from minkang.fhir.search.extraction import Elements, Extractor, compile_paths, root_keys

NOT_EXTRACTED = frozenset({"special", "composite", "text", "position", "listed", "has"})
"""Kinds whose values are not told by paths in the table."""

_SPECIAL: Mapping[str, tuple[str, Callable[[Resource], Elements]]] = {
    "_text": ("text", lambda resource: [("narrative", resource)] if "text" in resource else []),
    "near": ("position", lambda resource: [("position", resource["position"])] if "position" in resource else []),
    "_content": ("text", lambda resource: [("content", resource)]),
}
"""Special parameters that are spoken: their kind here, and what they look at."""

_TABLE = Path(__file__).parents[1] / "definitions" / "search-parameters.ndjson"


@dataclass(frozen=True, slots=True)
class SearchParameter:
    """One parameter of one resource type (`base`; "Resource" for those every type has, such as `_id`).

    `kind`: token, reference, string, date, uri, number, quantity, composite or special; and what the standard calls
    special and is spoken here: text, position, listed, has. `targets` empty: any type.
    `types`: FHIR types its elements may have. `systems`: code systems implied by its `code` elements. `spoken`: a
    string that is somebody's name, found by pinyin too. `keys`: top-level members it starts at (None: any resource).
    `elements(resource)` is the compiled extractor: a list of (FHIR type, JSON value), where a plain string of a spoken
    parameter has the type `name`. A composite's are shared elements, each given as (kind, elements) of its components.
    `generation`: 0 for those of the standard; of one that somebody added, which edition of it (`custom_parameters.py`).
    """

    code: str
    kind: str
    base: str
    url: str = field(compare=False)
    expression: str = field(compare=False)
    targets: tuple[str, ...] = field(compare=False, default=())
    components: tuple[SearchParameter, ...] = field(compare=False, default=())
    types: tuple[str, ...] = field(compare=False, default=())
    systems: tuple[str, ...] = field(compare=False, default=())
    spoken: bool = field(compare=False, default=False)
    generation: int = 0
    keys: frozenset[str] | None = field(compare=False, repr=False, default=None)
    elements: Extractor = field(compare=False, repr=False, default=lambda resource: [])

    @property
    def stem(self) -> str:
        """What the index calls it: editions of one code are different things there."""
        return self.code if self.generation == 0 else f"{self.code}~{self.generation}"

    def __reduce__(self) -> tuple[Any, ...]:
        return _again, (self.base, self.code)  # closures do not pickle: look it up again


LIST = SearchParameter("_list", "listed", "Resource", "", "", elements=lambda resource: [("Resource", resource)])
"""In the standard's text, but not among its definitions (http://hl7.org/fhir/R4/search.html#list)."""


HAS = SearchParameter("_has", "has", "Resource", "", "")
"""Reverse chaining, in the standard's text only too (http://hl7.org/fhir/R4/search.html#has)."""


@dataclass(frozen=True, slots=True)
class Added:
    """Parameters beside those of the standard: `ready` by type and code; `waiting`: by type and code what to say to who
    asks for one that cannot be used (yet)."""

    ready: Mapping[str, Mapping[str, SearchParameter]]
    waiting: Mapping[tuple[str, str], str]
    _whole: dict[str, Mapping[str, SearchParameter]] = field(default_factory=dict[str, Mapping[str, SearchParameter]])

    def of(self, type: str) -> Mapping[str, SearchParameter]:
        """Theirs and the standard's."""
        found = self._whole.get(type)
        if found is None:
            found = self._whole[type] = MappingProxyType({**_parameters_of(type), **self.ready.get(type, {})})
        return found


class Adding(Protocol):
    """Who knows what was added, now."""

    @property
    def added(self) -> Added: ...


ADDING: ContextVar[Adding | None] = ContextVar("added search parameters", default=None)
"""That of the store which this request, job or test is about. A store knows its own and nothing below it may hold a
state, so who begins the work says which counts; whoever parses, plans, includes and describes asks here."""


def parameters_of(type: str | None) -> Mapping[str, SearchParameter]:
    """Parameters of a resource type by code, those of Resource included; only the latter for None."""
    adding = ADDING.get()
    if adding is None or type is None:
        return _parameters_of(type or "Resource")
    return adding.added.of(type)


def standard_parameters_of(type: str) -> Mapping[str, SearchParameter]:
    """Those of the standard alone."""
    return _parameters_of(type)


def parameter(type: str | None, code: str) -> SearchParameter | None:
    return parameters_of(type).get(code)


def why_not(type: str | None, code: str) -> str | None:
    """What keeps an added parameter from being used; None where there is none of that code."""
    adding = ADDING.get()
    return adding.added.waiting.get((type, code)) if adding is not None and type is not None else None


def extract(resource: Resource) -> list[tuple[SearchParameter, Elements]]:
    """Every parameter of the resource's type that finds something in it, with what it finds (composites left out).

    Asks only parameters that start at a member the resource has: several times quicker than asking each of them.
    """
    return [
        (one, found) for one in _asked(tuple(resource), resource["resourceType"]) if (found := one.elements(resource))
    ]


@lru_cache(maxsize=4096)
def _asked(keys: tuple[str, ...], type: str) -> tuple[SearchParameter, ...]:
    """Resources of one origin have few sets of members, so this is nearly always remembered."""
    plain = (one for one in _parameters_of(type).values() if one.kind not in NOT_EXTRACTED)
    return tuple(one for one in plain if one.keys is None or not one.keys.isdisjoint(keys))


@cache
def resource_types() -> frozenset[str]:
    """Every concrete resource type of R4."""
    return frozenset(orjson.loads(_lines()[""][0])["types"])


@cache
def _lines() -> dict[str, list[bytes]]:
    found: dict[str, list[bytes]] = defaultdict(list)
    for line in _TABLE.read_bytes().splitlines():
        base = line[9 : line.index(b'"', 9)].decode() if line.startswith(b'{"base":"') else ""
        found[base].append(line)
    return dict(found)


@cache
def _parameters_of(type: str) -> Mapping[str, SearchParameter]:
    own = {row["code"]: _compile(row) for row in map(orjson.loads, _lines().get(type, ()))}
    if type == "Resource":
        return MappingProxyType({**own, "_list": LIST, "_has": HAS})
    return MappingProxyType({**_parameters_of("Resource"), **own})


def _again(base: str, code: str) -> SearchParameter:
    return parameters_of(base)[code]


def _compile(row: dict[str, Any]) -> SearchParameter:
    paths = tuple(row.get("paths", ()))
    spoken = row.get("spoken", False)
    if spoken:
        paths = tuple(path.removesuffix(":string") + ":name" if path.endswith(":string") else path for path in paths)
    components = tuple(
        _compile({"base": row["base"], "url": "", **component}) for component in row.get("components", ())
    )
    elements = compile_paths(paths) if paths else lambda resource: []
    if any(path.startswith("/") for component in row.get("components", ()) for path in component["paths"]):
        elements = _with_resource(elements)
    if components:
        elements = _of_components(elements, components)
    kind, elements = _SPECIAL.get(row["code"], (row["kind"], elements))
    types = tuple(dict.fromkeys("boolean" if path[0] == "?" else _type_of(path) for path in paths))
    return SearchParameter(
        code=row["code"],
        kind=kind,
        base=row["base"],
        url=row["url"],
        expression=row.get("expression", ""),
        targets=tuple(row.get("targets", ())),
        components=components,
        types=types,
        systems=tuple(row.get("systems", ())),
        spoken=spoken,
        keys=root_keys(paths) if paths else None,
        elements=elements,
    )


def _type_of(path: str) -> str:
    return path.rpartition(":")[2].partition("@")[0]


def _with_resource(elements: Extractor) -> Extractor:
    """Shared elements that carry their resource under `/`, for components whose path starts there."""

    def extract(resource: Resource) -> Elements:
        return [(kind, {**element, "/": resource}) for kind, element in elements(resource)]

    return extract


def _of_components(elements: Extractor, components: tuple[SearchParameter, ...]) -> Extractor:
    """Each shared element as what its components find in it."""

    def extract(resource: Resource) -> Elements:
        return [
            (kind, [(one.kind, one.elements(element)) for one in components]) for kind, element in elements(resource)
        ]

    return extract
