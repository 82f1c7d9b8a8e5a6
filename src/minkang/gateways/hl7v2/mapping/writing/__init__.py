"""FHIR to HL7 v2: ADT of a patient or a visit, ORU^R01 of a report, SIU of an appointment. Pure.

What v2 has a field for is written, and what is written is read again as it was (tests/gateways/hl7v2/test_writing.py).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from minkang.fhir.problem import Incorrect
from minkang.fhir.resource import Resource
from minkang.gateways.hl7v2.mapping.tables import tables
from minkang.gateways.hl7v2.mapping.writing import people, reports
from minkang.gateways.hl7v2.mapping.writing.fields import Line, concept, number, person, time

__all__ = ["KINDS", "written"]

KINDS = ("Patient", "Encounter", "DiagnosticReport", "Appointment")
"""What there is a message for."""


def written(
    tree: Resource,
    patient: Resource,
    beside: Mapping[str, Resource],
    *,
    control: str,
    now: datetime,
    event: str = "",
    receiver: tuple[str, str] = ("", ""),
) -> bytes:
    """A message in UTF-8, version 2.5.1. `patient`: whose `tree` is; `beside`: by `Type/id`, results of a report,
    diagnoses and allergies of a visit, the visit of a report; `event`: instead of the one that follows from its status;
    `receiver`: MSH-5 and MSH-6. Raises Incorrect for a type that has no message."""
    make = {"Patient": _person, "Encounter": _visit, "DiagnosticReport": _report, "Appointment": _appointment}
    if tree["resourceType"] not in make:
        raise Incorrect(f"There is no message for {tree['resourceType']}; there is for {', '.join(KINDS)}.")
    kind, lines = make[tree["resourceType"]](tree, patient, beside, event)
    header = Line("MSH", {3: "MINKANG", 5: receiver[0], 6: receiver[1]}, now=now)
    header.put(7, f"{now:%Y%m%d%H%M%S%z}")
    header.raw(9, kind)
    for field, text in ((10, control), (11, "P"), (12, "2.5.1"), (18, "UNICODE UTF-8")):
        header.put(field, text)
    return "".join(f"{line}\r" for line in (header, *lines)).encode()


def _person(_: Resource, patient: Resource, __: Mapping[str, Resource], event: str) -> tuple[str, Sequence[Line]]:
    event = event or "A31"
    return f"ADT^{event}^ADT_A05", [_event(event), people.pid(patient)]


def _visit(tree: Resource, patient: Resource, beside: Mapping[str, Resource], event: str) -> tuple[str, Sequence[Line]]:
    event = event or _event_of("visit-event", tree["status"], "A08")
    lines = [_event(event), people.pid(patient), people.pv1(tree)]
    lines += [people.al1(one, at) for at, one in enumerate(_of(beside, "AllergyIntolerance"), 1)]
    lines += [people.dg1(one, at) for at, one in enumerate(_of(beside, "Condition"), 1)]
    return f"ADT^{event}^ADT_A01", lines


def _report(
    tree: Resource, patient: Resource, beside: Mapping[str, Resource], event: str
) -> tuple[str, Sequence[Line]]:
    visit = next(iter(_of(beside, "Encounter")), None)
    before = [people.pid(patient), *([people.pv1(visit)] if visit else [])]
    return f"ORU^{event or 'R01'}^ORU_R01", [*before, *reports.report(tree, beside)]


def _appointment(
    tree: Resource, patient: Resource, _: Mapping[str, Resource], event: str
) -> tuple[str, Sequence[Line]]:
    event = event or _event_of("appointment-event", tree["status"], "S14")
    numbers = tree.get("identifier", [])
    sch = Line("SCH")
    for field, one in zip((1, 2), numbers or [{"value": tree["id"], "system": "urn:x-minkang:id"}], strict=False):
        sch.raw(field, number(one))
    sch.raw(6, concept(tree.get("cancelationReason")))
    sch.raw(7, concept(next(iter(tree.get("reasonCode", [])), None)))
    sch.raw(8, concept(tree.get("appointmentType")))
    if minutes := tree.get("minutesDuration"):
        sch.put(9, str(minutes))
        sch.put(10, "MIN")
    asked = next(iter(tree.get("requestedPeriod", [])), {})
    start, end = tree.get("start") or asked.get("start", ""), tree.get("end") or asked.get("end", "")
    sch.raw(11, f"^^^{time(start)}^{time(end)}" if start or end else "")
    lines = [sch, people.pid(patient), Line("RGS", {1: "1"})]
    if services := tree.get("serviceType"):
        ais = Line("AIS", {1: "1"})
        ais.raw(3, concept(services[0]))
        ais.put(4, time(start))
        lines.append(ais)
    return f"SIU^{event}^SIU_S12", [*lines, *_participants(tree)]


def _participants(tree: Resource) -> list[Line]:
    places, doctors = list[Line](), list[Line]()
    for one in tree.get("participant", []):
        actor = one.get("actor", {})
        kind = actor.get("type") or actor.get("reference", "").partition("/")[0]
        if kind == "Location":
            places.append(Line("AIL", {1: str(len(places) + 1), 3: actor.get("display", "")}))
        elif kind != "Patient":
            aip = Line("AIP", {1: str(len(doctors) + 1)})
            aip.raw(3, person(actor))
            aip.raw(4, concept(next(iter(one.get("type", [])), None)))
            doctors.append(aip)
    return places + doctors


def _event(event: str) -> Line:
    return Line("EVN", {1: event})


def _event_of(table: str, status: str, other: str) -> str:
    return tables()[table]["codes"].get(status, other)


def _of(beside: Mapping[str, Resource], type: str) -> list[Resource]:
    return [one for one in beside.values() if one["resourceType"] == type]
