"""PV1, DG1 and AL1: the visit, its diagnoses, allergies."""

from __future__ import annotations

from minkang.gateways.hl7v2.mapping.draft import Draft, Element, present
from minkang.gateways.hl7v2.mapping.tables import code, system
from minkang.gateways.hl7v2.wire import Segment
from minkang.platform.intake.reading import Cleared, id_of

_FIELDS = {
    3: ("location",),
    4: ("type",),
    10: ("serviceType",),
    14: ("hospitalization", "admitSource"),
    36: ("hospitalization", "dischargeDisposition"),
    44: ("period", "start"),
    45: ("period", "end"),
}
"""Of PV1, and the elements they fill."""

_ROLES = {7: "ATND", 8: "REF", 9: "CON", 17: "ADM"}  # v3-ParticipationType


def visit_number(draft: Draft, pv1: Segment) -> Element | None:
    """PV1-19; without one the patient and the time of admission (PV1-44) name the visit."""
    one = pv1.field(19)
    return draft.identifier(pv1, one) if one else None


def encounter(draft: Draft, pv1: Segment, event: str) -> str:
    """PV1 to Encounter; "" when nothing tells which visit it is."""
    number, admitted, left = visit_number(draft, pv1), draft.time(pv1, 44), draft.time(pv1, 45)
    if number is None and admitted is None:
        draft.fault("missing", pv1, 19, expected="PV1-19 / PV1-44")
        return ""
    names = (_key(number),) if number else (draft.patient, admitted or "")
    left = None if event == "A13" else left
    status = code("visit-status", event) or ("finished" if left else "in-progress")
    kind = draft.coded("class", pv1, 2)
    words = None if kind else {"system": draft.own("0004"), "code": pv1.text(2) or "U"}
    admit = draft.concept(pv1, 4)
    made = draft.add(
        "Encounter",
        ("visit", *names),
        identifier=[number] if number else None,
        status=status,
        class_={"system": system("class"), "code": kind} if kind else words,
        type=[admit] if admit else None,
        subject={"reference": draft.patient},
        participant=_participants(draft, pv1),
        period=present(start=admitted, end=left),
        location=_places(pv1, status),
        hospitalization=present(dischargeDisposition=draft.concept(pv1, 36), admitSource=draft.concept(pv1, 14)),
        serviceType=draft.concept(pv1, 10),
    )
    draft.clear(pv1, made, _FIELDS)
    for field, role in _ROLES.items():
        if pv1.deleted(field):
            draft.cleared.append(Cleared(made, ("participant",), lambda one, role=role: _is(one, role)))
    return made


def _is(participant: Element, role: str) -> bool:
    return any(coding.get("code") == role for kind in participant.get("type", []) for coding in kind.get("coding", []))


def _participants(draft: Draft, pv1: Segment) -> list[Element]:
    scheme = "http://terminology.hl7.org/CodeSystem/v3-ParticipationType"
    return [
        {"type": [{"coding": [{"system": scheme, "code": role}]}], "individual": who}
        for field, role in _ROLES.items()
        for who in draft.person(pv1, field)
    ]


def _places(pv1: Segment, status: str) -> list[Element]:
    """PL: facility, building, floor, point of care, room and bed in words; the one before, too."""
    found: list[Element] = []
    for field, state in ((3, "planned" if status == "planned" else "active"), (6, "completed")):
        one = pv1.field(field)
        words = " ".join(word for part in (4, 7, 8, 1, 2, 3) if (word := pv1.inside(one, part)))
        if words:
            state = "completed" if status == "finished" else state
            found.append({"location": {"display": words}, "status": state})
    return found


def named(draft: Draft, pv1: Segment | None) -> str:
    """What the visit is called that a message names and does not write; "" when it has no number."""
    number = visit_number(draft, pv1) if pv1 else None
    return f"Encounter/{id_of(draft.sender, 'Encounter', 'visit', _key(number))}" if number else ""


def _key(number: Element) -> str:
    return f"{number['system']}|{number['value']}"


def diagnosis(draft: Draft, dg1: Segment, visit: str, seen: Element | None = None) -> None:
    """DG1 to Condition of a visit. `seen`: a reference to one that this message does not write."""
    what = draft.concept(dg1, 3)
    words = dg1.text(4)
    if what is None and not words:
        draft.fault("missing", dg1, 3, expected="CE")
        return
    kind = draft.concept(dg1, 6)
    key = dg1.text(3) or words
    category = "http://terminology.hl7.org/CodeSystem/condition-category"
    verification = "http://terminology.hl7.org/CodeSystem/condition-ver-status"
    made = draft.add(
        "Condition",
        (visit or draft.patient, "DG1", dg1.text(6), key),
        verificationStatus={"coding": [{"system": verification, "code": "confirmed"}]} if dg1.text(6) == "F" else None,
        category=[{"coding": [{"system": category, "code": "encounter-diagnosis"}]}, *([kind] if kind else [])],
        code=what or {"text": words},
        subject={"reference": draft.patient},
        encounter=seen or ({"reference": visit} if visit else None),
        recordedDate=draft.time(dg1, 5),
        asserter=(draft.person(dg1, 16) or [None])[0],
        note=[{"text": words}] if words and what and words != what.get("text") else None,
    )
    if visit in draft.resources:
        draft.resources[visit].setdefault("diagnosis", []).append({"condition": {"reference": made}})


def allergy(draft: Draft, al1: Segment) -> None:
    """AL1 to AllergyIntolerance."""
    what = draft.concept(al1, 3)
    if what is None:
        draft.fault("missing", al1, 3, expected="CE")
        return
    category = draft.coded("allergy-category", al1, 2) if al1.text(2) else None
    signs = [{"text": words} for one in al1.repeats(5) if (words := al1.whole(one))]
    severity = draft.coded("allergy-severity", al1, 4)
    state = "http://terminology.hl7.org/CodeSystem/allergyintolerance-clinical"
    draft.add(
        "AllergyIntolerance",
        (draft.patient, "AL1", al1.text(3) or al1.text(3, 2)),
        clinicalStatus={"coding": [{"system": state, "code": "active"}]},
        category=[category] if category else None,
        code=what,
        patient={"reference": draft.patient},
        onsetDateTime=draft.time(al1, 6),
        reaction=[present(manifestation=signs, severity=severity)] if signs else None,
        note=[{"text": f"AL1-4: {al1.text(4)}"}] if al1.text(4) and not signs else None,
    )
