"""Strong numbers decide first, each confirmed by name and birth date or sex: babies are registered on their mother's
number, and cards are borrowed. What shares a number and is somebody else by everything beside it is never linked: it is
疑似借用 or 错号, and a person looks at it.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum
from typing import NamedTuple

from minkang.platform.identity.comparing import (
    Level,
    address_level,
    area_level,
    birth_level,
    has_han_names,
    is_home,
    is_other_child,
    is_sibling,
    name_level,
)
from minkang.platform.identity.person import MOTHER, RESIDENT_ID, Person, facts


class Verdict(Enum):
    SAME = "same"
    """A strong number is shared, and what stands beside it agrees."""
    BORROWED = "borrowed"
    """A strong number is shared, and what stands beside it does not agree: 疑似借用或错号."""
    TWO_NUMBERS = "two-numbers"
    """Of what one has one of in a life there are two different valid ones: two people, until somebody has looked."""
    OPEN = "open"
    """Numbers do not tell."""


class Ruling(NamedTuple):
    """`kind`: of the number that told."""

    verdict: Verdict
    kind: str = ""


def ruled(a: Person, b: Person) -> Ruling:
    """Symmetric. Several strong numbers are an OR: one that is confirmed is enough, unless another contradicts."""
    shared = _shared(a, b)
    two = next((kind for kind in _SINGLE if a.of(kind) and b.of(kind) and not a.of(kind) & b.of(kind)), "")
    if two:
        return Ruling(Verdict.TWO_NUMBERS, two)
    if not shared:
        return Ruling(Verdict.OPEN)
    if confirmed(a, b):
        return Ruling(Verdict.SAME, shared[0])
    return Ruling(Verdict.BORROWED if contradicted(a, b) else Verdict.OPEN, shared[0])


def second_number(a: Person, others: Sequence[Person]) -> str:
    """The kind of number, one of which one has in a life, that `a` has otherwise than all of these, registrations of
    one resident; empty when there is none. A pair of them need not show it: one without a number may stand between."""
    for kind in _SINGLE:
        theirs = frozenset[str]().union(*(one.of(kind) for one in others))
        if a.of(kind) and theirs and not a.of(kind) & theirs:
            return kind
    return ""


def _shared(a: Person, b: Person) -> list[str]:
    found = [kind for kind in _STRONG if a.of(kind) & b.of(kind)]
    if a.local & b.local:
        found.append("local")
    if a.order is not None and a.order == b.order and a.of(MOTHER) & b.of(MOTHER):
        found.append("mother-and-order")
    return found


def confirmed(a: Person, b: Person) -> bool:
    """Of several children of one birth none is confirmed; nor is a newborn by its mother's number, which does not say
    which of her children it is. Else name and birth date or sex agree: as written, as said, or a newborn's that has got
    its name since. A Latin name may have changed altogether (married, a nickname) where birth date and home are the
    same; a Han given name may not.
    """
    of_mother = (a.newborn or b.newborn) and _is_of_mother(a, b)
    if of_mother or is_other_child(a, b):
        return False
    name, birth, sex = name_level(a, b), birth_level(a, b), _sex(a, b)
    if sex == Level.DIFFERENT:
        told = birth >= Level.CLOSE or (birth != Level.DIFFERENT and is_home(a, b))
        return name >= Level.CLOSE and told
    if (a.newborn or b.newborn) and birth == Level.EQUAL:
        return True
    if is_sibling(a, b):
        return False
    home = address_level(a, b)
    if name >= Level.CLOSE:
        near_by = home == Level.EQUAL or (home >= Level.LIKE and area_level(a, b) == Level.EQUAL)
        return birth >= Level.LIKE or sex == Level.EQUAL or near_by
    if name == Level.LIKE and home == Level.EQUAL and not has_han_names(a, b):
        return True
    if name == Level.LIKE and (birth >= Level.CLOSE or (birth == Level.LIKE and sex == Level.EQUAL)):
        return True
    return birth >= Level.CLOSE and home >= Level.CLOSE


def contradicted(a: Person, b: Person) -> bool:
    """Somebody else by what stands beside the number. Of a number alone, with nothing beside it, nothing is known."""
    levels = (name_level(a, b), birth_level(a, b), _sex(a, b))
    of_mother = (a.newborn or b.newborn) and _is_of_mother(a, b)
    return Level.DIFFERENT in levels or is_sibling(a, b) or of_mother


def _is_of_mother(a: Person, b: Person) -> bool:
    """Whether the only number that both have is an identity card that neither was born with: it says another day."""
    if _shared(a, b) != [RESIDENT_ID]:
        return False
    told = {f"{one.birth:%Y%m%d}" for one in (a, b) if one.birth is not None}
    return bool(told) and not any(number[6:14] in told for number in a.of(RESIDENT_ID) & b.of(RESIDENT_ID))


def _sex(a: Person, b: Person) -> Level:
    if not a.sex or not b.sex:
        return Level.UNKNOWN
    return Level.EQUAL if a.sex == b.sex else Level.DIFFERENT


_STRONG = tuple(sorted({one.name for one in facts().kinds.values() if one.strong}, key=lambda one: one != RESIDENT_ID))
_SINGLE = tuple(sorted({one.name for one in facts().kinds.values() if one.one}))
