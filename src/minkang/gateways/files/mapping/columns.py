"""Which data sets there are, what their columns hold, and which heading of a file is which column (datasets.toml)."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files
from typing import Any, NamedTuple

LEAST = 3
"""Headings that must be known before a data set is guessed."""

_NOISE = re.compile(r"[\s（）()*：:_\-]|\(.*?\)|（.*?）")


class Column(NamedTuple):
    """`names`: headings that mean it; `type`: text, date, number, id-number, code; `becomes`: what is made of it."""

    key: str
    names: tuple[str, ...]
    sets: frozenset[str]
    type: str
    becomes: str
    required: bool = False
    codes: Mapping[str, str] = {}
    low: float | None = None
    high: float | None = None
    unit: str = ""
    element: str = ""
    loinc: tuple[str, str] | None = None
    system: str = ""


@cache
def _data() -> dict[str, Any]:
    return tomllib.loads((files("minkang.gateways.files") / "datasets.toml").read_text("utf-8"))


@cache
def datasets() -> Mapping[str, str]:
    """Name to title."""
    return {name: row["title"] for name, row in _data().items() if name != "column"}


@cache
def _columns() -> tuple[Column, ...]:
    return tuple(
        Column(
            **row
            | {
                "names": tuple(row["names"]),
                "sets": frozenset(row["sets"]),
                "loinc": tuple(row["loinc"]) if "loinc" in row else None,
            }
        )
        for row in _data()["column"]
    )


@cache
def columns_of(dataset: str) -> tuple[Column, ...]:
    return tuple(one for one in _columns() if one.sets & {"*", dataset})


def matched(dataset: str, headings: Sequence[str], chosen: Mapping[str, str] | None = None) -> dict[int, Column]:
    """Place of a heading to its column. `chosen`: heading to the key of a column or to nothing; it wins over names."""
    known = {_plain(name): one for one in columns_of(dataset) for name in one.names}
    by_key = {one.key: one for one in columns_of(dataset)}
    found: dict[int, Column] = {}
    for at, heading in enumerate(headings):
        column = by_key.get(chosen[heading]) if chosen and heading in chosen else known.get(_plain(heading))
        if column is not None and (column.becomes == "identifier" or column not in found.values()):
            found[at] = column
    return found


def guess(headings: Sequence[str]) -> str:
    """The data set that knows most of the headings, empty when none knows enough."""
    scores = {name: len(matched(name, headings)) for name in datasets()}
    best = max(scores, key=lambda name: scores[name])
    # Those that everybody has say nothing: a list of names and phones alone is one of residents.
    return best if scores[best] >= LEAST else ""


def template(dataset: str) -> list[str]:
    """The headings of an empty file."""
    return [one.names[0] for one in columns_of(dataset)]


def _plain(heading: str) -> str:
    return _NOISE.sub("", heading).lower()
