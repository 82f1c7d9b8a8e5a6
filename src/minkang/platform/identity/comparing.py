"""How far two registrations agree: a level for each field. Symmetric, and unknown where either says nothing."""

from __future__ import annotations

from enum import IntEnum
from typing import NamedTuple

from minkang.platform.identity.person import Name, Person


class Level(IntEnum):
    """From agreement down. LIKE is weaker than CLOSE; a field need not have both."""

    EQUAL = 3
    CLOSE = 2
    LIKE = 1
    DIFFERENT = 0
    UNKNOWN = -1


class Vector(NamedTuple):
    """`text`: the name that both have, where it is equal: rare names tell more."""

    name: Level
    birth: Level
    sex: Level
    phone: Level
    address: Level
    area: Level
    kin: Level
    text: str = ""

    @property
    def pattern(self) -> tuple[int, ...]:
        return tuple(map(int, self[:-1]))


FIELDS = Vector._fields[:-1]


def compare(a: Person, b: Person) -> Vector:
    level, text = _names(a, b)
    return Vector(
        level,
        birth_level(a, b),
        _said(a.sex, b.sex),
        _phones(a, b),
        address_level(a, b),
        area_level(a, b),
        _shared(a.kin, b.kin),
        text,
    )


def _said(a: str, b: str) -> Level:
    if not a or not b:
        return Level.UNKNOWN
    return Level.EQUAL if a == b else Level.DIFFERENT


def _shared(a: frozenset[str], b: frozenset[str]) -> Level:
    if not a or not b:
        return Level.UNKNOWN
    return Level.EQUAL if a & b else Level.DIFFERENT


def name_level(a: Person, b: Person) -> Level:
    return _names(a, b)[0]


def _names(a: Person, b: Person) -> tuple[Level, str]:
    """The best of all names that each has (a maiden name, a Latin one)."""
    if not a.names or not b.names:
        return Level.UNKNOWN, ""
    best, text = Level.DIFFERENT, ""
    for one in a.names:
        for other in b.names:
            level = _name(one, other)
            if level > best:
                best, text = level, one.text if level is Level.EQUAL else ""
    return best, text


def _name(a: Name, b: Name) -> Level:
    """EQUAL: as written. CLOSE: as said, with the parts the other way round, one letter or character aside of several.
    LIKE: one part equal and the other near, or one missing."""
    if a.text == b.text:
        return Level.EQUAL
    if a.is_han and b.is_han:
        return _han(a, b)
    if a.is_han or b.is_han:
        return Level.CLOSE if _said_alike(a, b) else Level.DIFFERENT
    return _latin(a, b)


def _han(a: Name, b: Name) -> Level:
    if (
        a.said & b.said
        or a.shape == b.shape
        or (a.family, a.given) == (b.given, b.family)
        or sorted(a.text) == sorted(b.text)
    ):
        return Level.CLOSE
    longer = max(len(a.text), len(b.text))
    apart = distance(a.text, b.text, 1)
    if apart <= 1 and longer >= 3:
        return Level.CLOSE if a.family == b.family and longer >= 4 else Level.LIKE
    if a.given and a.given == b.given and len(a.given) > 1:
        return Level.LIKE
    return Level.LIKE if a.family == b.family and a.given_said & b.given_said else Level.DIFFERENT


def _said_alike(a: Name, b: Name) -> bool:
    """王小明 and Xiaoming Wang."""
    han, latin = (a, b) if a.is_han else (b, a)
    return bool(han.said & latin.said)


def _latin(a: Name, b: Name) -> Level:
    if a.family and a.given and b.family and b.given:
        return max(_parts(a.family, a.given, b.family, b.given), _parts(a.family, a.given, b.given, b.family))
    return Level.CLOSE if near(a.text, b.text) else _one_part(a, b)


def _one_part(a: Name, b: Name) -> Level:
    """One of the two has only one part of a name."""
    mine, theirs = {a.family, a.given} - {""}, {b.family, b.given} - {""}
    return Level.LIKE if any(near(one, other) for one in mine for other in theirs) else Level.DIFFERENT


def _parts(family: str, given: str, other_family: str, other_given: str) -> Level:
    first, second = _part(family, other_family), _part(given, other_given)
    if first and second:
        return Level.CLOSE
    return Level.LIKE if first or second else Level.DIFFERENT


def _part(one: str, other: str) -> bool:
    return one == other or near(one, other)


def near(a: str, b: str) -> bool:
    """One letter aside, two of six or more; two neighbours that changed places are one."""
    longer = max(len(a), len(b))
    return longer >= 3 and distance(a, b, 2) <= (2 if longer >= 6 else 1)


def distance(a: str, b: str, most: int) -> int:
    """Letters to change, put in, take out, or swap with their neighbour; more than `most` is `most` + 1."""
    if abs(len(a) - len(b)) > most:
        return most + 1
    before, row = list[int](), list(range(len(b) + 1))
    for i, one in enumerate(a, 1):
        last, before, row = before, row, [i]
        for j, other in enumerate(b, 1):
            cost = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (one != other))
            if i > 1 and j > 1 and one == b[j - 2] and a[i - 2] == other:
                cost = min(cost, last[j - 2] + 1)
            row.append(cost)
        if min(row) > most:
            return most + 1
    return min(row[-1], most + 1)


