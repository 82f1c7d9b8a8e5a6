"""ORC, OBR, OBX and NTE: orders, reports and results."""

from __future__ import annotations

from dataclasses import dataclass, field

from minkang.gateways.hl7v2.mapping.draft import Draft, Element
from minkang.gateways.hl7v2.mapping.tables import code, system
from minkang.gateways.hl7v2.mapping.values import value_of
from minkang.gateways.hl7v2.wire import Segment


@dataclass(slots=True)
class Group:
    """One OBR with its ORC before it and its results and notes behind it."""

    obr: Segment
    orc: Segment | None = None
    notes: list[Segment] = field(default_factory=list[Segment])
    results: list[tuple[Segment, list[Segment]]] = field(default_factory=list[tuple[Segment, list[Segment]]])


def groups(segments: list[Segment]) -> list[Group]:
    """The segments of a message by their OBR. Notes belong to what stands before them."""
    found: list[Group] = []
    orc: Segment | None = None
    for segment in segments:
        if segment.name == "ORC":
            orc = segment
        elif segment.name == "OBR":
            found.append(Group(segment, orc))
            orc = None
        elif found and segment.name == "OBX":
            found[-1].results.append((segment, []))
        elif found and orc is None and segment.name == "NTE":
            (found[-1].results[-1][1] if found[-1].results else found[-1].notes).append(segment)
    return found


def report(draft: Draft, group: Group) -> None:
    """One OBR of an ORU^R01 to DiagnosticReport and its Observations."""
    obr = group.obr
    names = _names(draft, group)
    what = draft.concept(obr, 4)
    if what is None:
        draft.fault("missing", obr, 4, expected="CE")
        what = {"text": "?"}
    placer, filler = _numbers(draft, group)
    made = draft.add(
        "DiagnosticReport",
        names,
        identifier=[one for one in (filler, placer) if one],
        basedOn=[{"type": "ServiceRequest", "identifier": placer}] if placer else None,
        status=(draft.coded("report-status", obr, 25) if obr.text(25) else None) or "unknown",
        category=_section(obr),
        code=what,
        subject={"reference": draft.patient},
        encounter=visit(draft),
        effectiveDateTime=draft.time(obr, 7),
        issued=_instant(draft.time(obr, 22)),
        resultsInterpreter=draft.person(obr, 32)[:1],
        conclusion=_words(group.notes),
    )
    for obx, notes in group.results:
        attachment = value_of(draft, obx)
        if "attachment" in attachment:
            draft.resources[made].setdefault("presentedForm", []).append(attachment["attachment"])
            continue
        result = observation(draft, group, names, obx, notes, attachment)
        if result:
            draft.resources[made].setdefault("result", []).append({"reference": result})


def observation(
    draft: Draft, group: Group, names: tuple[str, ...], obx: Segment, notes: list[Segment], value: Element
) -> str:
    """One OBX. Its code, its sub-id and, for those alike, its place among them are its name, so that a correction
    replaces what it corrects."""
    what = draft.concept(obx, 3)
    if what is None:
        draft.fault("missing", obx, 3, expected="CE")
        return ""
    key = (*names, obx.text(3) or obx.text(3, 2), obx.text(4))
    flags = [flag for one in obx.repeats(8) if (flag := _flag(draft, obx, obx.inside(one)))]
    method = draft.concept(obx, 17)
    return draft.add(
        "Observation",
        (*key, draft.nth(*key)),
        status=(draft.coded("result-status", obx, 11) if obx.text(11) else None) or "unknown",
        category=_observed_as(group),
        code=what,
        subject={"reference": draft.patient},
        encounter=visit(draft),
        effectiveDateTime=draft.time(obx, 14) or draft.time(group.obr, 7),
        performer=draft.person(obx, 16),
        **value,
        interpretation=flags,
        referenceRange=_range(obx),
        method=method,
        note=[{"text": words}] if (words := _words(notes)) else None,
    )


