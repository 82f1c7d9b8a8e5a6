"""Operations of FHIR on Patients that the master index answers.

POST /fhir/Patient/$match      http://hl7.org/fhir/R4/patient-operation-match.html
GET  /fhir/Patient/$ihe-pix    https://profiles.ihe.net/ITI/PIXm/ITI-83.html
POST /fhir/Patient/$merge      as https://hl7.org/fhir/R5/patient-operation-merge.html, with the parameter `reason`
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from minkang.fhir.parameters import value_of
from minkang.fhir.problem import Incorrect, NotFound
from minkang.fhir.resource import Resource, parse
from minkang.fhir.search import grammar
from minkang.fhir.validation import check
from minkang.platform.identity.desk import IdentityDesk
from minkang.store.contract import Repository

GRADE = "http://hl7.org/fhir/StructureDefinition/match-grade"
MOST = 100
"""Matches in one answer."""

OPERATIONS = ("$match", "$ihe-pix", "$merge")


async def match(desk: IdentityDesk, body: bytes, base: str) -> Resource:
    """A searchset of registrations, the likeliest first. Raises Incorrect, Invalid, Busy."""
    told = _parameters(body)
    tree = told.get("resource")
    if not isinstance(tree, dict) or tree.get("resourceType") != "Patient":
        raise Incorrect("$match wants a Patient in the parameter `resource`.")
    count = told.get("count", 20)
    if not isinstance(count, int) or not 0 < count <= MOST:
        raise Incorrect(f"count is a number from 1 to {MOST}.")
    certain = told.get("onlyCertainMatches", False) is True
    found = await desk.match(tree, certain=certain, count=count)
    entries = [
        {
            "fullUrl": f"{base}/Patient/{one.tree['id']}",
            "resource": one.tree,
            "search": {
                "extension": [{"url": GRADE, "valueCode": one.grade}],
                "mode": "match",
                "score": one.score,
            },
        }
        for one in found
    ]
    bundle: Resource = {"resourceType": "Bundle", "type": "searchset", "total": len(entries)}
    return bundle | ({"entry": entries} if entries else {})


async def cross_reference(desk: IdentityDesk, repository: Repository, pairs: Sequence[tuple[str, str]]) -> Resource:
    """All identifiers and ids of the person whom an identifier names, but itself. Raises Incorrect, NotFound, Busy."""
    sources = [value for name, value in pairs if name == "sourceIdentifier"]
    targets = {value for name, value in pairs if name == "targetSystem"}
    system, bar, value = sources[0].partition("|") if len(sources) == 1 else ("", "", "")
    if not bar or not system or not value:
        raise Incorrect("sourceIdentifier is given once, as system|value.")
    asked = grammar.parse("Patient", [("identifier", f"{system}|{value}"), ("_count", "100")], strict=True)
    there = [hit.stored.id for hit in (await repository.search(asked)).hits]
    if not there:
        raise NotFound(f"Nobody has the identifier {system}|… that was asked for.")
    names = sorted({name for one in there for name in await desk.together(one)})
    stored = await repository.read_many([("Patient", name) for name in names])
    trees = [orjson.loads(one.content) for one in stored.values()]
    parameters: list[Resource] = []
    seen: set[tuple[str, str]] = {(system, value)}
    for tree in trees:
        for one in tree.get("identifier", ()):
            key = (one.get("system", ""), one.get("value", ""))
            if key not in seen and (not targets or key[0] in targets):
                seen.add(key)
                parameters.append({"name": "targetIdentifier", "valueIdentifier": one})
    parameters += [{"name": "targetId", "valueReference": {"reference": f"Patient/{name}"}} for name in names]
    return {"resourceType": "Parameters", **({"parameter": parameters} if parameters else {})}


async def merge(desk: IdentityDesk, repository: Repository, body: bytes) -> Resource:
    """The registrations of the source's person are of the target's from now on. Raises Incorrect, NotFound, Conflict,
    Busy."""
    told = _parameters(body)
    source, target = (_patient(told, name) for name in ("source-patient", "target-patient"))
    event = await desk.merge(target, source, str(told.get("reason", "")))
    kept = orjson.loads((await repository.read("Patient", target)).content)
    text = f"Patient/{source} and Patient/{target} are one person now. To undo it: POST /identity/events/{event}/$undo"
    issue = {"severity": "information", "code": "informational", "diagnostics": text}
    outcome: Resource = {"resourceType": "OperationOutcome", "issue": [issue]}
    return {
        "resourceType": "Parameters",
        "parameter": [{"name": "outcome", "resource": outcome}, {"name": "result", "resource": kept}],
    }


def _patient(told: Mapping[str, Any], name: str) -> str:
    reference = told.get(name)
    text = reference.get("reference", "") if isinstance(reference, dict) else ""
    type, _, id = str(text).partition("/")
    if type != "Patient" or not id:
        raise Incorrect(f"{name} is a reference to a Patient.")
    return id


def _parameters(body: bytes) -> dict[str, Any]:
    tree = parse(body).tree
    check(tree, "Parameters")
    return {one["name"]: one.get("resource") or value_of(one) for one in tree.get("parameter", ())}
