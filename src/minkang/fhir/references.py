"""References as text, and which patients a resource is about (http://hl7.org/fhir/R4/references.html#literal).

Only literal references count: what `identifier` means is for the platform to find out.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

from minkang.fhir.compartments import patient_paths
from minkang.fhir.primitives import ID
from minkang.fhir.resource import Resource

# A base has no "#": else each of many in a long text would be tried as the beginning of the fragment.
_LITERAL = re.compile(
    rf"(?:(?P<base>https?://[^\s#]+?)/)?(?P<type>[A-Z][A-Za-z]{{1,63}})/(?P<id>{ID})"
    rf"(?:/_history/(?P<version>{ID}))?(?:#(?P<fragment>\S+))?"
)
_ELSEWHERE = re.compile(r"https?://\S+|urn:(?:uuid|oid):\S+", re.IGNORECASE)
_CONDITIONAL = re.compile(r"([A-Z][A-Za-z]{1,63})\?(\S+)")
_NONE: Mapping[str, str] = MappingProxyType({})


class Ref(NamedTuple):
    """A literal reference. `base` is the server's address of an absolute one, else None; `fragment` is without `#`.

    A reference that names no resource (`urn:uuid:...`, any other url, `#p1`) has type and id None.
    """

    type: str | None
    id: str | None
    version: str | None = None
    base: str | None = None
    fragment: str | None = None


def parse(text: str) -> Ref | None:
    """The parts of a reference text, or None when it has none of the forms of the standard."""
    if text.startswith("#"):
        return Ref(None, None, fragment=text[1:])
    literal = _LITERAL.fullmatch(text)
    if literal is not None:
        return Ref(literal["type"], literal["id"], literal["version"], literal["base"], literal["fragment"])
    return Ref(None, None) if _ELSEWHERE.fullmatch(text) else None


def conditional(text: str) -> tuple[str, str] | None:
    """(type, query string) of a conditional reference `Patient?identifier=...`, else None."""
    found = _CONDITIONAL.fullmatch(text)
    return (found[1], found[2]) if found else None


def patient_of(tree: Resource, targets: Mapping[str, str] = _NONE) -> list[str]:
    """Ids of the patients a resource belongs to; the first one decides where it lives. A Patient belongs to itself.

    Looks at relative references `Patient/id` (also with `/_history/n`) alone: an absolute one may be somebody else's.
    `targets`: what references will be rewritten to (text -> Type/id), for resources of a transaction.
    """
    if tree["resourceType"] == "Patient":
        own = tree.get("id")
        return [own] if own else []
    return patients_among(patient_texts(tree), targets)


def patient_texts(tree: Resource) -> list[str]:
    """The references of a resource that may name patients it belongs to, as written; the deciding one first. For who
    asks `patients_among` of them more than once, under other targets."""
    found: list[str] = []
    for path in patient_paths(tree["resourceType"]):
        value = tree.get(path[0])
        if value is None:
            continue
        if len(path) == 1 and type(value) is dict:
            text = value.get("reference")
            if type(text) is str:
                found.append(text)
        else:
            found += [one["reference"] for one in _at(value, path[1:]) if type(one.get("reference")) is str]
    return found


def patients_among(texts: Iterable[str], targets: Mapping[str, str] = _NONE) -> list[str]:
    """Ids of the patients that references name, each once, in their order."""
    found: list[str] = []
    for text in texts:
        text = targets.get(text, text)
        if text.startswith("Patient/"):
            patient = text[8:].partition("/")[0]
            if patient and patient not in found:
                found.append(patient)
    return found


def _at(value: Any, path: tuple[str, ...]) -> Iterator[Resource]:
    """Objects at the end of a path of JSON names, through arrays."""
    if isinstance(value, list):
        for item in value:
            yield from _at(item, path)
    elif isinstance(value, dict):
        if not path:
            yield value
        elif path[0] in value:
            yield from _at(value[path[0]], path[1:])
