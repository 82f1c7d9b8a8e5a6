"""What a person is called, of several registrations: a Patient that is composed when somebody asks, and never stored.

Each element is what most registrations say; of those that as many say, what stands beside a checked identity number,
then what was written last. What can be several (numbers, telephones, addresses) is all there is, newest first.
http://hl7.org/fhir/R4/patient.html
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import orjson

from minkang.fhir.resource import Resource
from minkang.platform.identity.person import RESIDENT_ID, facts, person_of

SEVERAL = ("identifier", "telecom", "address", "contact", "communication", "generalPractitioner")
ONE = ("gender", "birthDate", "maritalStatus", "photo", "managingOrganization")


def composed(registrations: Iterable[Resource]) -> Resource:
    """Of at least one. Its `link`s name the registrations (seealso); it has no id, for it is nowhere."""
    trees = sorted(registrations, key=_weight, reverse=True)
    found: Resource = {"resourceType": "Patient", "active": any(one.get("active", True) for one in trees)}
    for name in SEVERAL:
        found[name] = _distinct(value for one in trees for value in one.get(name, ()))
    found["name"] = _names(trees)
    for name in ONE:
        found[name] = _most(trees, lambda tree, name=name: _said(tree, name))
    died = [name for name in ("deceasedDateTime", "deceasedBoolean") if any(one.get(name) for one in trees)]
    if died:
        found[died[0]] = _most(trees, lambda tree: tree.get(died[0]) or None)
    ids = sorted(one["id"] for one in trees)
    found["link"] = [{"other": {"reference": f"Patient/{id}"}, "type": "seealso"} for id in ids]
    return {name: value for name, value in found.items() if value not in (None, [])}


def _weight(tree: Resource) -> tuple[bool, str]:
    checked = bool(person_of(tree).of(RESIDENT_ID))
    return checked, str(tree.get("meta", {}).get("lastUpdated", ""))


def _said(tree: Resource, name: str) -> Any:
    value = tree.get(name)
    if name == "birthDate" and value in facts().defaults:
        return None
    return None if name == "gender" and value in ("unknown", "other") else value


def _names(trees: Sequence[Resource]) -> list[Any]:
    """The one that most bear first; those that say nothing (无名氏, a newborn's before it has one) only when there are
    no others."""
    telling = [tree for tree in trees if (person := person_of(tree)).names and not person.newborn]
    chosen = telling or trees
    first = _most(chosen, lambda tree: tree["name"][0] if tree.get("name") else None)
    rest = [name for tree in chosen for name in tree.get("name", ())]
    return _distinct([first, *rest]) if first is not None else []


def _most(trees: Sequence[Resource], said: Callable[[Resource], Any]) -> Any:
    values = [value for tree in trees if (value := said(tree)) is not None]
    counts: dict[bytes, int] = {}
    for value in values:
        counts[_key(value)] = counts.get(_key(value), 0) + 1
    # max keeps the first of equals, and the weightiest registrations come first
    return max(values, key=lambda value: counts[_key(value)], default=None)


def _distinct(values: Iterable[Any]) -> list[Any]:
    found: dict[bytes, Any] = {}
    for value in values:
        found.setdefault(_key(value), value)
    return list(found.values())


def _key(value: Any) -> bytes:
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)
