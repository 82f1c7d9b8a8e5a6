"""What the data files of this door say: OIDs, units, code maps, data elements, groups, templates, sections."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Any, NamedTuple


class Group(NamedTuple):
    """Data elements that say one thing together. `parts`: data element to the part it plays; `anchors`: those that
    begin one; `across`: it may go on in the following entries of its section; `nested`: what plays a part only when it
    stands inside of another part; `apart`: sections where it is none."""

    name: str
    target: str
    anchors: frozenset[str]
    parts: Mapping[str, str]
    across: bool = False
    nested: Mapping[str, str] = MappingProxyType({})
    apart: frozenset[str] = frozenset()


class Section(NamedTuple):
    """`category` of its observations, `role` of its diagnoses, `title` in Chinese."""

    title: str = ""
    category: str = ""
    role: str = ""


@cache
def systems() -> Mapping[str, str]:
    """OID to URI."""
    return _read("systems.toml")["systems"]


@cache
def units() -> Mapping[str, str]:
    """A unit as it is written to its UCUM code."""
    return _read("systems.toml")["units"]


@cache
def _maps() -> dict[str, dict[str, Any]]:
    return _read("codes.toml")


def codes(table: str, value: str) -> str | None:
    return _maps()[table]["codes"].get(value)


def system(table: str) -> str:
    return _maps()[table]["system"]


@cache
def groups() -> tuple[Group, ...]:
    return tuple(
        Group(
            name,
            row["target"],
            frozenset(row["anchors"]),
            _turned(row["parts"]),
            row.get("across", False),
            _turned(row.get("nested", {})),
            frozenset(row.get("except", ())),
        )
        for name, row in _read("elements.toml")["group"].items()
    )


def _turned(parts: Mapping[str, list[str]]) -> dict[str, str]:
    return {element: part for part, elements in parts.items() for element in elements}


@cache
def groups_of(element: str) -> tuple[Group, ...]:
    """In which groups a data element plays a part, those it begins first."""
    found = [one for one in groups() if element in one.parts]
    return tuple(sorted(found, key=lambda one: element not in one.anchors))


@cache
def same() -> Mapping[str, str]:
    """The number of an element in a data set to the data element that it is."""
    return _read("elements.toml")["same"]


@cache
def loinc() -> Mapping[str, tuple[str, str]]:
    """Data element to the LOINC code and name that mean the same."""
    return {element: (code, name) for element, (code, name) in _read("elements.toml")["loinc"].items()}


@cache
def facts() -> Mapping[str, tuple[str, str]]:
    """Data element to the resource and element that it also says something of (`Encounter`, `start`)."""
    return {element: (kind, name) for element, (kind, name) in _read("elements.toml")["facts"].items()}


@cache
def targets() -> Mapping[str, str]:
    """Template root to the name of what is made of it."""
    return {root: name for name, roots in _read("templates.toml")["targets"].items() for root in roots}


@cache
def sections() -> Mapping[str, Section]:
    """By LOINC code, or title where there is no code."""
    return {code: Section(**row) for code, row in _read("sections.toml").items()}


class Field(NamedTuple):
    """A data element of a document. `type` and `system` of its value; `inside`: the statement that it stands in."""

    id: str
    name: str = ""
    type: str = ""
    system: str = ""
    unit: str = ""
    inside: str = ""


@cache
def fields(document: str) -> Mapping[str, tuple[Field, ...]]:
    """By section, what a document of this kind holds (documents.toml); nothing for kinds that are not there."""
    found = _documents().get(document, {})
    return {section: tuple(_field(row) for row in rows) for section, rows in found.items()}


def _field(row: dict[str, str]) -> Field:
    return Field(**row | {"system": row.get("system", "").replace("~", "2.16.156.10011.2.")})


@cache
def _documents() -> dict[str, dict[str, list[dict[str, str]]]]:
    return _read("documents.toml")


@cache
def value_sets() -> Mapping[str, Mapping[str, Any]]:
    """OID of a value domain to its table, name and codes."""
    return _read("value_sets.toml")


@cache
def numbers() -> Mapping[str, Mapping[str, str]]:
    """Root of an identifier to whose number it is and its name."""
    return _read("systems.toml")["numbers"]


@cache
def _read(name: str) -> dict[str, Any]:
    return tomllib.loads((files("minkang.gateways.cda") / name).read_text(encoding="utf-8"))
