"""PID, NK1, IN1 and MRG: the patient as this sender registered it, relatives, insurance, merged numbers."""

from __future__ import annotations

from itertools import pairwise

from minkang.gateways.hl7v2.mapping.draft import Draft, Element, present
from minkang.gateways.hl7v2.wire import Segment
from minkang.platform.intake.reading import Cleared, id_of

_FIELDS = {
    5: ("name",),
    7: ("birthDate",),
    8: ("gender",),
    11: ("address",),
    16: ("maritalStatus",),
    29: ("deceasedDateTime",),
    30: ("deceasedBoolean",),
}
"""Of PID, and the elements they fill."""

_HAN = "\u3400", "\u9fff"


def patient(draft: Draft, pid: Segment) -> None:
    """PID to the Patient of this sender. The first of PID-3 (else PID-2, PID-4) is the number it goes by."""
    numbers = [found for field in (3, 2, 4) for one in pid.repeats(field) if (found := draft.identifier(pid, one))]
    if not numbers:
        draft.fault("missing", pid, 3, expected="CX")
        return
    card = pid.text(19)
    if card and all(one["value"] != card for one in numbers):
        numbers.append(draft.identifier(pid, f"{card}{pid.delimiters.component * 4}NI") or {})
    dead = draft.time(pid, 29)
    draft.patient = draft.add(
        "Patient",
        ("|".join((numbers[0]["system"], numbers[0]["value"])),),
        identifier=[one for at, one in enumerate(numbers) if one and one not in numbers[:at]],
        name=[name for one in pid.repeats(5) if (name := human(pid, one))],
        gender=draft.coded("sex", pid, 8),
        birthDate=draft.day(pid, 7),
        address=[found for one in pid.repeats(11) if (found := address(pid, one))],
        telecom=telecom(pid, (13, "home"), (14, "work")),
        maritalStatus=draft.concept(pid, 16),
        deceasedDateTime=dead,
        deceasedBoolean=True if not dead and pid.text(30) == "Y" else None,
    )
    draft.clear(pid, draft.patient, _FIELDS)
    for field, uses in ((13, ("home", "mobile")), (14, ("work",))):
        if pid.deleted(field):
            draft.cleared.append(Cleared(draft.patient, ("telecom",), lambda one, uses=uses: one.get("use") in uses))


def human(segment: Segment, one: str) -> Element:
    """XPN. A Chinese name is one word: family and given without a space between."""
    family, given, middle = (segment.inside(one, part) for part in (1, 2, 3))
    chinese = any(_HAN[0] <= sign <= _HAN[1] for sign in family + given)
    words = ("" if chinese else " ").join(part for part in (family, given, middle) if part)
    return present(text=words, family=family, given=[part for part in (given, middle) if part]) if words else {}


def address(segment: Segment, one: str) -> Element:
    """XAD."""
    line, other, city, state, code, country = (segment.inside(one, part) for part in range(1, 7))
    return present(
        line=[part for part in (line, other) if part],
        city=city,
        district=segment.inside(one, 9),
        state=state,
        postalCode=code,
        country=country,
    )


def telecom(segment: Segment, *fields: tuple[int, str]) -> list[Element]:
    """XTN: component 1 holds the number until 2.6 withdrew it, 12 since; 4 is an electronic address."""
    found: list[Element] = []
    for field, use in fields:
        for one in segment.repeats(field):
            mail = segment.inside(one, 4)
            parts = "".join(segment.inside(one, part) for part in (6, 7))
            value = mail or segment.inside(one, 12) or segment.inside(one, 1) or parts
            mobile = segment.inside(one, 3) == "CP"
            if value:
                found.append(
                    {"system": "email" if mail else "phone", "value": value, "use": "mobile" if mobile else use}
                )
    return found


def relative(draft: Draft, nk1: Segment) -> None:
    """NK1 to RelatedPerson."""
    key = (draft.patient, nk1.text(1) or draft.nth(draft.patient, "NK1"))
    draft.add(
        "RelatedPerson",
        key,
        patient={"reference": draft.patient},
        relationship=[found for field in (3,) if (found := draft.concept(nk1, field))],
        name=[name for one in nk1.repeats(2) if (name := human(nk1, one))],
        telecom=telecom(nk1, (5, "home"), (6, "work")),
        address=[found for one in nk1.repeats(4) if (found := address(nk1, one))],
        gender=draft.coded("sex", nk1, 15),
        birthDate=draft.day(nk1, 16),
    )


def insurance(draft: Draft, in1: Segment) -> None:
    """IN1 to Coverage."""
    company = in1.field(3)
    payor = present(identifier=draft.identifier(in1, company) if company else None, display=in1.text(4))
    if not payor:
        draft.fault("missing", in1, 4, expected="IN1-3 / IN1-4")
        payor = {"display": in1.text(2) or "?"}
    draft.add(
        "Coverage",
        (draft.patient, in1.text(1) or draft.nth(draft.patient, "IN1"), in1.text(2)),
        status="active",
        type=draft.concept(in1, 2),
        beneficiary={"reference": draft.patient},
        subscriberId=in1.text(36),
        period=present(start=draft.day(in1, 12), end=draft.day(in1, 13)),
        payor=[payor],
    )


def merge(draft: Draft, mrg: Segment) -> None:
    """MRG (A40): the registration under the old number lives on, says so, and names the one that replaces it."""
    numbers = [found for field in (1, 4) for one in mrg.repeats(field) if (found := draft.identifier(mrg, one))]
    if not numbers:
        draft.fault("missing", mrg, 1, expected="CX")
        return
    key = "|".join((numbers[0]["system"], numbers[0]["value"]))
    old = f"Patient/{id_of(draft.sender, 'Patient', key)}"
    if old == draft.patient:
        draft.fault("missing", mrg, 1, numbers[0]["value"], "MRG-1 ≠ PID-3")
        return
    draft.add(
        "Patient",
        (key,),
        identifier=numbers,
        active=False,
        name=[name for one in mrg.repeats(7) if (name := human(mrg, one))],
        link=[{"other": {"reference": draft.patient}, "type": "replaced-by"}],
    )
    draft.resources[draft.patient]["link"] = [
        *draft.resources[draft.patient].get("link", []),
        {"other": {"reference": old}, "type": "replaces"},
    ]


def pairs(segments: list[Segment]) -> list[tuple[Segment, Segment]]:
    """Each PID with the MRG that follows it."""
    both = [one for one in segments if one.name in ("PID", "MRG")]
    return [(one, after) for one, after in pairwise(both) if (one.name, after.name) == ("PID", "MRG")]
