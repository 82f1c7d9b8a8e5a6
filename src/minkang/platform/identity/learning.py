"""Weights from a population, without knowing the truth (Winkler 1988; u from pairs drawn by chance, as Splink does).

u: how often each level comes about between two registrations drawn by chance: nearly all such pairs are two people.
m: by expectation and maximization over candidate pairs, u being known, fields independent given who is who. The chance
beforehand is that of two drawn by chance, not of two candidates: that they share a key is told by their fields.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import replace

from minkang.platform.identity.comparing import FIELDS, Level, Vector
from minkang.platform.identity.person import Person
from minkang.platform.identity.scoring import Weights

ROUNDS = 50
_SMOOTH = 0.1
_LEVELS = tuple(int(level) for level in Level if level is not Level.UNKNOWN)

Pattern = tuple[int, ...]
Shares = Mapping[str, Mapping[int, float]]


def learned(
    candidates: Iterable[Vector], drawn: Iterable[Vector], begin: Weights, *, people: int, version: str
) -> Weights:
    """`candidates`: pairs that share a key, `drawn`: pairs by chance, of a population of so many registrations. The
    thresholds of `begin` stay, and its shares where nothing is known."""
    patterns = Counter(one.pattern for one in candidates)
    u = _shares(Counter(one.pattern for one in drawn), begin.u)
    m, share = begin.m, begin.share
    total = max(people, 2)
    for _ in range(ROUNDS):
        prior = min(share / total, 0.5)
        matched = {one: count * _chance(one, m, u, prior) for one, count in patterns.items()}
        m = _shares(matched, begin.m)
        # Pairs that are one person for each registration; among two of a hundred there are two registrations to a pair.
        before, share = share, max(2 * sum(matched.values()) / total, 0.01)
        if abs(before - share) < 1e-6:
            break
    return replace(begin, version=version, m=m, u=u, share=share)


def _chance(pattern: Pattern, m: Shares, u: Shares, prior: float) -> float:
    same, other = prior, 1 - prior
    for name, level in zip(FIELDS, pattern, strict=True):
        if level >= 0:
            same *= max(m[name][level], 1e-9)
            other *= max(u[name][level], 1e-9)
    return same / (same + other)


def _shares(weighted: Mapping[Pattern, float], otherwise: Shares) -> dict[str, dict[int, float]]:
    """Of each field's levels, drawn towards what was believed where little is known."""
    found: dict[str, dict[int, float]] = {}
    for at, name in enumerate(FIELDS):
        sums = dict.fromkeys(_LEVELS, 0.0)
        for pattern, weight in weighted.items():
            if pattern[at] >= 0:
                sums[pattern[at]] += weight
        believed = otherwise[name]
        whole = sum(believed.values())
        total = sum(sums.values()) + _SMOOTH
        found[name] = {level: (sums[level] + _SMOOTH * believed[level] / whole) / total for level in _LEVELS}
    return found


def frequencies(people: Iterable[Person], most: int = 20_000) -> dict[str, float]:
    """How many of a million bear a name, of the commonest names."""
    counts = Counter(name.text for one in people for name in one.names)
    total = max(sum(counts.values()), 1)
    return {text: count * 1e6 / total for text, count in counts.most_common(most) if count > 1}
