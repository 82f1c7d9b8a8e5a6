"""What becomes of a registration: it is one of somebody who is here, a person has to look, or it is somebody new.

Numbers decide first (`rules.py`), then the chance (`scoring.py`). By chance alone nobody is linked who has another
given name (twins, father and son share nearly everything else), or another birth date; where two numbers differ of
which one has one in a life; or who is nobody yet (无名氏).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from minkang.platform.identity.comparing import Level, Vector, compare, has_han_names, has_other_given, is_sibling
from minkang.platform.identity.person import Person
from minkang.platform.identity.rules import Ruling, Verdict, ruled
from minkang.platform.identity.scoring import Score, Weights, score


class Pair(NamedTuple):
    """A candidate against the registration. `outcome`: link, review or apart; `reason`: why, for people and programs:
    number, chance, borrowed, two-numbers, sibling, other-birth, unsure, unlike."""

    other: Person
    outcome: str
    reason: str
    ruling: Ruling
    vector: Vector
    score: Score


LINK, REVIEW, APART = "link", "review", "apart"


def judged(a: Person, b: Person, weights: Weights) -> Pair:
    """Symmetric."""
    ruling, vector = ruled(a, b), compare(a, b)
    chance = score(vector, weights, relatives=has_han_names(a, b))
    outcome, reason = _judged(a, b, ruling, vector, chance, weights)
    return Pair(b, outcome, reason, ruling, vector, chance)


def _judged(a: Person, b: Person, ruling: Ruling, vector: Vector, chance: Score, weights: Weights) -> tuple[str, str]:
    match ruling.verdict:
        case Verdict.SAME:
            return LINK, "number"
        case Verdict.BORROWED:
            return REVIEW, "borrowed"
        case Verdict.TWO_NUMBERS:
            alike = vector.name is Level.EQUAL and vector.birth is Level.EQUAL and vector.sex is not Level.DIFFERENT
            return (REVIEW, "two-numbers") if alike and chance.chance >= weights.link else (APART, "two-numbers")
        case Verdict.OPEN:
            pass
    if a.is_nobody or b.is_nobody or chance.chance < weights.review:
        return APART, "unlike"
    if _is_doubtful(a, b, vector):
        return REVIEW, "sibling" if is_sibling(a, b) else "other-birth"
    return (LINK, "chance") if chance.chance >= weights.link else (REVIEW, "unsure")


def _is_doubtful(a: Person, b: Person, vector: Vector) -> bool:
    if is_sibling(a, b) or vector.name is Level.UNKNOWN:
        return True
    return vector.birth is Level.DIFFERENT and (has_other_given(a, b) or not _is_same_home(a, b, vector))


def _is_same_home(a: Person, b: Person, vector: Vector) -> bool:
    """A birth date may be typed quite wrongly: the same name behind the same door is one person. A name that is only
    said alike is not: fathers and sons, sisters. A Han address without numbers is a village; Latin ones are exact
    enough."""
    if vector.address is not Level.EQUAL:
        return False
    if has_han_names(a, b):
        return vector.name is Level.EQUAL and bool(a.house) and a.house == b.house
    return vector.name >= Level.LIKE


def decided(new: Person, candidates: Iterable[Person], weights: Weights) -> list[Pair]:
    """Those that are linked or looked at, the likeliest first; none: somebody new."""
    found = [judged(new, one, weights) for one in candidates if one.id != new.id]
    kept = [one for one in found if one.outcome != APART]
    return sorted(kept, key=lambda one: (one.outcome != LINK, -one.score.chance, one.other.id))
