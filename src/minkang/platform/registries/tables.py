"""Which tables there are (`columns.toml`), and rows of text judged by their columns. Pure but for reading that file."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import cache
from importlib import resources
from types import MappingProxyType
from typing import Any, NamedTuple

from minkang.fhir.problem import Incorrect

SEPARATORS = re.compile(r"[、;；|]")
QUOTED = 100
"""Characters of a wrong value that are told."""

_RULES: dict[str, tuple[re.Pattern[str], str]] = {
    "code": (re.compile(r"[0-9A-Za-z][0-9A-Za-z.\-_]{0,49}"), "1 to 50 letters, digits, points or hyphens"),
    "phone": (re.compile(r"\+?[0-9][0-9 \-()]{2,29}"), "digits, blanks and hyphens, such as 0757-12345678"),
    "division": (re.compile(r"[1-9]\d{5}(\d{3}(\d{3})?)?"), "6, 9 or 12 digits of an administrative division"),
    "date": (re.compile(r"\d{4}-?\d{2}-?\d{2}|\d{4}/\d{1,2}/\d{1,2}"), "a day, such as 2026-03-31"),
}


class Column(NamedTuple):
    """`values`: what may stand here to the code it is kept as; `refers`: the table of which the value is a key."""

    name: str
    zh: str
    en: str
    required: bool = False
    rule: str = "text"
    many: bool = False
    refers: str = ""
    values: Mapping[str, str] = MappingProxyType({})


class Kind(NamedTuple):
    """One table. `key`: the columns that name a row."""

    name: str
    zh: str
    en: str
    key: tuple[str, ...]
    columns: tuple[Column, ...]


class Bad(NamedTuple):
    """A row that is not taken, and why. `line` is the number that the program shows beside it."""

    line: int
    column: str
    value: str
    expected: str


Cells = dict[str, Any]
"""Column name to text, or to a list of texts; empty cells are left out."""


class Row(NamedTuple):
    line: int
    key: tuple[str, ...]
    cells: Cells


@dataclass(slots=True)
class Rows:
    """A table, judged. `held`: keys of bad rows, which are not taken for vanished; `unnamed`: how many bad rows have
    no key that can be read; `unknown`: headings that no column has."""

    good: list[Row] = field(default_factory=list[Row])
    bad: list[Bad] = field(default_factory=list[Bad])
    held: set[tuple[str, ...]] = field(default_factory=set[tuple[str, ...]])
    unnamed: int = 0
    unknown: tuple[str, ...] = ()

    def refuse(self, row: Row, column: str, value: str, expected: str) -> None:
        self.bad.append(Bad(row.line, column, value[:QUOTED], expected))
        self.held.add(row.key)


@cache
def kinds() -> dict[str, Kind]:
    told = tomllib.loads(resources.files(__package__ or "").joinpath("columns.toml").read_text("utf-8"))
    found: dict[str, Kind] = {}
    for name, fields in told.items():
        columns = tuple(Column(column, **about) for column, about in fields["columns"].items())
        found[name] = Kind(name, fields["zh"], fields["en"], tuple(fields["key"]), columns)
    return found


def kind(name: str) -> Kind:
    """Raises Incorrect, naming those there are."""
    if name not in kinds():
        raise Incorrect(f"There is no table {name!r}: {', '.join(kinds())}.")
    return kinds()[name]


def judged(of: Kind, headings: Sequence[str], rows: Sequence[Sequence[str]], lines: Sequence[int]) -> Rows:
    """Every row is either good or told as bad. Raises Incorrect where a heading that must be there is not, or twice."""
    places = _places(of, headings)
    known = set(places.values())
    found = Rows(unknown=tuple(one for at, one in enumerate(headings) if one and at not in known))
    seen: dict[tuple[str, ...], int] = {}
    for texts, line in zip(rows, lines, strict=True):
        raw = {column.name: texts[places[column.name]].strip() for column in of.columns if column.name in places}
        key = tuple(raw.get(name, "") for name in of.key)
        row = Row(line, key, {})
        wrong = list(_judged_into(row.cells, of, raw))
        first = seen.setdefault(key, line)
        if first != line:
            told = f"no row with the same {' and '.join(of.key)} (line {first} has it)"
            wrong.append((of.columns[0].zh, "、".join(key), told))
        for column, value, expected in wrong:
            found.refuse(row, column, value, expected)
        named = {one.name for one in of.columns if one.required}
        found.unnamed += bool(wrong) and any(not raw.get(name) for name in of.key if name in named)
        if not wrong:
            found.good.append(row)
    return found


def _places(of: Kind, headings: Sequence[str]) -> dict[str, int]:
    places: dict[str, int] = {}
    for column in of.columns:
        found = [at for at, one in enumerate(headings) if one.strip().lower() in (column.zh, column.en, column.name)]
        if len(found) > 1:
            raise Incorrect(f"The heading {column.zh} ({column.en}) stands there {len(found)} times. Keep one.")
        if found:
            places[column.name] = found[0]
        elif column.required:
            raise Incorrect(
                f"The column {column.zh} ({column.en}) is missing. `minkang registry columns {of.name}` tells them all."
            )
    return places


def _judged_into(cells: Cells, of: Kind, raw: dict[str, str]) -> Iterator[tuple[str, str, str]]:
    """Column, value and what is expected of what is wrong."""
    for column in of.columns:
        text = raw.get(column.name, "")
        if not text:
            if column.required:
                yield column.zh, "", "a value: this column must not be empty"
            continue
        parts = [one.strip() for one in SEPARATORS.split(text) if one.strip()] if column.many else [text]
        values: list[str] = []
        for part in parts:
            value, expected = _value(column, part)
            if expected:
                yield column.zh, part, expected
            values.append(value)
        cells[column.name] = values if column.many else values[0]
    start, end = cells.get("valid_from"), cells.get("valid_to")
    if start and end and start > end:
        yield "失效日期", end, f"a day not before {start}, from which the row is valid"


def _value(column: Column, text: str) -> tuple[str, str]:
    """The value as it is kept, and what is expected where it is wrong."""
    if column.rule == "values":
        code = column.values.get(text) or (text if text in column.values.values() else "")
        return code, "" if code else f"one of {'、'.join(column.values)}"
    if column.rule in ("longitude", "latitude"):
        return _degrees(text, 180 if column.rule == "longitude" else 90)
    if column.rule == "text":
        return text, "" if len(text) <= 500 else "at most 500 characters"
    pattern, expected = _RULES[column.rule]
    if not pattern.fullmatch(text):
        return text, expected
    return _day(text) if column.rule == "date" else (text, "")


def _degrees(text: str, most: int) -> tuple[str, str]:
    fits = re.fullmatch(r"-?\d{1,3}(\.\d{1,12})?", text) is not None and abs(float(text)) <= most
    return text, "" if fits else f"degrees between -{most} and {most} (WGS 84), such as 23.021548"


def _day(text: str) -> tuple[str, str]:
    parts = text.split("/") if "/" in text else [text.replace("-", "")[a:b] for a, b in ((0, 4), (4, 6), (6, 8))]
    try:
        return date(*map(int, parts)).isoformat(), ""
    except ValueError:
        return text, "a day of the calendar, such as 2026-03-31"
