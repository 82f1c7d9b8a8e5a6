"""The tables of `tables.toml`, with what they share and what is repeated written out."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from importlib.resources import files
from typing import Any

_TYPE = re.compile(r"(text|code|integer|decimal|date|datetime)(?:\((\d+)(?:,(\d+))?\))?\Z")

CONTROL = ("deleted", "update_time")
"""Every table ends with these: whether the row still counts, and when it was last touched."""


@dataclass(frozen=True, slots=True)
class Column:
    """`kind`: text, code, integer, decimal, date or datetime; `size`: characters, or digits and those of the fraction;
    `path`: names of elements and places in lists, after the alias of a resource in `alias`; `to`: what its value
    becomes there (`concept`, `identifier`, `coding`, `quantity`,
    `money`, `extension`, or as it is); `observe`: a LOINC code."""

    name: str
    zh: str
    kind: str
    size: tuple[int, ...] = ()
    need: bool = False
    de: str = ""
    set: str = ""
    alias: str = ""
    path: tuple[str | int, ...] = ()
    to: str = ""
    system: str = ""
    observe: str = ""
    unit: str = ""


@dataclass(frozen=True, slots=True)
class Shape:
    """One resource of a row."""

    alias: str
    type: str
    named: str = ""
    need: tuple[str, ...] = ()
    fixed: Mapping[tuple[str | int, ...], str] = field(default_factory=dict[tuple[str | int, ...], str])
    links: Mapping[tuple[str | int, ...], str] = field(default_factory=dict[tuple[str | int, ...], str])
    subject: tuple[str | int, ...] = ()
    visit: tuple[str | int, ...] = ()
    results: bool = False
    undone: str = "entered-in-error"
    forget: tuple[str, ...] = ()
    yields: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Table:
    name: str
    zh: str
    en: str
    key: tuple[str, ...]
    columns: tuple[Column, ...]
    shapes: tuple[Shape, ...]
    day: str = ""

    @property
    def keys(self) -> tuple[str, ...]:
        """What names a row: that of the institution before its own."""
        return ("org_code", *self.key)


@cache
def layout() -> Mapping[str, Table]:
    """By name, in the order in which they are pulled. Raises ValueError for a file that is wrong."""
    read = _read()
    return {name: _table(name, told, read["shared"]) for name, told in read["table"].items()}


@cache
def sets() -> Mapping[str, Mapping[str, Any]]:
    return _read()["set"]


@cache
def _read() -> dict[str, Any]:
    return tomllib.loads((files("minkang.gateways.frontdb") / "tables.toml").read_text(encoding="utf-8"))


def _table(name: str, told: Mapping[str, Any], shared: Mapping[str, Any]) -> Table:
    person = shared["person"] if told.get("person") else []
    columns = [*shared["columns"], *person, *told["columns"], *shared["control"]]
    made = tuple(one for column in columns for one in _columns(column))
    shapes = tuple(one for shape in told.get("resource", ()) for one in _shapes(shape))
    if len({one.name for one in made}) != len(made) or not {*told["key"]} <= {one.name for one in made}:
        raise ValueError(f"table {name}: a column stands twice, or the key names none")
    aliases = {"patient", "", *(one.alias for one in shapes)}
    if wrong := [one.name for one in made if one.alias not in aliases or (one.set and one.set not in sets())]:
        raise ValueError(f"table {name}: {wrong} name no resource or set of it")
    day = told.get("day", "")
    if day and day not in {one.name for one in made}:
        raise ValueError(f"table {name}: there is no column {day}")
    return Table(name, told["zh"], told["en"], tuple(told["key"]), made, shapes, day)


def _columns(told: Mapping[str, Any]) -> Iterator[Column]:
    found = _TYPE.match(told["type"])
    if not found:
        raise ValueError(f"column {told['name']}: {told['type']!r} is no type")
    size = tuple(int(one) for one in found.groups()[1:] if one)
    for number in range(1, told.get("repeat", 1) + 1):
        name, zh, path = (told.get(part, "").replace("{n}", str(number)) for part in ("name", "zh", "path"))
        alias, _, rest = path.partition(".")
        rare = {part: told.get(part, "") for part in ("de", "set", "system", "observe", "unit")}
        yield Column(
            *(name, zh, found[1], size, told.get("need", False)),
            alias=alias,
            path=steps(rest),
            to=told.get("as", ""),
            **rare,
        )


def _shapes(told: Mapping[str, Any]) -> Iterator[Shape]:
    made = Shape(
        told["alias"],
        told["type"],
        told.get("named", ""),
        tuple(told.get("need", ())),
        {steps(path): value for path, value in told.get("fixed", {}).items()},
        {steps(path): alias for path, alias in told.get("links", {}).items()},
        steps(told.get("subject", "")),
        steps(told.get("visit", "")),
        told.get("results", False),
        told.get("undone", "entered-in-error"),
        tuple(told.get("forget", ())),
        tuple(told.get("yields", ())),
    )
    for number in range(1, told.get("repeat", 1) + 1):
        need = tuple(one.replace("{n}", str(number)) for one in made.need)
        yield replace(made, alias=made.alias.replace("{n}", str(number)), need=need)


def steps(path: str) -> tuple[str | int, ...]:
    """`name[0].text` to ("name", 0, "text")."""
    return tuple(int(one) if one.isdigit() else one for one in re.findall(r"[A-Za-z]+|\d+", path))
