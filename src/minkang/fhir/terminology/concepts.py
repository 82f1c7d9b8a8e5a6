"""`CodeSystem/$lookup` and `$subsumes`: what a code means, and which of two codes stands above the other.

http://hl7.org/fhir/R4/codesystem-operation-lookup.html, codesystem-operation-subsumes.html.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from minkang.fhir.problem import NotFound
from minkang.fhir.resource import Resource
from minkang.fhir.terminology.editions import Edition


def lookup(edition: Edition, code: str, properties: Sequence[str], languages: Sequence[str]) -> Resource:
    """Parameters with what is known of a code. Without `properties` all of them are told. Raises NotFound."""
    own = edition.own(code)
    if own is None:
        raise NotFound(f"The code system {edition.url} has no code {code[:64]!r}.")
    concept = edition.concepts.by_code[own]
    parts: list[dict[str, Any]] = [
        {"name": "name", "valueString": str(edition.resource.get("name") or edition.url)},
        {"name": "code", "valueCode": own},  # this and the system: as R5 tells them
        {"name": "system", "valueUri": edition.url},
    ]
    if edition.version:
        parts.append({"name": "version", "valueString": edition.version})
    parts.append({"name": "display", "valueString": edition.display(own, languages) or own})
    if concept.get("definition"):
        parts.append({"name": "definition", "valueString": concept["definition"]})
    parts.append({"name": "abstract", "valueBoolean": edition.is_abstract(own)})
    parts += [
        {"name": "designation", "part": [{"name": key, _typed(key): one[key]} for key in _OF_TEXTS if key in one]}
        for one in edition.designations(own)
    ]
    told = [*_of_place(edition, own), *_of_own(edition, own)]
    wanted = set(properties)
    parts += [one for one in told if not wanted or "*" in wanted or one["part"][0]["valueCode"] in wanted]
    return {"resourceType": "Parameters", "parameter": parts}


_OF_TEXTS = ("language", "use", "value")


def _typed(key: str) -> str:
    return {"language": "valueCode", "use": "valueCoding"}.get(key, "valueString")


def _of_place(edition: Edition, code: str) -> list[dict[str, Any]]:
    told = [_property("inactive", "valueBoolean", edition.is_inactive(code))]
    for name, codes in (("parent", edition.concepts.above), ("child", edition.concepts.below)):
        told += [_property(name, "valueCode", one) for one in sorted(codes.get(code, ()))]
    return told


def _of_own(edition: Edition, code: str) -> list[dict[str, Any]]:
    told: list[dict[str, Any]] = []
    for one in edition.properties(code):
        kind = next((key for key in one if key.startswith("value")), None)
        if kind is not None and one.get("code") not in ("parent", "child", "inactive"):
            told.append(_property(str(one.get("code")), kind, one[kind]))
    return told


def _property(code: str, kind: str, value: Any) -> dict[str, Any]:
    return {"name": "property", "part": [{"name": "code", "valueCode": code}, {"name": "value", kind: value}]}


def subsumes(edition: Edition, first: str, second: str) -> Resource:
    """Parameters with `outcome`. Raises NotFound for codes that the system does not have."""
    own: list[str] = []
    for code in (first, second):
        found = edition.own(code)
        if found is None:
            raise NotFound(f"The code system {edition.url} has no code {code[:64]!r}.")
        own.append(found)
    if own[0] == own[1]:
        outcome = "equivalent"
    elif own[1] in edition.concepts.under(own[0]):
        outcome = "subsumes"
    else:
        outcome = "subsumed-by" if own[0] in edition.concepts.under(own[1]) else "not-subsumed"
    return {"resourceType": "Parameters", "parameter": [{"name": "outcome", "valueCode": outcome}]}
