"""UCUM's table of prefixes, base units and units, as its file defines them (definitions/ucum.tsv, with its source)."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from importlib import resources

_FILE = resources.files("minkang.fhir.definitions").joinpath("ucum.tsv")


@dataclass(frozen=True, slots=True)
class Atom:
    """One line of the table: the unit `code` is `number` times the expression `defined`.

    `kind`: base, unit, special (its scale is a `function`, not a factor) or arbitrary (comparable to nothing but
    itself: https://ucum.org/ucum#section-Arbitrary-Units). `metric`: takes prefixes.
    """

    kind: str
    code: str
    metric: bool
    number: Fraction
    defined: str
    function: str
    name: str


@cache
def atoms() -> dict[str, Atom]:
    """Units by their case-sensitive code."""
    found = (line for line in _lines() if line[0] != "prefix")
    return {
        code: Atom(kind, code, metric == "y", Fraction(number), *rest) for kind, code, metric, number, *rest in found
    }


@cache
def prefixes() -> dict[str, Fraction]:
    return {line[1]: Fraction(line[3]) for line in _lines() if line[0] == "prefix"}


@cache
def prefix_names() -> dict[str, str]:
    """`milli` for `m`."""
    return {line[1]: line[6] for line in _lines() if line[0] == "prefix"}


def _lines() -> list[list[str]]:
    lines = _FILE.read_text("utf-8").splitlines()
    return [line.split("\t") for line in lines if not line.startswith("#")]
