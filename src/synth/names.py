"""Invented names as people of a given age and sex have them, with the ones that break careless software mixed in."""

from __future__ import annotations

from random import Random
from typing import NamedTuple

from synth.tables import table

_NAMES = table("names")
_SURNAMES: str = _NAMES["surnames"]["common"]
_POLYPHONES: str = _NAMES["surnames"]["polyphone"]
_COMPOUND: list[str] = _NAMES["surnames"]["compound"]
_COHORTS = [(cohort["until"], {"male": cohort["male"], "female": cohort["female"]}) for cohort in _NAMES["cohorts"]]


class Name(NamedTuple):
    """`family` and `given` are empty for people whose names have no such parts: only `text` holds then."""

    text: str
    family: str
    given: str


def draw(random: Random, sex: str, born: int) -> Name:
    """A name for `sex` (male, female) and year of birth: 1 in 200 Latin, 1 in 100 Uyghur or Tibetan, 1 in 60 with a
    rare character."""
    chance = random.random()
    if chance < 0.005:
        latin = _NAMES["latin"]
        family, given = random.choice(latin["family"]), random.choice(latin["given"])
        return Name(f"{given} {family}", family, given)
    if chance < 0.015:
        return Name(random.choice(_NAMES["minority"]["text"]), "", "")
    family = _surname(random)
    given = random.choice(_NAMES["rare"]["given"]) if chance < 0.032 else random.choice(_given(sex, born))
    return Name(family + given, family, given)


def _surname(random: Random) -> str:
    chance = random.random()
    if chance < 0.06:
        return random.choice(_POLYPHONES)
    if chance < 0.08:
        return random.choice(_COMPOUND)
    return random.choice(_SURNAMES)


def _given(sex: str, born: int) -> list[str]:
    return next(names for until, names in _COHORTS if born <= until)[sex]
