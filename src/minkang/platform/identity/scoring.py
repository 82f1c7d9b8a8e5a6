"""Weights of agreement, after Fellegi and Sunter (JASA 64, 1969): how much likelier a level is between two
registrations of one person (m) than between those of two (u), in powers of two, summed over fields; rare names tell
more.
"""

from __future__ import annotations

import math
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from typing import Any, NamedTuple

from minkang.platform.identity.comparing import FIELDS, Level, Vector


@dataclass(frozen=True, slots=True)
class Weights:
    """`m`, `u`: chances of each level by field, of levels that can be known, between two registrations of one person
    and between two drawn by chance. `share`: how many registrations of the same person one has, on average; of a
    population of so many two drawn by chance are one person with the chance `share` / population. `names`: how many of
    a million bear a name; `usual` stands in for names not counted. `link`, `review`: chances from which two are linked,
    or looked at by a person."""

    version: str
    m: Mapping[str, Mapping[int, float]]
    u: Mapping[str, Mapping[int, float]]
    share: float
    link: float
    review: float
    population: int
    usual: float = 20.0
    household: float = 4.0
    names: Mapping[str, float] = field(default_factory=dict[str, float])

    @property
    def prior(self) -> float:
        return min(self.share / max(self.population, 2), 0.5)

    @property
    def most_of_home(self) -> float:
        """Bits that all of HOME can give: one home among those of the population."""
        return math.log2(max(self.population / self.household, 2.0))

    def of(self, name: str, level: Level, text: str = "") -> float:
        """In bits. Of what is unknown nothing follows."""
        if level is Level.UNKNOWN:
            return 0.0
        m, u = self.m[name][level], self.u[name][level]
        if name == "name" and level is Level.EQUAL and text:
            u = min(max(self.names.get(text, self.usual) / 1e6, 1e-7), 0.5)
        return math.log2(max(m, _LEAST) / max(u, _LEAST))


_LEAST = 1e-7

HOME = ("phone", "address", "area", "kin")
"""What a household shares. Where neither name nor birth date agrees, together they tell no more than that the two live
there."""


class Score(NamedTuple):
    """`chance` that the two are one person; `parts`: bits by field, for people to read."""

    bits: float
    chance: float
    parts: Mapping[str, float]


def score(vector: Vector, weights: Weights, *, relatives: bool = True) -> Score:
    """`relatives`: whether others of the same home have to be thought of."""
    levels = map(Level, vector.pattern)
    parts = {name: weights.of(name, level, vector.text) for name, level in zip(FIELDS, levels, strict=True)}
    bits = sum(parts.values())
    if (
        relatives and vector.name < Level.CLOSE and vector.birth < Level.CLOSE
    ):  # somebody else of that home would look the same
        bits -= max(sum(parts[name] for name in HOME) - weights.most_of_home, 0.0)
    odds = weights.prior / (1 - weights.prior) * 2.0 ** min(max(bits, -60.0), 60.0)
    return Score(bits, odds / (1 + odds), parts)


def weights_from(told: Mapping[str, Any]) -> Weights:
    """Of a file like `weights.toml`. Raises KeyError, ValueError."""
    m, u = _levels(told["m"]), _levels(told["u"])
    numbers = (told["share"], told["link"], told["review"], told["population"], told["usual"], told["household"])
    return Weights(told["version"], m, u, *numbers, told.get("names", {}))


def _levels(told: Mapping[str, Mapping[str, float]]) -> dict[str, dict[int, float]]:
    if {*told} != {*FIELDS}:
        raise ValueError(f"weights are of {', '.join(FIELDS)}")
    return {name: {int(Level[level]): value for level, value in levels.items()} for name, levels in told.items()}


@cache
def standard() -> Weights:
    """Those that come with the platform."""
    return weights_from(tomllib.loads(files("minkang.platform.identity").joinpath("weights.toml").read_text("utf-8")))
