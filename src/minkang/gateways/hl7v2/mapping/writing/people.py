"""PID, PV1, DG1 and AL1."""

from __future__ import annotations

from minkang.fhir.resource import Resource
from minkang.gateways.hl7v2.mapping.writing.fields import (
    Element,
    Line,
    back,
    codings,
    concept,
    identifier,
    joined,
    person,
    time,
)

_ROLES = {"ATND": 7, "REF": 8, "CON": 9, "ADM": 17}


def pid(patient: Resource) -> Line:
    line = Line("PID", {1: "1"})
    numbers = [one for one in patient.get("identifier", []) if one.get("value")]
    numbers = numbers or [{"system": "urn:x-minkang:id", "value": patient["id"]}]
    line.raw(3, "~".join(identifier(one) for one in numbers))
    line.raw(5, "~".join(_name(one) for one in patient.get("name", [])))
    line.put(7, time(patient.get("birthDate", "")))
    line.put(8, back("sex", patient.get("gender")))
    line.raw(11, "~".join(_address(one) for one in patient.get("address", [])))
    for field, uses in ((13, ("home", "mobile", None)), (14, ("work",))):
        line.raw(field, "~".join(_telecom(one) for one in patient.get("telecom", []) if one.get("use") in uses))
    line.raw(16, concept(patient.get("maritalStatus")))
    line.put(29, time(patient.get("deceasedDateTime", "")))
    line.put(30, "Y" if patient.get("deceasedBoolean") or patient.get("deceasedDateTime") else "")
    return line


def _name(name: Element) -> str:
    given = name.get("given", [])
    if not name.get("family") and not given:
        return joined([name.get("text", "")])
    return joined([name.get("family", ""), *given[:1], " ".join(given[1:])])


def _address(address: Element) -> str:
    line = address.get("line", []) or [address.get("text", "")]
    parts = [
        *line[:1],
        " ".join(line[1:]),
        *(address.get(one, "") for one in ("city", "state", "postalCode", "country")),
    ]
    return joined([*parts, "", "", address.get("district", "")])


def _telecom(found: Element) -> str:
    if found.get("system") == "email":
        return joined(["", "NET", "Internet", found.get("value", "")])
    return joined([found.get("value", ""), "PRN", "CP" if found.get("use") == "mobile" else "PH"])


def pv1(visit: Resource) -> Line:
    line = Line("PV1", {1: "1"})
    kind = visit.get("class", {}).get("code")
    line.put(2, back("class", kind, kind or "U"))
    for place in visit.get("location", []):
        words = place.get("location", {}).get("display", "")
        line.put(6 if place.get("status") == "completed" and visit["status"] != "finished" else 3, words)
    line.raw(4, concept(next(iter(visit.get("type", [])), None)))
    for role, field in _ROLES.items():
        who = [one.get("individual", {}) for one in visit.get("participant", []) if _is(one, role)]
        line.raw(field, "~".join(person(one) for one in who))
    line.raw(10, concept(visit.get("serviceType")))
    stay = visit.get("hospitalization", {})
    line.raw(14, concept(stay.get("admitSource")))
    numbers = [one for one in visit.get("identifier", []) if one.get("value")]
    line.raw(19, identifier(numbers[0] if numbers else {"system": "urn:x-minkang:id", "value": visit["id"]}))
    line.raw(36, concept(stay.get("dischargeDisposition")))
    line.put(44, time(visit.get("period", {}).get("start", "")))
    line.put(45, time(visit.get("period", {}).get("end", "")))
    return line


def _is(participant: Element, role: str) -> bool:
    return any(one["code"] == role for kind in participant.get("type", []) for one in codings(kind))


def dg1(condition: Resource, at: int) -> Line:
    line = Line("DG1", {1: str(at)})
    line.raw(3, concept(condition.get("code")))
    line.put(5, time(condition.get("recordedDate", "")))
    kinds = [one for one in condition.get("category", []) if not _is_plain(one)]
    line.raw(6, concept(kinds[0] if kinds else None))
    line.raw(16, person(condition.get("asserter", {})))
    return line


def _is_plain(category: Element) -> bool:
    return any(one["code"] == "encounter-diagnosis" for one in codings(category))


def al1(allergy: Resource, at: int) -> Line:
    line = Line("AL1", {1: str(at)})
    line.put(2, back("allergy-category", next(iter(allergy.get("category", [])), None)))
    line.raw(3, concept(allergy.get("code")))
    reaction = next(iter(allergy.get("reaction", [])), {})
    line.put(4, back("allergy-severity", reaction.get("severity")))
    signs = [
        one.get("text") or next((c.get("display", c["code"]) for c in codings(one)), "")
        for one in reaction.get("manifestation", [])
    ]
    line.raw(5, "~".join(joined([one]) for one in signs))
    line.put(6, time(allergy.get("onsetDateTime", "")))
    return line
