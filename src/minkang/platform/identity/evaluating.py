"""How well pairs are found, on a set of registrations whose truth is known."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from random import Random

from minkang.platform.identity.blocking import keys
from minkang.platform.identity.comparing import compare
from minkang.platform.identity.deciding import LINK, REVIEW, Pair, judged
from minkang.platform.identity.learning import frequencies, learned
from minkang.platform.identity.person import Person
from minkang.platform.identity.scoring import Weights

MOST = 60
"""Registrations under one key, beyond which it tells nothing."""

DRAWN = 100_000
"""Pairs drawn by chance to see how often two people agree."""

Names = tuple[int, int]
"""Places of two registrations, the lower first."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """Pairs: `truth` there are, `linked`, of which `right`, and `review`: handed to people, of which `review_right`.
    `candidates`: pairs compared; `covered`: true ones among them. `wrong`: some of those linked wrongly, `missed`: some
    of those that were neither linked nor handed on."""

    truth: int
    candidates: int
    covered: int
    linked: int
    right: int
    review: int
    review_right: int
    wrong: Sequence[tuple[int, int, str]]
    missed: Sequence[Names]

    @property
    def precision(self) -> float:
        return self.right / self.linked if self.linked else 1.0

    @property
    def recall(self) -> float:
        return self.right / self.truth if self.truth else 1.0

    @property
    def f1(self) -> float:
        both = self.precision + self.recall
        return 2 * self.precision * self.recall / both if both else 0.0


def candidates(people: Sequence[Person]) -> set[Names]:
    under: dict[str, list[int]] = {}
    for place, one in enumerate(people):
        for key in keys(one):
            under.setdefault(key, []).append(place)
    return {pair for places in under.values() if len(places) <= MOST for pair in combinations(places, 2)}


def trained(people: Sequence[Person], pairs: Iterable[Names], begin: Weights, *, version: str) -> Weights:
    """Weights and names of these people, learned without their truth."""
    random = Random(len(people))  # noqa: S311 - a sample, no secret
    places = range(len(people))
    drawn = (random.sample(places, 2) for _ in range(DRAWN))
    vectors = (compare(people[a], people[b]) for a, b in pairs)
    by_chance = (compare(people[a], people[b]) for a, b in drawn)
    found = learned(vectors, by_chance, begin, people=len(people), version=version)
    return replace(found, names=frequencies(people), population=len(people))


def evaluated(people: Sequence[Person], truth: Mapping[int, int], weights: Weights) -> Outcome:
    """`truth`: which person the registration at each place is of."""
    pairs = candidates(people)
    real = set(_real(truth))
    found = {pair: judged(people[pair[0]], people[pair[1]], weights) for pair in pairs}
    linked = _closed({pair for pair, one in found.items() if one.outcome == LINK})
    review = {pair for pair, one in found.items() if one.outcome == REVIEW} - linked
    wrong = [(*pair, _why(found.get(pair))) for pair in sorted(linked - real)[:20]]
    missed = sorted(real - linked - review)[:20]
    counts = (len(real), len(pairs), len(real & pairs), len(linked), len(linked & real), len(review))
    return Outcome(*counts, len(review & real), wrong, missed)


def _closed(links: set[Names]) -> set[Names]:
    """Registrations that are linked to one another through others are of one person, too."""
    head: dict[int, int] = {}

    def top(place: int) -> int:
        while (above := head.get(place, place)) != place:
            head[place] = head.get(above, above)
            place = above
        return place

    for a, b in links:
        first, second = sorted((top(a), top(b)))
        head[second] = first
    groups: dict[int, list[int]] = {}
    for place in {place for link in links for place in link}:
        groups.setdefault(top(place), []).append(place)
    return {pair for group in groups.values() for pair in combinations(sorted(group), 2)}


def _why(pair: Pair | None) -> str:
    return "through others" if pair is None else f"{pair.reason} {pair.ruling.kind} {pair.score.chance:.3f}"


def _real(truth: Mapping[int, int]) -> Iterator[Names]:
    places: dict[int, list[int]] = {}
    for place, person in truth.items():
        places.setdefault(person, []).append(place)
    for some in places.values():
        yield from combinations(sorted(some), 2)
