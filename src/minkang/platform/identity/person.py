"""What matching looks at in a registration: a Patient, read once into forms that compare quickly.

Nothing is guessed: what is not said, or says nothing (a name that means "unknown", 1900-01-01), is absent.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import cache, lru_cache
from importlib.resources import files
from typing import Any

from minkang.fhir.names import forms, squeeze
from minkang.fhir.pinyin import has_han, surnames
from minkang.fhir.resident_id import resident_id
from minkang.fhir.resource import Resource

RESIDENT_ID, MOTHER = "resident-id", "mother-id"

MOST_NAMES, MOST_PHONES, MOST_ADDRESSES, MOST_KIN, MOST_NUMBERS = 8, 10, 5, 10, 60
"""Of each, those that come first are looked at: pairs are compared each with each, and every one makes keys."""
MOST_NAME, MOST_PHONE, MOST_LINE = 120, 40, 200
"""Characters. A longer name or telephone is none; of a longer address the beginning counts."""

_DIGITS = re.compile(r"\d+")
_MOBILE = re.compile(r"1\d{10}")


@dataclass(frozen=True, slots=True)
class Kind:
    name: str
    strong: bool
    one: bool


@dataclass(frozen=True, slots=True)
class Facts:
    """`systems.toml`."""

    kinds: Mapping[str, Kind]
    prefixes: tuple[tuple[str, Kind], ...]
    nameless: frozenset[str]
    test: frozenset[str]
    begins: tuple[str, ...]
    newborn: tuple[str, ...]
    defaults: frozenset[str]
    variants: Mapping[int, str]
    shapes: Mapping[int, str]

    def kind(self, system: str) -> Kind | None:
        found = self.kinds.get(system)
        return found or next((kind for prefix, kind in self.prefixes if system.startswith(prefix)), None)


@cache
def facts() -> Facts:
    told: dict[str, Any] = tomllib.loads(files("minkang.platform.identity").joinpath("systems.toml").read_text("utf-8"))
    kinds: dict[str, Kind] = {}
    prefixes: list[tuple[str, Kind]] = []
    for name, one in told["kind"].items():
        kind = Kind(name, one["strong"], one.get("one", False))
        kinds |= dict.fromkeys(one["systems"], kind)
        prefixes += [(prefix, kind) for prefix in one.get("prefixes", ())]
    names = told["names"]
    pairs: list[str] = told["variants"]["pairs"]
    return Facts(
        kinds,
        tuple(prefixes),
        frozenset(map(squeeze, names["nameless"])),
        frozenset(map(squeeze, names["test"])),
        tuple(map(squeeze, names["begins"])),
        tuple(names["newborn"]),
        frozenset(told["birth"]["defaults"]),
        str.maketrans({pair[0]: pair[1] for pair in pairs}),
        str.maketrans({char: group[0] for group in told["shapes"]["groups"] for char in group[1:]}),
    )


@dataclass(frozen=True, slots=True)
class Name:
    """`text`: folded, without separators, variants written one way; `shape`: with characters that look alike as one.
    `family`, `given`: parts of it, where they can be told apart. `said`: its ways to be said (pinyin; a Latin name says
    itself). `given_said` likewise."""

    text: str
    family: str
    given: str
    said: frozenset[str]
    given_said: frozenset[str]
    is_han: bool
    shape: str


@dataclass(frozen=True, slots=True)
class Person:
    """A registration. Empty and None: not said. `ids`: values by kind, strong kinds checked; `local`: numbers that some
    institution gave (system|value). `newborn`: called after its mother."""

    id: str = ""
    names: tuple[Name, ...] = ()
    sex: str = ""
    birth: date | None = None
    is_default_birth: bool = False
    ids: Mapping[str, frozenset[str]] = field(default_factory=dict[str, frozenset[str]])
    local: frozenset[str] = frozenset()
    phones: frozenset[str] = frozenset()
    line: frozenset[str] = frozenset()
    house: str = ""
    area: frozenset[str] = frozenset()
    kin: frozenset[str] = frozenset()
    order: int | None = None
    newborn: bool = False
    is_nobody: bool = False

    def of(self, kind: str) -> frozenset[str]:
        return self.ids.get(kind, frozenset())


def person_of(tree: Resource) -> Person:
    """Of a Patient (http://hl7.org/fhir/R4/patient.html) that is structurally valid."""
    known = facts()
    written = [one for one in _some(tree, "name", MOST_NAMES) if one.get("use") != "anonymous"]
    texts = [squeeze(text[: MOST_NAME + 1]) for one in written for text in _texts(one)]
    newborn = any(text.endswith(known.newborn) for text in texts)
    names = tuple(dict.fromkeys(found for one in written if (found := name_of(one)) is not None))
    ids, local = _ids(_some(tree, "identifier"))
    birth, is_default = _birth(tree.get("birthDate") or "")
    line, house, area = _addresses(_some(tree, "address", MOST_ADDRESSES))
    return Person(
        id=tree.get("id", ""),
        names=names,
        sex=tree.get("gender", "") if tree.get("gender") in ("male", "female") else "",
        birth=birth,
        is_default_birth=is_default,
        ids=ids,
        local=local,
        phones=frozenset(_phones(tree)),
        line=line,
        house=house,
        area=area,
        kin=frozenset(_kin(tree)),
        order=tree.get("multipleBirthInteger"),
        newborn=newborn,
        is_nobody=bool(texts) and not names,
    )


def _some(tree: Mapping[str, Any], name: str, most: int | None = None) -> list[Any]:
    """The first of a list, or all. FHIR's JSON has null where only an extension is said (json.html#primitive)."""
    return [one for one in tree.get(name) or () if one is not None][:most]


def _texts(name: Mapping[str, Any]) -> Iterator[str]:
    if name.get("text"):
        yield name["text"]
    else:
        yield " ".join([name.get("family") or "", *_some(name, "given", MOST_NAMES)]).strip()


def name_of(name: Mapping[str, Any]) -> Name | None:
    """None for a name that says nothing, or that is a trial's."""
    family, given = name.get("family") or "", " ".join(_some(name, "given", MOST_NAMES))
    text = name.get("text") or (f"{family}{given}" if has_han(f"{family}{given}") else f"{given} {family}").strip()
    return _name(text, family, given) if max(len(text), len(family) + len(given)) <= MOST_NAME else None


@lru_cache(maxsize=65536)
def _name(text: str, family: str, given: str) -> Name | None:
    known = facts()
    whole = squeeze(text).translate(known.variants)
    plain = squeeze(text)
    if not whole or plain in known.nameless or plain in known.test or plain.startswith(known.begins):
        return None
    is_han = has_han(whole)
    if not (family and given):
        family, given = _parted(whole) if is_han else _parted_latin(text)
    family, given = (squeeze(one).translate(known.variants) for one in (family, given))
    if not is_han:  # a Latin name is the same whichever part comes first
        whole = "".join(sorted((family, given))) if family and given else whole
    said = _said(whole) if is_han or not given else frozenset((f"{family}{given}", f"{given}{family}"))
    return Name(whole, family, given, said, _said(given), is_han, whole.translate(known.shapes))


def _said(text: str) -> frozenset[str]:
    found = forms(text) if text else None
    return frozenset() if found is None else frozenset(found.spellings or (found.text,))


def _parted(text: str) -> tuple[str, str]:
    """Surname and given name; compound surnames are known by their two characters."""
    size = 2 if len(text) > 2 and text[:2] in surnames() else 1
    return text[:size], text[size:]


def _parted_latin(text: str) -> tuple[str, str]:
    parts = text.split()
    return (parts[-1], " ".join(parts[:-1])) if len(parts) > 1 else (text, "")


def _ids(identifiers: Iterable[Mapping[str, Any]]) -> tuple[dict[str, frozenset[str]], frozenset[str]]:
    found: dict[str, set[str]] = {}
    local: set[str] = set()
    for one in identifiers:
        system, value = one.get("system") or "", "".join((one.get("value") or "").split()).upper()
        if not value or one.get("use") == "old":
            continue
        kind = facts().kind(system)
        if kind is None:
            if system and len(local) < MOST_NUMBERS:
                local.add(f"{system}|{value}")
            continue
        checked = _checked(kind, value)
        if checked and len(found.get(kind.name, ())) < MOST_NUMBERS:
            found.setdefault(kind.name, set()).add(checked)
    return {name: frozenset(values) for name, values in found.items()}, frozenset(local)


def _checked(kind: Kind, value: str) -> str:
    """As it is compared; empty for what cannot be such a number (all the same digit, a wrong check digit)."""
    if kind.name in (RESIDENT_ID, MOTHER):
        found = resident_id(value)
        return found.number if found is not None else ""
    return value if len(value) >= 5 and len({*value}) > 1 else ""


def _birth(text: str) -> tuple[date | None, bool]:
    try:
        found = date.fromisoformat(text)
    except ValueError:
        return None, False
    return found, text in facts().defaults


def _phones(tree: Resource) -> Iterator[str]:
    """Digits of telephone numbers, without 86 and 0 before them; at least seven."""
    for one in _some(tree, "telecom", MOST_PHONES):
        written = one.get("value") or ""
        if one.get("system", "phone") in ("phone", "sms") and len(written) <= MOST_PHONE:
            digits = "".join(_DIGITS.findall(written))
            mobile = _MOBILE.search(digits)
            digits = mobile[0] if mobile else digits.removeprefix("86").lstrip("0")
            if len(digits) >= 7 and len({*digits}) > 2:
                yield digits


def _addresses(addresses: Iterable[Mapping[str, Any]]) -> tuple[frozenset[str], str, frozenset[str]]:
    """Pieces of the lines (pairs of characters, words), the numbers in them in order, and where that is."""
    lines: set[str] = set()
    area: set[str] = set()
    house = ""
    for one in addresses:
        written = (" ".join(_some(one, "line", MOST_ADDRESSES)) or one.get("text") or "")[:MOST_LINE]
        text = squeeze(written)
        lines |= {text[at : at + 2] for at in range(len(text) - 1)}
        house = house or "-".join(_DIGITS.findall(written))
        told = (one.get("postalCode"), one.get("district") or one.get("city"))
        area |= {squeeze(text) for text in told if text and len(text) <= MOST_NAME}
    return frozenset(lines), house, frozenset(area)


def _kin(tree: Resource) -> Iterator[str]:
    """Names of guardians, parents and whoever else is to be told."""
    for one in _some(tree, "contact", MOST_KIN):
        name = one.get("name")
        found = name_of(name) if name else None
        if found is not None:
            yield found.text
