"""SIU: SCH with AIS, AIL and AIP to Appointment (HL7 v2.5.1 chapter 10)."""

from __future__ import annotations

import contextlib
import re
from datetime import datetime, timedelta

from minkang.gateways.hl7v2.mapping.draft import Draft, Element, present
from minkang.gateways.hl7v2.mapping.tables import code
from minkang.gateways.hl7v2.wire import Segment


def appointment(draft: Draft, sch: Segment, event: str) -> None:
    """SCH-1, the orderer's number, else SCH-2, names it; so that every event of one appointment writes the same one."""
    placer, filler = draft.number(sch, 1), draft.number(sch, 2)
    number = placer or filler
    if number is None:
        draft.fault("missing", sch, 1, expected="SCH-1 / SCH-2")
        return
    ais = draft.message.first("AIS")
    minutes = _minutes(sch, ais)
    service = draft.concept(ais, 3) if ais else None
    reason = draft.concept(sch, 7)
    status = code("appointment-status", event) or "booked"
    draft.add(
        "Appointment",
        ("appointment", number["system"], number["value"]),
        identifier=[one for one in (placer, filler) if one],
        status=status,
        cancelationReason=(draft.concept(sch, 6) if status in ("cancelled", "noshow") else None),
        serviceType=[service] if service else None,
        appointmentType=draft.concept(sch, 8),
        reasonCode=[reason] if reason else None,
        **_times(draft, sch, ais, minutes),
        minutesDuration=minutes,
        participant=_participants(draft, status),
    )


def _minutes(sch: Segment, ais: Segment | None) -> int | None:
    """SCH-9, else AIS-7. Minutes unless the field behind says otherwise, which then stands in the original only."""
    for segment, field in ((sch, 9), (ais, 7)):
        value, units = (segment.text(field), segment.text(field + 1)) if segment else ("", "")
        if re.fullmatch("[0-9]{1,5}", value) and int(value) and units.upper() in ("", "M", "MIN", "MINUTES"):
            return int(value)
    return None


def _times(draft: Draft, sch: Segment, ais: Segment | None, minutes: int | None) -> Element:
    """SCH-11 holds start and end in components 4 and 5; AIS-4 the start alone. FHIR wants both to the second, or none
    (invariant app-3): what is less exact is told as the period asked for."""
    start = draft.time(sch, 11, sch.text(11, 4)) or (draft.time(ais, 4) if ais else None)
    end = draft.time(sch, 11, sch.text(11, 5))
    if start and "T" in start and minutes and not end:
        with contextlib.suppress(OverflowError):  # the year 9999
            end = (datetime.fromisoformat(start) + timedelta(minutes=minutes)).isoformat()
    if start and end and "T" in start and "T" in end:
        return {"start": start, "end": end}
    asked = present(start=start, end=end)
    return {"requestedPeriod": [asked]} if asked else {}


def _participants(draft: Draft, status: str) -> list[Element]:
    state = "declined" if status == "cancelled" else "accepted"
    found: list[Element] = [{"actor": {"reference": draft.patient}, "status": state}]
    for aip in draft.message.all("AIP"):
        kind = draft.concept(aip, 4)
        found += [present(actor=who, type=[kind] if kind else None, status="accepted") for who in draft.person(aip, 3)]
    for ail in draft.message.all("AIL"):
        words = " ".join(word for part in (4, 7, 8, 1, 2, 3) if (word := ail.text(3, part)))
        if words:
            found.append({"actor": {"type": "Location", "display": words}, "status": "accepted"})
    return found
