"""DFT^P03: FT1 to ChargeItem, PID-18 to Account; PR1 to Procedure, which ADT sends too (HL7 v2.5.1 chapter 6)."""

from __future__ import annotations

from minkang.fhir.resource import Exact
from minkang.gateways.hl7v2.mapping.draft import Draft, Element, present
from minkang.gateways.hl7v2.mapping.results import visit
from minkang.gateways.hl7v2.mapping.values import quantity
from minkang.gateways.hl7v2.wire import Segment

CURRENCY = "CNY"
"""Of an amount that names none."""


def account(draft: Draft) -> str:
    """PID-18, the account that is charged; "" without one."""
    pid = draft.message.first("PID")
    number = draft.identifier(pid, pid.field(18)) if pid and pid.field(18) else None
    if number is None:
        return ""
    seen = visit(draft)
    return draft.add(
        "Account",
        ("account", number["system"], number["value"]),
        identifier=[number, *([seen["identifier"]] if seen else [])],
        status="active",
        subject=[{"reference": draft.patient}],
    )


def charge(draft: Draft, ft1: Segment, to: str) -> None:
    """One FT1. Its number (FT1-2) is its name, else the message's and its place in it. A credit (CD) is a charge below
    zero; payments (PY) charge nothing and are told."""
    kind = ft1.text(6).upper()
    if kind == "PY":
        draft.fault("no-charge", ft1, 6, kind, "CG CD AJ")
        return
    what = draft.concept(ft1, 7) or ({"text": ft1.text(8)} if ft1.text(8) else None)
    if what is None:
        draft.fault("missing", ft1, 7, expected="CE")
        return
    status = draft.coded("charge-status", ft1, 6) if kind else None
    number = ft1.text(2)
    own = ("charge", number) if number else ("charge", draft.message.control, str(ft1.number))
    sign = "-" if kind == "CD" else ""
    doctors = [("performer", one) for one in draft.person(ft1, 20)]
    orders = [present(identifier=one, type="ServiceRequest") for one in (draft.number(ft1, 23),) if one]
    draft.add(
        "ChargeItem",
        own,
        identifier=[{"system": draft.own("FT1-2"), "value": number}] if number else None,
        status=status or "billable",
        code=what,
        subject={"reference": draft.patient},
        context=visit(draft),
        occurrenceDateTime=draft.time(ft1, 4),
        performer=[{"actor": who} for _, who in doctors],
        performingOrganization=_department(draft, ft1),
        quantity=_amount(draft, ft1, 10),
        priceOverride=_price(draft, ft1, sign),
        enterer=(draft.person(ft1, 24) or [None])[0],
        reason=[one for raw in ft1.repeats(19) if (one := draft.concept(ft1, 19, raw))],
        account=[{"reference": to}] if to else None,
        enteredDate=draft.time(ft1, 5),
        note=_notes(draft, ft1, orders),
    )


def _department(draft: Draft, ft1: Segment) -> Element | None:
    found = draft.concept(ft1, 13)
    if found is None:
        return None
    coding = found.get("coding", [{}])[0]
    number = present(system=coding.get("system"), value=coding.get("code"))
    return present(identifier=number, display=found.get("text") or coding.get("code"))


def _amount(draft: Draft, ft1: Segment, field: int) -> Element | None:
    text = ft1.text(field)
    if not text:
        return None
    found = quantity(text, {})
    if found is None:
        draft.fault("bad-number", ft1, field, text, "NM")
    return found


def _price(draft: Draft, ft1: Segment, sign: str) -> Element | None:
    """FT1-11, the amount of all; else of one (FT1-12) where that is the same. CP: amount & currency."""
    for field in (11, 12) if ft1.text(10) in ("", "1") else (11,):
        text, currency = ft1.text(field), ft1.text(field, 1, 2) or CURRENCY
        if not text:
            continue
        found = quantity(text, {})
        if found is None or "comparator" in found:
            draft.fault("bad-number", ft1, field, text, "MO")
            continue
        value = str(found["value"]).lstrip("-") if sign else str(found["value"])
        return {"value": Exact(sign + value), "currency": currency}
    return None


def _notes(draft: Draft, ft1: Segment, orders: list[Element]) -> list[Element]:
    """What ChargeItem has no element for: the unit price beside the amount, the description, the order's number."""
    told = [f"FT1-8: {ft1.text(8)}"] if ft1.text(8) and ft1.text(7) else []
    told += [f"FT1-12: {ft1.text(12)}"] if ft1.text(12) and ft1.text(11) else []
    told += [f"FT1-23: {one['identifier']['value']}" for one in orders]
    return [{"text": words} for words in told]


def procedure(draft: Draft, pr1: Segment) -> None:
    """PR1 to Procedure. Its code, day and visit are its name."""
    what = draft.concept(pr1, 3) or ({"text": pr1.text(4)} if pr1.text(4) else None)
    if what is None:
        draft.fault("missing", pr1, 3, expected="CE")
        return
    if pr1.text(4) and "text" not in what:
        what["text"] = pr1.text(4)
    seen = visit(draft)
    of_visit = seen["identifier"]["value"] if seen else ""
    names = (draft.patient, "PR1", of_visit, pr1.text(3) or pr1.text(4), pr1.text(5))
    reasons = draft.concept(pr1, 15)
    draft.add(
        "Procedure",
        (*names, draft.nth(*names)),
        status="completed",
        code=what,
        subject={"reference": draft.patient},
        encounter=seen,
        performedDateTime=draft.time(pr1, 5),
        performer=_team(draft, pr1),
        reasonCode=[reasons] if reasons else None,
    )


def _team(draft: Draft, pr1: Segment) -> list[Element]:
    """PR1-8 anaesthesiologist, PR1-11 surgeon, PR1-12 others (table 0443)."""
    scheme = "http://terminology.hl7.org/CodeSystem/v2-0443"
    return [
        present(function={"coding": [{"system": scheme, "code": role}]} if role else None, actor=who)
        for field, role in ((11, "SUR"), (8, "ANEST"), (12, ""))
        for who in draft.person(pr1, field)
    ]
