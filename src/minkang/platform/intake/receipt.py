"""What became of one message, and its form in the store: a Task, so that receipts are searched, followed and kept like
everything else (`GET /fhir/Task?code=intake&business-status=quarantined&requester=Organization/...`).

http://hl7.org/fhir/R4/task.html. The findings travel as JSON in one extension: they are words for people and are not
searched by.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

from minkang.fhir.resource import Resource
from minkang.platform.intake.findings import Told

CODES = "https://minkang.example/CodeSystem/intake"
FINDINGS = "https://minkang.example/StructureDefinition/intake-findings"
TIMINGS = "https://minkang.example/StructureDefinition/intake-timings"

TRIAL = {"system": "http://terminology.hl7.org/CodeSystem/v3-ActReason", "code": "HTEST"}
"""The tag of receipts of senders in test mode."""

STATUS = {
    "accepted": "completed",
    "warnings": "completed",
    "quarantined": "on-hold",
    "rejected": "rejected",
}
"""Outcome to Task.status."""


@dataclass(frozen=True, slots=True)
class Receipt:
    """`outcome`: accepted, warnings, quarantined, rejected, or duplicate (`first` is then what the first sending got).

    `resources`: `Type/id` of what was written, `gone` of what was deleted. `original`: `Binary/id` of the bytes as they
    came, `document`: of the DocumentReference. `milliseconds` by stage. `received`: FHIR instant; `happened`: when
    what it tells of took place, as far as it says. `trial`: it was only judged, and nothing of it is in the record.
    """

    id: str
    door: str
    sender: str
    outcome: str
    received: str
    kind: str = ""
    message: str = ""
    name: str = ""
    findings: tuple[Told, ...] = ()
    resources: tuple[str, ...] = ()
    gone: tuple[str, ...] = ()
    patient: str = ""
    original: str = ""
    document: str = ""
    milliseconds: Mapping[str, float] = field(default_factory=dict[str, float])
    first: str = ""
    happened: str = ""
    trial: bool = False

    @property
    def is_taken(self) -> bool:
        """Whether its content is in the record, now or since it was first sent."""
        return (self.first or self.outcome) in ("accepted", "warnings")

    def json(self) -> dict[str, Any]:
        """For answers and files."""
        found: dict[str, Any] = {
            name: getattr(self, name)
            for name in self.__slots__
            if name not in ("findings", "milliseconds") and getattr(self, name)
        }
        found["findings"] = [one.json() for one in self.findings]
        found["milliseconds"] = dict(self.milliseconds)
        return found


def to_task(receipt: Receipt) -> Resource:
    found: Resource = {
        "resourceType": "Task",
        "id": receipt.id,
        "meta": {"tag": [TRIAL]} if receipt.trial else None,
        "extension": [
            {"url": FINDINGS, "valueString": orjson.dumps([list(one) for one in receipt.findings]).decode()},
            {"url": TIMINGS, "valueString": orjson.dumps(dict(receipt.milliseconds)).decode()},
        ],
        "identifier": [{"system": f"{CODES}/message", "value": receipt.message}] if receipt.message else [],
        "status": STATUS[receipt.outcome],
        "businessStatus": {"coding": [{"system": CODES, "code": receipt.outcome}]},
        "intent": "order",
        "code": {
            "coding": [{"system": CODES, "code": "intake"}, {"system": f"{CODES}/door", "code": receipt.door}],
            "text": receipt.kind,
        },
        "description": receipt.name,
        "focus": {"reference": receipt.document or receipt.original} if receipt.document or receipt.original else None,
        "for": {"reference": receipt.patient} if receipt.patient else None,
        "executionPeriod": {"start": receipt.happened, "end": receipt.happened} if receipt.happened else None,
        "authoredOn": receipt.received,
        "requester": {"reference": f"Organization/{receipt.sender}"} if receipt.sender else None,
        "input": [_part("original", receipt.original)] if receipt.original else [],
        "output": [_part("written", one) for one in receipt.resources]
        + [_part("deleted", one) for one in receipt.gone],
    }
    return {name: value for name, value in found.items() if value not in (None, [], "")}


def _part(code: str, reference: str) -> Resource:
    return {"type": {"coding": [{"system": CODES, "code": code}]}, "valueReference": {"reference": reference}}


def of_task(tree: Resource) -> Receipt:
    """The receipt that `to_task` wrote."""
    said = {one["url"]: one.get("valueString", "") for one in tree.get("extension", ())}
    document = tree.get("focus", {}).get("reference", "")
    originals = _parts(tree, "input", "original")
    return Receipt(
        id=tree["id"],
        door=tree["code"]["coding"][1]["code"],
        sender=tree.get("requester", {}).get("reference", "").removeprefix("Organization/"),
        outcome=tree["businessStatus"]["coding"][0]["code"],
        received=tree["authoredOn"],
        kind=tree["code"].get("text", ""),
        message=next((one["value"] for one in tree.get("identifier", ())), ""),
        name=tree.get("description", ""),
        findings=tuple(Told(*one) for one in orjson.loads(said.get(FINDINGS) or "[]")),
        resources=_parts(tree, "output", "written"),
        gone=_parts(tree, "output", "deleted"),
        patient=tree.get("for", {}).get("reference", ""),
        original=originals[0] if originals else "",
        document="" if document in originals else document,
        milliseconds=orjson.loads(said.get(TIMINGS) or "{}"),
        happened=tree.get("executionPeriod", {}).get("start", ""),
        trial=any(one.get("code") == TRIAL["code"] for one in tree.get("meta", {}).get("tag", ())),
    )


def _parts(tree: Resource, member: str, code: str) -> tuple[str, ...]:
    return tuple(
        one["valueReference"]["reference"] for one in tree.get(member, ()) if one["type"]["coding"][0]["code"] == code
    )
