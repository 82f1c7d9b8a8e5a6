"""Keys under which a registration's candidates are found: two that share one are compared, others never are.

Each key is selective by itself, so that few share it even among fourteen million: a birth date or a surname alone is
none. Several kinds, for each may be spoilt by one fault: a typing error in the name leaves those of the numbers, of the
birth date and of the telephone.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from minkang.platform.identity.person import Name, Person

MOST_SPELLINGS = 2
"""Ways of saying a name that get keys of their own."""


def keys(person: Person) -> frozenset[str]:
    """Some ten texts; they are hashed with the store's key before they are kept."""
    return frozenset(_keys(person))


def _of_home(person: Person) -> Iterator[str]:
    """Born that day, living there, whatever the name."""
    if person.birth is not None and not person.is_default_birth:
        day = person.birth.strftime("%Y%m%d")
        if not any(name.is_han for name in person.names):  # a county has too many of a day; a suburb has not
            yield from (f"area|{area}|{day}" for area in person.area)
        if person.house:
            yield from (f"area-house|{area}|{person.house}|{day[:4]}" for area in person.area)
            yield from (f"area-house|{area}|{person.house}|{day[4:]}" for area in person.area)


def _keys(person: Person) -> Iterator[str]:
    for kind, values in person.ids.items():
        yield from (f"{kind}|{value}" for value in values)
    yield from (f"local|{value}" for value in person.local)
    if person.is_nobody:
        return
    for phone in person.phones:
        yield from (f"phone|{phone}|{initial}" for initial in _initials(person))
        if person.birth is not None:
            yield f"phone|{phone}|{person.birth.year}"
    yield from _of_home(person)
    for name in person.names:
        yield from _of_name(name, person)


def _of_name(name: Name, person: Person) -> Iterator[str]:
    said = sorted(name.said)[:MOST_SPELLINGS]
    birth = None if person.is_default_birth else person.birth
    if birth is not None:
        yield from _of_birth(name, said, birth)
    for area in person.area:
        yield from (f"place|{one}|{area}" for one in said)
        if person.house:
            yield from (f"door|{part[0]}|{person.house}|{area}" for part in {name.family, name.given} if part)
    for kin in person.kin:
        yield from (f"kin|{kin}|{one}" for one in _given_initials(name))


def _of_birth(name: Name, said: list[str], birth: date) -> Iterator[str]:
    day = birth.strftime("%Y%m%d")
    for one in said:
        yield f"said-month|{one}|{day[:6]}"
        yield f"said-day|{one}|{day[4:]}"
        yield f"said-year|{one}|{day[:4]}" if len(one) > 6 else f"said-years|{one}|{day[:3]}{day[6:]}"
    if name.is_han:
        yield f"chars|{''.join(sorted(name.text))}|{day[:6]}"
    letters = "".join(sorted({one[0] for one in (*name.said, *name.given_said) if one}))
    yield f"letters|{letters}|{day}"
    # The characters of a name whichever way round, and one of them spoilt.
    yield from (f"part|{part}|{day}" for part in {name.family, name.given} if part)
    if birth.day <= 12:
        turned = f"{day[:4]}{day[6:]}{day[4:6]}"
        yield from (f"said-month|{one}|{turned[:6]}" for one in said)
        yield f"letters|{letters}|{turned}"


def _initials(person: Person) -> set[str]:
    return {one[0] for name in person.names for one in name.said if one}


def _given_initials(name: Name) -> set[str]:
    return {one[0] for one in (name.given_said or name.said) if one}
