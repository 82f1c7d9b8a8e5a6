"""Every R4 structure: which elements a resource, data type or backbone element has, how often, and of which types.

Read from `structures.ndjson` and `value-sets.ndjson` (made by scripts/definitions.py from hl7.fhir.r4.core 4.0.1, CC0,
http://hl7.org/fhir/R4/downloads.html). The tables are read at the first question; elements are built type by type.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from types import MappingProxyType
from typing import Any

import orjson

_FILES = resources.files(__package__ or "minkang.fhir.definitions")
_PROFILED = {"SimpleQuantity": "Quantity", "MoneyQuantity": "Quantity"}


@dataclass(frozen=True, slots=True)
class Element:
    """One element of a structure. `max` None means any number.

    `types` are names of structures: `HumanName`, `code`, a backbone path such as `Patient.contact`, or `Resource` for
    any resource. `targets` None means a reference to any type. `codes` holds the only codes a required binding admits,
    or None. `choice`: written with its type's name behind (`valueQuantity`). `bare`: an XML attribute or XHTML in the
    standard, so it has no `_name` beside it.
    """

    name: str
    types: tuple[str, ...]
    min: int = 0
    max: int | None = 1
    choice: bool = False
    targets: frozenset[str] | None = None
    codes: frozenset[str] | None = None
    bare: bool = False

    @property
    def repeats(self) -> bool:
        return self.max is None or self.max > 1

    def json_names(self) -> tuple[tuple[str, str], ...]:
        """(name in JSON, type) pairs: one for a plain element, one per type for a choice."""
        if not self.choice:
            return ((self.name, self.types[0]),)
        return tuple((self.name + _suffix(kind), kind) for kind in self.types)


@cache
def resource_types() -> frozenset[str]:
    """The resource types that can be instantiated."""
    lines = _lines().items()
    return frozenset(name for name, line in lines if line["kind"] == "resource" and not line.get("abstract"))


@cache
def primitive_types() -> frozenset[str]:
    """Types whose JSON is a string, number or boolean."""
    return frozenset(name for name, line in _lines().items() if line["kind"] == "primitive")


def is_type(name: str) -> bool:
    """Whether there is a structure of that name: a resource or data type, a primitive, or a backbone path."""
    return name in _lines()


def base_of(type_name: str) -> str | None:
    """What a structure derives from: `string` for `code`, None for `Resource` and `Element`. Raises KeyError."""
    return _lines()[type_name].get("base")


@cache
def elements(type_name: str) -> Mapping[str, Element]:
    """Elements in the order of the standard, inherited ones first, by name (`value` for `value[x]`).

    Raises KeyError for an unknown type. Elements that a data type takes away (max 0) are left out.
    """
    line = _lines()[type_name]
    found = dict(elements(line["base"])) if "base" in line else {}
    for raw in line.get("elements", ()):
        element = _element(raw)
        if element.max == 0:
            found.pop(element.name, None)
        else:
            found[element.name] = element
    return MappingProxyType(found)


@cache
def json_members(type_name: str) -> Mapping[str, tuple[Element, str]]:
    """JSON name -> (element, type), choices spelled out (`valueQuantity`), without `_names`. Raises KeyError."""
    pairs = ((name, (e, kind)) for e in elements(type_name).values() for name, kind in e.json_names())
    return MappingProxyType(dict(pairs))


@cache
def choice_names() -> frozenset[str]:
    """The names in JSON of every choice element of every structure: `valueQuantity`, `deceasedBoolean` ..."""
    choices = (element for type_name in _lines() for element in elements(type_name).values() if element.choice)
    return frozenset(name for element in choices for name, _ in element.json_names())


def codes(value_set: str) -> frozenset[str]:
    """Codes of a value set that some required binding names, by the last part of its url. Raises KeyError."""
    return _value_sets()[value_set]


@cache
def _lines() -> dict[str, dict[str, Any]]:
    lines = _FILES.joinpath("structures.ndjson").read_bytes().splitlines()
    return {line["type"]: line for line in map(orjson.loads, lines)}


@cache
def _value_sets() -> dict[str, frozenset[str]]:
    lines = _FILES.joinpath("value-sets.ndjson").read_bytes().splitlines()
    return {line["name"]: frozenset(line["codes"]) for line in map(orjson.loads, lines)}


def _element(raw: dict[str, Any]) -> Element:
    return Element(
        name=raw["name"],
        types=tuple(raw["types"]),
        min=raw.get("min", 0),
        max=raw.get("max", 1),
        choice=raw.get("choice", False),
        targets=frozenset(raw["targets"]) if "targets" in raw else None,
        codes=codes(raw["codes"]) if "codes" in raw else None,
        bare=raw.get("bare", False),
    )


def _suffix(type_name: str) -> str:
    name = _PROFILED.get(type_name, type_name)
    return name[0].upper() + name[1:]