def order(draft: Draft, group: Group) -> None:
    """ORC and OBR of an ORM or OML to ServiceRequest."""
    obr, orc = group.obr, group.orc
    what = draft.concept(obr, 4)
    if what is None:
        draft.fault("missing", obr, 4, expected="CE")
        what = {"text": "?"}
    placer, filler = _numbers(draft, group)
    control = draft.coded("order-status", orc, 1) if orc else None
    progress = draft.coded("order-progress", orc, 5) if orc and orc.text(5) else None
    status = progress if control in (None, "active") and progress else control or "active"
    ordered_by = (draft.person(orc, 12) if orc else []) or draft.person(obr, 16)
    reasons = [found for one in obr.repeats(31) if (found := draft.concept(obr, 31, one))]
    draft.add(
        "ServiceRequest",
        ("order", *_order_names(draft, group)),
        identifier=[one for one in (placer, filler) if one],
        status=status,
        intent="order",
        priority=code("priority", obr.text(27, 6) or obr.text(5)),
        code=what,
        subject={"reference": draft.patient},
        encounter=visit(draft),
        authoredOn=(draft.time(orc, 9) if orc else None) or draft.time(obr, 6),
        requester=(ordered_by or [None])[0],
        reasonCode=reasons,
        note=[{"text": words}] if (words := _words(group.notes)) else None,
    )


def visit(draft: Draft) -> Element | None:
    """A reference by number: results do not write the visit, which ADT tells of."""
    pv1 = draft.message.first("PV1")
    number = draft.identifier(pv1, pv1.field(19)) if pv1 and pv1.field(19) else None
    return {"type": "Encounter", "identifier": number} if number else None


def _numbers(draft: Draft, group: Group) -> tuple[Element | None, Element | None]:
    placer, filler = draft.number(group.obr, 2), draft.number(group.obr, 3)
    if group.orc:
        placer, filler = placer or draft.number(group.orc, 2), filler or draft.number(group.orc, 3)
    return placer, filler


def _names(draft: Draft, group: Group) -> tuple[str, ...]:
    """What a report is called: the laboratory's number, else the orderer's, with the test; else patient and time."""
    placer, filler = _numbers(draft, group)
    number = filler or placer
    test = group.obr.text(4) or group.obr.text(4, 2)
    if number:
        return ("report", number["system"], number["value"], test)
    return ("report", draft.patient, test, group.obr.text(7) or draft.message.control)


def _order_names(draft: Draft, group: Group) -> tuple[str, ...]:
    placer, filler = _numbers(draft, group)
    number = placer or filler
    test = group.obr.text(4) or group.obr.text(4, 2)
    return (number["system"], number["value"], test) if number else (draft.patient, test, draft.message.control)


def _section(obr: Segment) -> list[Element] | None:
    where = obr.text(24)
    scheme = "http://terminology.hl7.org/CodeSystem/v2-0074"
    return [{"coding": [{"system": scheme, "code": where}]}] if where else None


def _observed_as(group: Group) -> list[Element]:
    kind = "imaging" if group.obr.text(24) in ("RAD", "RUS", "CT", "NMR", "CUS", "XRC") else "laboratory"
    return [{"coding": [{"system": "http://terminology.hl7.org/CodeSystem/observation-category", "code": kind}]}]


def _flag(draft: Draft, obx: Segment, flag: str) -> Element | None:
    found = draft.coded("interpretation", obx, 8, flag)
    if found:
        return {"coding": [{"system": system("interpretation"), "code": found}]}
    return {"text": flag} if flag else None


def _range(obx: Segment) -> list[Element] | None:
    words = obx.whole(obx.field(7))
    return [{"text": words}] if words else None


def _words(notes: list[Segment]) -> str:
    return "\n".join(note.whole(one) for note in notes for one in note.repeats(3))


def _instant(moment: str | None) -> str | None:
    """`issued` is an instant: a day alone will not do."""
    return moment if moment and "T" in moment else None
