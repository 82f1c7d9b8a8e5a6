"""Encounters, supplies, insurance and fees."""

from __future__ import annotations

from minkang.gateways.cda.mapping.datatypes import concept, moment, number, period, quantity, when
from minkang.gateways.cda.mapping.draft import Context, Draft, Tree, kept, present
from minkang.gateways.cda.mapping.groups import Gathered, grouped
from minkang.gateways.cda.mapping.people import performers
from minkang.gateways.cda.mapping.statements import about, builds, numbers, rest, status_of
from minkang.gateways.cda.mapping.tables import codes, system
from minkang.gateways.cda.mapping.targets.medications import drug_of
from minkang.gateways.cda.wire import Element

_TOTALS = frozenset({"HDSD00.11.142", "DE07.00.010.00"})
"""住院总费用, 住院费用金额: the sum of the other lines."""


@builds("encounter")
def encounter(draft: Draft, e: Element, context: Context) -> str:
    """A visit that an entry speaks of."""
    code = concept(draft, e.first("code"))
    coded = [one.get("code", "") for one in (code or {}).get("coding", ())]
    kind = next((found for one in coded if (found := codes("visit-class", one))), "AMB")
    time_ = e.first("effectiveTime")
    made = draft.add(
        "Encounter",
        (context.section, *(n["value"] for n in numbers(e)[:1])),
        extension=about(draft, e, context),
        identifier=numbers(e),
        status="finished" if (e.get("moodCode") or "EVN") == "EVN" else "planned",
        class_={"system": system("visit-class"), "code": kind},
        type=[code] if code else None,
        subject={"reference": draft.patient},
        participant=[
            {"individual": one} for one in performers(draft, e, "performer") if one.get("type") == "Practitioner"
        ],
        period=period(draft, time_) or present(start=moment(draft, time_)),
        hospitalization=present(dischargeDisposition=concept(draft, e.first("dischargeDispositionCode"))),
    )
    rest(draft, e, context, made)
    return made


@builds("supply")
def supply(draft: Draft, e: Element, context: Context) -> str:
    """A thing handed out, or a drug."""
    what = drug_of(draft, e) or concept(draft, e.first("code"))
    amount = quantity(draft, e.first("quantity"))
    if (e.get("moodCode") or "EVN") != "EVN":
        repeats = e.first("repeatNumber")
        made = draft.add(
            "SupplyRequest",
            (context.section, *(n["value"] for n in numbers(e)[:1])),
            extension=[
                *about(draft, e, context),
                *kept("subject", valueReference={"reference": draft.patient}),
                *kept("repeats", valueString=repeats.get("value") if repeats is not None else ""),
            ],
            identifier=numbers(e),
            status={"completed": "completed", "active": "active"}.get(status_of(e), "unknown"),
            itemCodeableConcept=what or {"text": "?"},
            quantity=amount or {"value": 1},
            **when(draft, e.first("effectiveTime"), "occurrenceDateTime", "occurrencePeriod"),
            authoredOn=context.time,
        )
    else:
        made = draft.add(
            "SupplyDelivery",
            (context.section, *(n["value"] for n in numbers(e)[:1])),
            extension=about(draft, e, context),
            identifier=numbers(e),
            status={"completed": "completed", "active": "in-progress"}.get(status_of(e), "completed"),
            patient={"reference": draft.patient},
            suppliedItem=present(quantity=amount, itemCodeableConcept=what),
            **when(draft, e.first("effectiveTime"), "occurrenceDateTime", "occurrencePeriod"),
        )
    rest(draft, e, context, made)
    return made


@builds("coverage")
def coverage(draft: Draft, e: Element, context: Context) -> str:
    """A coverage activity: who pays, in the policy inside it."""
    payors = performers(draft, e, "performer")
    made = draft.add(
        "Coverage",
        (context.section, *(n["value"] for n in numbers(e)[:1])),
        extension=about(draft, e, context),
        identifier=numbers(e),
        status="active",
        type=concept(draft, e.first("code")),
        beneficiary={"reference": draft.patient},
        payor=payors or [{"display": context.title or "?"}],
    )
    rest(draft, e, context, made)
    return made


@grouped("fees")
def fees(draft: Draft, group: Gathered, context: Context) -> str:
    """Amounts of money, a line each, as the sender calls and codes them."""
    lines: list[Tree] = []
    total: Tree | None = None
    for at, e in enumerate(group.parts.values(), 1):
        value = e.first("value")
        amount = number(value.get("value") or value.words()) if value is not None else None
        if amount is None:
            if value is not None and value.get("value"):
                draft.fault("cda-bad-number", value, value.get("value"), "MO")
            continue
        money = {"value": amount, "currency": "CNY"}
        code = concept(draft, e.first("code")) or {"text": context.title}
        if any(one.get("code") in _TOTALS for one in code.get("coding", ())):
            total = money
        lines.append(
            {
                "sequence": at,
                "chargeItemCodeableConcept": code,
                "priceComponent": [{"type": "base", "amount": money}],
            }
        )
    if not lines:
        return ""
    return draft.add(
        "Invoice",
        (context.section, "fees"),
        extension=kept("encounter", valueReference={"reference": draft.encounter} if draft.encounter else {}),
        status="issued",
        subject={"reference": draft.patient},
        date=context.time,
        lineItem=lines,
        totalGross=total,
    )