def birth_level(a: Person, b: Person) -> Level:
    """EQUAL; CLOSE: one digit aside, day and month the other way round, two neighbours swapped; LIKE: two of year,
    month and day. A date that is typed for want of one says less: it is LIKE at best, and never DIFFERENT."""
    one, other = a.birth, b.birth
    if one is None or other is None:
        return Level.UNKNOWN
    if a.is_default_birth or b.is_default_birth:
        return Level.LIKE if one.year == other.year else Level.UNKNOWN
    if one == other:
        return Level.EQUAL
    left, right = one.strftime("%Y%m%d"), other.strftime("%Y%m%d")
    if distance(left, right, 1) <= 1 or (one.year, one.month, one.day) == (other.year, other.day, other.month):
        return Level.CLOSE
    same = (one.year == other.year) + (one.month == other.month) + (one.day == other.day)
    return Level.LIKE if same >= 2 or distance(left, right, 2) <= 2 else Level.DIFFERENT


def _phones(a: Person, b: Person) -> Level:
    level = _shared(a.phones, b.phones)
    if level is Level.DIFFERENT and any(distance(one, two, 1) <= 1 for one in a.phones for two in b.phones):
        return Level.CLOSE
    return level


def address_level(a: Person, b: Person) -> Level:
    """By pieces that both lines have, and the numbers of house and door."""
    if not a.line or not b.line:
        return Level.UNKNOWN
    alike = 2 * len(a.line & b.line) / (len(a.line) + len(b.line))
    if alike >= 0.8 or (alike >= 0.6 and a.house and a.house == b.house):
        return Level.EQUAL
    return Level.CLOSE if alike >= 0.5 else Level.LIKE if alike >= 0.3 else Level.DIFFERENT


def is_home(a: Person, b: Person) -> bool:
    return bool(a.phones & b.phones) or address_level(a, b) is Level.EQUAL


def area_level(a: Person, b: Person) -> Level:
    if not a.area or not b.area:
        return Level.UNKNOWN
    shared = len(a.area & b.area)
    if shared and shared >= min(len(a.area), len(b.area)):
        return Level.EQUAL
    if shared:
        return Level.CLOSE
    pairs = ((one, other) for one in a.area for other in b.area)
    return (
        Level.LIKE if any(len(one) >= 4 and distance(one, other, 1) <= 1 for one, other in pairs) else Level.DIFFERENT
    )


def is_sibling(a: Person, b: Person) -> bool:
    """Whether all Han given names that both have are other ones: twins share everything but that. Latin given names
    change in a life (nicknames, second names), and tell less: they have to be other ones and so has the sex."""
    if is_other_child(a, b):
        return True
    pairs = [(one, other) for one in a.names for other in b.names if one.is_han or other.is_han]
    pairs = [(one, other) for one, other in pairs if one.given and other.given]
    if not pairs and a.sex and b.sex and a.sex != b.sex:
        return has_other_given(a, b)
    return bool(pairs) and not any(_given_alike(one, other) for one, other in pairs)


def is_other_child(a: Person, b: Person) -> bool:
    """Whether two are several children of one birth by what is said of them: another order, or, while they are called
    after their mother, another sex or another word (之子 and 之女, 之长子 and 之次子)."""
    if a.order is not None and b.order is not None and a.order != b.order:
        return True
    if not (a.newborn and b.newborn):
        return False
    return bool(a.sex and b.sex and a.sex != b.sex) or not {one.text for one in a.names} & {one.text for one in b.names}


def _latin_given_alike(a: Name, b: Name) -> bool:
    """The given names are near, or one is part of the other (Anna Maria, an initial), or stands as the surname."""
    for one, other in ((a.given, b.given), (a.given, b.family), (a.family, b.given)):
        if near(one, other) or one == other or one.startswith(other) or other.startswith(one):
            return True
    return False


def has_other_given(a: Person, b: Person) -> bool:
    """Whether all Latin given names that both have are other ones."""
    pairs = [(one, other) for one in a.names for other in b.names if one.given and other.given]
    return bool(pairs) and not any(_given_alike(one, other) for one, other in pairs)


def has_han_names(a: Person, b: Person) -> bool:
    return any(one.is_han for one in (*a.names, *b.names))


def _given_alike(a: Name, b: Name) -> bool:
    if not (a.is_han or b.is_han):
        return _latin_given_alike(a, b)
    if not (a.is_han and b.is_han):
        return _said_alike(a, b)
    if a.given_said & b.given_said or a.shape == b.shape or sorted(a.text) == sorted(b.text):
        return True
    longer, shorter = (a.given, b.given) if len(a.given) > len(b.given) else (b.given, a.given)
    return shorter in longer  # one character was left out; a twin's name has as many
