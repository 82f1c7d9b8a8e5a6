"""HL7 v2 message to FHIR: ADT, ORU^R01, ORM^O01, OML^O21, SIU, VXU^V04, MDM and DFT^P03. Pure."""

from __future__ import annotations

import contextlib
from datetime import datetime
from typing import Any

from minkang.gateways.hl7v2.mapping import appointments, charges, documents, people, results, vaccines, visits
from minkang.gateways.hl7v2.mapping.draft import NAMESPACE, Draft
from minkang.gateways.hl7v2.mapping.tables import findings
from minkang.gateways.hl7v2.wire import Fault, Message, parse
from minkang.platform.intake.reading import Finding, Reading

__all__ = ["EVENTS", "faults", "outcome", "read", "understood"]

# Message type to the events that are read.
EVENTS: dict[str, frozenset[str]] = {
    "ADT": frozenset(
        ["A01", "A02", "A03", "A04", "A05", "A06", "A07", "A08", "A11", "A12", "A13", "A28", "A31", "A40"]
    ),
    "ORU": frozenset({"R01"}),
    "ORM": frozenset({"O01"}),
    "OML": frozenset({"O21"}),
    "SIU": frozenset({"S12", "S13", "S14", "S15", "S16", "S17", "S26"}),
    "VXU": frozenset({"V04"}),
    "MDM": frozenset({"T01", "T02", "T04", "T06", "T08", "T10", "T11"}),
    "DFT": frozenset({"P03"}),
}
_NO_VISIT = {"A28", "A31", "A40"}


def read(content: bytes, sender: str, zone: str = "+08:00") -> Reading:
    """Bytes of one message, without MLLP, to what is to be written. Raises wire.Unreadable for what is no message."""
    return understood(parse(content), sender, zone)


def understood(message: Message, sender: str, zone: str = "+08:00") -> Reading:
    """A message to what is to be written and what its sender should know."""
    draft = Draft(message, sender, zone)
    reading = Reading(message.kind, message.control, findings=draft.findings)
    _check_header(draft)
    kind, event = message.header.text(9, 1), message.header.text(9, 2)
    if event not in EVENTS.get(kind, ()):
        draft.fault("unknown-kind", message.header, 9, message.kind, " ".join(EVENTS))
        return reading
    pids = list(message.all("PID"))
    if not pids:
        draft.findings.append(Finding("missing-segment", "PID", "", "PID"))
        return reading
    if len(pids) > 1 and event != "A40":
        draft.findings.append(Finding("missing-segment", "PID[2]", str(len(pids)), "1 PID"))
        return reading
    _patient(draft, event)
    if draft.patient:
        _content(draft, kind, event, reading)
        _keep_own_segments(draft)
    reading.resources = list(draft.resources.values())
    reading.patient, reading.gone = draft.patient, draft.gone
    reading.cleared = draft.cleared
    moment = draft.time(message.header, 7)
    with contextlib.suppress(ValueError):
        reading.happened = datetime.fromisoformat(moment) if moment and "T" in moment else None
    return reading


def _check_header(draft: Draft) -> None:
    message, header = draft.message, draft.message.header
    if not message.control:
        draft.fault("missing", header, 10, expected="ST")
    if not "2.3" <= message.version < "2.7":
        draft.fault("unknown-version", header, 12, message.version, "2.3 2.3.1 2.4 2.5 2.5.1 2.6")
    if message.decoded.broken:
        draft.fault("charset-broken", header, 18, message.decoded.claimed)
    elif message.decoded.lied:
        draft.fault("charset-lied", header, 18, message.decoded.claimed, message.decoded.charset.upper())


def _patient(draft: Draft, event: str) -> None:
    if event != "A40":
        people.patient(draft, next(draft.message.all("PID")))
        return
    both = people.pairs(draft.message.segments)
    if not both:
        draft.findings.append(Finding("missing-segment", "MRG", "", "MRG"))
    for pid, mrg in both:
        people.patient(draft, pid)
        if draft.patient:
            people.merge(draft, mrg)


def _content(draft: Draft, kind: str, event: str, reading: Reading) -> None:
    message = draft.message
    if kind == "ADT":
        pv1 = message.first("PV1")
        visit = visits.encounter(draft, pv1, event) if pv1 and event not in _NO_VISIT else ""
        for name, take in (("NK1", people.relative), ("AL1", visits.allergy), ("IN1", people.insurance)):
            for segment in message.all(name):
                take(draft, segment)
        for segment in message.all("DG1"):
            visits.diagnosis(draft, segment, visit)
        for segment in message.all("PR1"):
            charges.procedure(draft, segment)
        return
    main = {"SIU": "SCH", "VXU": "RXA", "MDM": "TXA", "DFT": "FT1"}.get(kind, "OBR")
    main_segment = message.first(main)
    if main_segment is None:
        draft.findings.append(Finding("missing-segment", main, "", main))
    elif kind == "SIU":
        appointments.appointment(draft, main_segment, event)
    elif kind == "VXU":
        vaccines.immunizations(draft)
    elif kind == "MDM":
        documents.document(draft, main_segment, event, reading)
    elif kind == "DFT":
        _charges(draft)
    else:
        _orders(draft, kind)


def _charges(draft: Draft) -> None:
    message, account = draft.message, charges.account(draft)
    for segment in message.all("FT1"):
        charges.charge(draft, segment, account)
    visit, seen = visits.named(draft, message.first("PV1")), results.visit(draft)
    for segment in message.all("DG1"):
        visits.diagnosis(draft, segment, visit, seen)
    for segment in message.all("PR1"):
        charges.procedure(draft, segment)
    for segment in message.all("IN1"):
        people.insurance(draft, segment)


def _orders(draft: Draft, kind: str) -> None:
    found = results.groups(draft.message.segments)
    for group in found:
        (results.report if kind == "ORU" else results.order)(draft, group)


def _keep_own_segments(draft: Draft) -> None:
    """Z segments mean something to their sender only: kept word for word beside what they came with."""
    own = [segment.raw for segment in draft.message.segments if segment.name.startswith("Z")]
    if own:
        draft.add(
            "Basic",
            ("own segments", draft.message.control, *own),
            code={"coding": [{"system": f"{NAMESPACE}basic", "code": "own-segments"}], "text": draft.message.kind},
            subject={"reference": draft.patient},
            extension=[{"url": f"{NAMESPACE}segment", "valueString": raw} for raw in own],
        )


def outcome(reading: Reading) -> str:
    """`accepted`, or `error` when a finding of severity error stands in it."""
    bad = any(findings()[found.rule]["severity"] == "error" for found in reading.findings)
    return "error" if bad else "accepted"


def faults(found: list[Finding]) -> list[Fault]:
    """Findings as ERR segments, in both languages."""
    return [_fault(one, findings()[one.rule]) for one in found]


def _fault(finding: Finding, words: dict[str, Any]) -> Fault:
    text = f"{words['zh']}。{words['do_zh']}。 {words['en']}. {words['do_en']}."
    return Fault(words["code"], text, finding.place, words["severity"][0].upper())
