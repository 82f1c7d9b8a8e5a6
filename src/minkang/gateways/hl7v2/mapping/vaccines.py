"""VXU^V04: RXA with its ORC, RXR and NTE to Immunization (HL7 v2.5.1 4.14 and 4A)."""

from __future__ import annotations

from minkang.gateways.hl7v2.mapping.draft import Draft, present
from minkang.gateways.hl7v2.mapping.results import visit
from minkang.gateways.hl7v2.mapping.tables import code
from minkang.gateways.hl7v2.mapping.values import quantity
from minkang.gateways.hl7v2.wire import Segment


def immunizations(draft: Draft) -> None:
    """Every RXA; an ORC before it and an RXR behind it belong to it."""
    orc: Segment | None = None
    segments = draft.message.segments
    for at, segment in enumerate(segments):
        if segment.name == "ORC":
            orc = segment
        elif segment.name == "RXA":
            after = segments[at + 1] if at + 1 < len(segments) else None
            _immunization(draft, segment, orc, after if after and after.name == "RXR" else None)
            orc = None


def _immunization(draft: Draft, rxa: Segment, orc: Segment | None, rxr: Segment | None) -> None:
    what, given = draft.concept(rxa, 5), draft.time(rxa, 3)
    if what is None:
        draft.fault("missing", rxa, 5, expected="CE")
        return
    if given is None and not rxa.text(3):
        draft.fault("missing", rxa, 3, expected="TS")
    number = (draft.number(orc, 3) or draft.number(orc, 2)) if orc else None
    test = rxa.text(5) or rxa.text(5, 2)
    names = (number["system"], number["value"], test) if number else (draft.patient, test, rxa.text(3), rxa.text(15))
    status = "entered-in-error" if rxa.text(21) == "D" else code("vaccination-status", rxa.text(20)) or "completed"
    refused = draft.concept(rxa, 18)
    maker = draft.concept(rxa, 17)
    draft.add(
        "Immunization",
        ("vaccination", *names),
        identifier=[number] if number else None,
        status=status,
        statusReason=refused if status == "not-done" else None,
        vaccineCode=what,
        patient={"reference": draft.patient},
        encounter=visit(draft),
        occurrenceDateTime=given,
        occurrenceString=None if given else rxa.text(3) or "?",
        manufacturer=present(display=maker.get("text") or rxa.text(17)) if maker else None,
        lotNumber=rxa.text(15),
        expirationDate=draft.day(rxa, 16),
        site=draft.concept(rxr, 2) if rxr else None,
        route=draft.concept(rxr, 1) if rxr else None,
        doseQuantity=_dose(rxa),
        performer=[{"actor": who} for who in draft.person(rxa, 10)],
    )


def _dose(rxa: Segment) -> dict[str, object] | None:
    """999 says that the amount is not known (HL7 v2.5.1 4.14.7.6)."""
    uri = code("code-system", rxa.text(7, 3))
    units = present(unit=rxa.text(7, 2) or rxa.text(7), system=uri, code=rxa.text(7) if uri else None)
    return None if rxa.text(6) in ("", "999") else quantity(rxa.text(6), units)
