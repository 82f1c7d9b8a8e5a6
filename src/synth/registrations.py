"""Registrations of a city with the faults that registrations have, and the truth about them: who is who.

Four fifths are people, one fifth dirty registrations of some of them (`data/faults.toml`, one to three faults each);
three in ten have no id number. Among the people are those who are easily taken for one another: twins, families with
one telephone, namesakes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from copy import deepcopy
from datetime import date, timedelta
from random import Random
from typing import Any, NamedTuple

from minkang.fhir.pinyin import readings
from synth import names
from synth.id_number import id_number
from synth.people import CITY, ID_SYSTEM
from synth.tables import table

TODAY = date(2026, 11, 1)
WITHOUT_ID, DIRTY, TWINS, FAMILIES = 0.3, 0.2, 0.01, 0.2

_COUNTIES: list[dict[str, Any]] = CITY["counties"]
_FAULTS: list[dict[str, Any]] = table("faults")["fault"]
_LIKE = {one: pair.replace(one, "") for pair in table("faults")["look_alikes"] for one in pair}

Tree = dict[str, Any]


class Registration(NamedTuple):
    """`person`: the number of whom it is; `faults`: what went wrong."""

    patient: Tree
    person: int
    faults: tuple[str, ...] = ()


def registrations(count: int, seed: int) -> Iterator[Registration]:
    """So many, the people first. The same count and seed, the same registrations."""
    random = Random(f"registrations:{seed}:{count}")
    people = [Registration(tree, number) for number, tree in enumerate(_people(round(count * (1 - DIRTY)), random))]
    yield from people
    for number in range(count - len(people)):
        yield _dirty(random.choice(people), f"d{number}", random)


def _people(count: int, random: Random) -> Iterator[Tree]:
    made = 0
    before: Tree | None = None
    while made < count:
        chance = random.random()
        if before is not None and chance < TWINS:
            tree = _twin(before, f"p{made}", random)
        elif before is not None and chance < TWINS + FAMILIES:
            tree = _relative(before, f"p{made}", random)
        else:
            tree = _person(f"p{made}", random)
        yield tree
        before, made = tree, made + 1


def _person(id: str, random: Random) -> Tree:
    sex = random.choice(("male", "female"))
    born = TODAY - timedelta(days=int(random.triangular(60, 34_000, 17_500)))
    county = random.choice(_COUNTIES)
    tree: Tree = {
        "resourceType": "Patient",
        "id": id,
        "name": [_named(names.draw(random, sex, born.year))],
        "gender": sex,
        "birthDate": born.isoformat(),
        "telecom": [_phone(random)],
        "address": [_address(county, random)],
    }
    if random.random() >= WITHOUT_ID:
        _identify(tree, random)
    return tree


def _twin(other: Tree, id: str, random: Random) -> Tree:
    """Born that day in that house, with another given name."""
    tree = deepcopy(other) | {"id": id}
    tree.pop("identifier", None)
    family = other["name"][0].get("family", "")
    drawn = names.draw(random, tree["gender"], int(tree["birthDate"][:4]))
    while family and not _is_other(drawn, other):
        drawn = names.draw(random, tree["gender"], int(tree["birthDate"][:4]))
    tree["name"] = [_named(names.Name(family + drawn.given, family, drawn.given) if family else drawn)]
    if "identifier" in other:
        _identify(tree, random)
    return tree


def _is_other(name: names.Name, other: Tree) -> bool:
    return bool(name.given) and name.given != other["name"][0]["given"][0] and name.text.startswith(name.family)


def _relative(other: Tree, id: str, random: Random) -> Tree:
    """The same house and telephone."""
    return _person(id, random) | {"telecom": deepcopy(other["telecom"]), "address": deepcopy(other["address"])}


def _named(name: names.Name) -> Tree:
    if not name.family:
        return {"text": name.text}
    return {"text": name.text, "family": name.family, "given": [name.given]}


def _phone(random: Random) -> Tree:
    return {"system": "phone", "value": f"100{random.randrange(10**8):08d}"}


def _address(county: Tree, random: Random) -> Tree:
    line = f"{random.choice(county['streets'])}{random.randrange(1, 400)}号{random.randrange(1, 30)}室"
    return {"line": [line], "city": CITY["name"], "district": county["name"], "state": CITY["province"]}


def _identify(tree: Tree, random: Random) -> None:
    born = date.fromisoformat(tree["birthDate"])
    sequence = random.randrange(0, 500) * 2 + (tree["gender"] == "male")
    number = id_number(random.choice(_COUNTIES)["code"], born, sequence)
    tree["identifier"] = [{"system": ID_SYSTEM, "value": number}]


def _dirty(of: Registration, id: str, random: Random) -> Registration:
    tree = deepcopy(of.patient) | {"id": id}
    faults: list[str] = []
    wanted = random.randint(1, 3)
    while len(faults) < wanted:
        fault: str = random.choices(_FAULTS, [one["weight"] for one in _FAULTS])[0]["name"]
        if fault not in faults and _MAKE[fault](tree, random):
            faults.append(fault)
    return Registration(tree, of.person, tuple(faults))


# Each spoils a registration, and says whether it could.


def _given(tree: Tree, change: Callable[[str], str]) -> bool:
    name = tree["name"][0]
    if "family" not in name or not name["text"].startswith(name["family"]):
        return False
    given = change(name["given"][0])
    if not given or given == name["given"][0]:
        return False
    name |= {"text": name["family"] + given, "given": [given]}
    return True


def _homophone(tree: Tree, random: Random) -> bool:
    def change(given: str) -> str:
        place = random.randrange(len(given))
        others = _alike().get((readings(given[place]) or ("",))[0], "").replace(given[place], "")
        return f"{given[:place]}{random.choice(others)}{given[place + 1 :]}" if others else ""

    return _given(tree, change)


_KNOWN: dict[str, str] = {}


def _alike() -> dict[str, str]:
    """Characters that names have, by how they are said."""
    if not _KNOWN:
        told = table("names")
        texts = [one for cohort in told["cohorts"] for sex in ("male", "female") for one in cohort[sex]]
        for char in sorted({char for text in texts for char in text} | set(_COMMON)):
            for said in readings(char)[:1]:
                _KNOWN[said] = _KNOWN.get(said, "") + char
    return _KNOWN


_COMMON = (
    "晓小筱丽莉立力利伟玮维薇明铭鸣名敏民强蔷静净婧燕艳雁红宏洪鸿虹军君钧俊峻华桦花海涛淘桃杰洁捷文雯闻建"
    "健剑秀绣英颖莹兰岚平萍苹芳方国果玉钰瑜宇雨羽子梓紫轩萱宣涵晗寒琪奇棋佳嘉家欣鑫心馨新怡宜仪"
)


def _lost(tree: Tree, random: Random) -> bool:
    return _given(tree, lambda given: random.choice(given) if len(given) > 1 else "")


def _wrong(tree: Tree, random: Random) -> bool:
    def change(given: str) -> str:
        if len(given) < 2:
            return ""
        place = random.randrange(len(given))
        return f"{given[:place]}{random.choice(_COMMON)}{given[place + 1 :]}"

    return _given(tree, change)


def _look_alike(tree: Tree, random: Random) -> bool:
    def change(given: str) -> str:
        places = [(place, other) for place, char in enumerate(given) for other in _LIKE.get(char, "")]
        if not places:
            return ""
        place, other = random.choice(places)
        return f"{given[:place]}{other}{given[place + 1 :]}"

    return _given(tree, change)


def _turned(tree: Tree, _: Random) -> bool:
    name = tree["name"][0]
    if "family" not in name or not name["text"].startswith(name["family"]):
        return False
    tree["name"] = [{"text": f"{name['given'][0]}{name['family']}"}]
    return True


def _latin(tree: Tree, _: Random) -> bool:
    name = tree["name"][0]
    if "family" not in name or not all(readings(char) for char in name["text"]):
        return False
    family, given = ("".join(readings(char)[0] for char in part) for part in (name["family"], name["given"][0]))
    tree["name"] = [{"text": f"{given.capitalize()} {family.capitalize()}"}]
    return True


def _separator(tree: Tree, _: Random) -> bool:
    name = tree["name"][0]
    tree["name"] = [{"text": "\u3000".join(name["text"])}]
    return len(name["text"]) < 6


def _date(tree: Tree, change: Callable[[date], date]) -> bool:
    if "birthDate" not in tree or tree["birthDate"] == "1900-01-01":
        return False
    born = date.fromisoformat(tree["birthDate"])
    try:
        tree["birthDate"] = change(born).isoformat()
    except ValueError:
        return False
    return date.fromisoformat(tree["birthDate"]) != born


def _beside(tree: Tree, random: Random) -> bool:
    def change(born: date) -> date:
        step = random.choice((-1, 1))
        part = random.choice(("year", "month", "day"))
        return born.replace(**{part: getattr(born, part) + step})

    return _date(tree, change)


def _without(tree: Tree, name: str) -> bool:
    return tree.pop(name, None) is not None


def _swapped(tree: Tree, random: Random) -> bool:
    if "identifier" not in tree:
        return False
    value: str = tree["identifier"][0]["value"]
    place = random.randrange(6, len(value) - 2)
    tree["identifier"] = [
        {"system": ID_SYSTEM, "value": f"{value[:place]}{value[place + 1]}{value[place]}{value[place + 2 :]}"}
    ]
    return value[place] != value[place + 1]


def _old(tree: Tree, _: Random) -> bool:
    value = tree["identifier"][0]["value"] if "identifier" in tree else ""
    if len(value) != 18 or value[6:8] != "19":
        return False
    tree["identifier"] = [{"system": ID_SYSTEM, "value": value[:6] + value[8:17]}]
    return True


def _set(tree: Tree, name: str, value: Any) -> bool:
    tree[name] = value
    return True


def _digit(tree: Tree, random: Random) -> bool:
    if "telecom" not in tree:
        return False
    value: str = tree["telecom"][0]["value"]
    place = random.randrange(3, len(value))
    other = str((int(value[place]) + random.randint(1, 9)) % 10)
    return _set(tree, "telecom", [{"system": "phone", "value": value[:place] + other + value[place + 1 :]}])


def _short(tree: Tree, _: Random) -> bool:
    if "address" not in tree:
        return False
    line: str = tree["address"][0]["line"][0]
    return _set(tree, "address", [tree["address"][0] | {"line": [line.rstrip("0123456789号室")]}])


_MAKE: dict[str, Callable[[Tree, Random], bool]] = {
    "homophone": _homophone,
    "character-lost": _lost,
    "look-alike": _look_alike,
    "character-wrong": _wrong,
    "turned": _turned,
    "latin": _latin,
    "separator": _separator,
    "birth-digit": _beside,
    "birth-turned": lambda tree, _: _date(tree, lambda born: born.replace(month=born.day, day=born.month)),
    "birth-default": lambda tree, _: _date(tree, lambda _: date(1900, 1, 1)),
    "birth-missing": lambda tree, _: _without(tree, "birthDate"),
    "sex-wrong": lambda tree, _: _set(tree, "gender", "male" if tree["gender"] == "female" else "female"),
    "id-digits": _swapped,
    "id-old": _old,
    "id-missing": lambda tree, _: _without(tree, "identifier"),
    "phone-changed": lambda tree, random: _set(tree, "telecom", [_phone(random)]),
    "phone-digit": _digit,
    "phone-missing": lambda tree, _: _without(tree, "telecom"),
    "address-moved": lambda tree, random: _set(tree, "address", [_address(random.choice(_COUNTIES), random)]),
    "address-short": _short,
    "address-missing": lambda tree, _: _without(tree, "address"),
}
