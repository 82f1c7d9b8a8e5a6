"""Resources for tests, each valid, with what the test is about given by name: `an_observation(about="Patient/a")`."""

from __future__ import annotations

import json
from typing import Any

from minkang.fhir.resource import Parsed, Resource, parse

CARD = "http://minkang.example/card"
LOCAL = "http://minkang.example/code"
UCUM = "http://unitsofmeasure.org"


def parsed(resource: Resource) -> Parsed:
    """A resource as it comes in from outside."""
    return parse(json.dumps(resource, ensure_ascii=False).encode())


def a_reference(to: str | None) -> Resource | None:
    return {"reference": to} if to is not None else None


def a_concept(code: str | None, system: str | None = LOCAL, text: str | None = None) -> Resource | None:
    coding = a_resource(system=system, code=code) if code is not None else None
    return a_resource(coding=[coding] if coding else None, text=text) or None


def a_quantity(value: Any, code: str | None = None, unit: str | None = None) -> Resource:
    return a_resource(value=value, unit=unit, system=UCUM if code else None, code=code)


def a_resource(**members: Any) -> Resource:
    """The members that are there; FHIR has no null and nothing empty."""
    return {name: value for name, value in members.items() if value not in (None, [], {}, "")}


def a_patient(
    name: str | None = None, *, card: str | None = None, card_system: str | None = CARD, **more: Any
) -> Resource:
    """`name`: its text, also split into family and given when it is Chinese or has a blank."""
    identifier = [a_resource(system=card_system, value=card)] if card is not None else None
    return a_resource(resourceType="Patient", identifier=identifier, name=[a_name(name)] if name else None, **more)


def a_name(text: str) -> Resource:
    given, _, family = text.partition(" ") if " " in text else (text[1:], "", text[0])
    return a_resource(text=text, family=family, given=[given] if given else None)


def a_practitioner(name: str | None = None, **more: Any) -> Resource:
    return a_resource(resourceType="Practitioner", name=[a_name(name)] if name else None, **more)


def an_organization(name: str | None = None, *, part_of: str | None = None, **more: Any) -> Resource:
    return a_resource(resourceType="Organization", name=name, partOf=a_reference(part_of), **more)


def an_observation(
    *, about: str | None = None, code: str | None = "bp", value: Any = None, unit: str | None = None, **more: Any
) -> Resource:
    return a_resource(
        resourceType="Observation",
        status=more.pop("status", "final"),
        code=a_concept(code) or {"text": "x"},
        subject=a_reference(about),
        valueQuantity=a_quantity(value, unit, unit) if value is not None else None,
        **more,
    )


def an_encounter(
    *, about: str | None = None, start: str | None = None, end: str | None = None, **more: Any
) -> Resource:
    return a_resource(
        resourceType="Encounter",
        status=more.pop("status", "finished"),
        **{"class": {"code": more.pop("kind", "AMB")}},
        subject=a_reference(about),
        period=a_resource(start=start, end=end),
        **more,
    )


def a_condition(*, about: str, code: str | None = None, **more: Any) -> Resource:
    return a_resource(resourceType="Condition", code=a_concept(code), subject=a_reference(about), **more)


def a_medication_request(*, about: str, code: str = "aspirin", **more: Any) -> Resource:
    return a_resource(
        resourceType="MedicationRequest",
        status=more.pop("status", "active"),
        intent="order",
        medicationCodeableConcept=a_concept(code),
        subject=a_reference(about),
        **more,
    )
