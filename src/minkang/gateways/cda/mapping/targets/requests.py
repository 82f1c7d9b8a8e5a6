"""What is planned or ordered: ServiceRequest and Goal."""

from __future__ import annotations

from minkang.gateways.cda.mapping.datatypes import concept, moment, value, when
from minkang.gateways.cda.mapping.draft import Context, Draft, Tree, kept, present
from minkang.gateways.cda.mapping.groups import Gathered, grouped
from minkang.gateways.cda.mapping.people import performers, spoken
from minkang.gateways.cda.mapping.statements import about, builds, numbers, people, refused, rest, status_of
from minkang.gateways.cda.mapping.tables import codes
from minkang.gateways.cda.wire import Element


@builds("request")
def request(draft: Draft, e: Element, context: Context) -> str:
    """An act that is intended, ordered, proposed or promised."""
    text = e.first("text")
    words = draft.referred(text) if text is not None else ""
    found = list(e.all("value"))
    made = draft.add(
        "ServiceRequest",
        (context.section, *(n["value"] for n in numbers(e)[:1])),
        extension=[
            *about(draft, e, context),
            *(one for each in found for one in kept("value", **value(draft, each)) if value(draft, each)),
            *kept("method", valueCodeableConcept=concept(draft, e.first("methodCode")) or {}),
        ],
        identifier=numbers(e),
        status=codes("request-status", status_of(e)) or "active",
        intent=codes("intent", e.get("moodCode")) or "plan",
        doNotPerform=True if refused(e) else None,
        code=concept(draft, e.first("code")) or {"text": words or context.title or e.name},
        subject={"reference": draft.patient},
        encounter={"reference": draft.encounter} if draft.encounter else None,
        **when(draft, e.first("effectiveTime"), "occurrenceDateTime", "occurrencePeriod"),
        authoredOn=spoken(draft, e)[1] or context.time,
        requester=next((one for one in people(draft, e, context) if one.get("type") == "Practitioner"), None),
        bodySite=[site for one in e.all("targetSiteCode") if (site := concept(draft, one))],
        note=[{"text": words}] if words else None,
    )
    rest(draft, e, context, made)
    return made


_DETAILS = (
    *("detailQuantity", "detailRange", "detailCodeableConcept"),
    *("detailString", "detailBoolean", "detailInteger"),
)


@builds("goal")
def goal(draft: Draft, e: Element, context: Context) -> str:
    code = concept(draft, e.first("code"))
    text = e.first("text")
    words = draft.referred(text) if text is not None else ""
    measure = next((found for one in e.all("value") if (found := value(draft, one))), {})
    detail = {name.replace("value", "detail"): one for name, one in measure.items()}
    target = present(measure=code, **{name: one for name, one in detail.items() if name in _DETAILS})
    made = draft.add(
        "Goal",
        (context.section, *(n["value"] for n in numbers(e)[:1])),
        extension=about(draft, e, context),
        identifier=numbers(e),
        lifecycleStatus="active" if status_of(e) in ("active", "") else "completed",
        description=code or {"text": words or context.title},
        subject={"reference": draft.patient},
        startDate=(moment(draft, e.first("effectiveTime")) or "")[:10],
        target=[target] if len(target) > 1 or code else None,
        expressedBy=next((one for one in people(draft, e, context) if one.get("type") == "Practitioner"), None),
        note=[{"text": words}] if words else None,
    )
    rest(draft, e, context, made)
    return made


@grouped("order")
def order(draft: Draft, group: Gathered, context: Context) -> str:
    """医嘱: its kind and its words; drugs are ordered as MedicationRequest, everything else as ServiceRequest."""
    words, kind = group.words(draft, "content"), group.concept(draft, "kind")
    if not words:
        return ""
    e = group.parts.get("content") or group.first
    number = group.words(draft, "number")
    author = next((one for one in performers(draft, e, "author") if one.get("type") == "Practitioner"), None)
    shared: Tree = {
        "extension": [
            *about(draft, e, context),
            *kept("kind", valueCodeableConcept=kind or {}),
            *kept("state", valueString=group.words(draft, "state")),
            *kept("group", valueString=group.words(draft, "group")),
        ],
        "identifier": [{"system": "urn:oid:2.16.156.10011.1.24", "value": number}] if number else None,
        "status": "active",
        "intent": "order",
        "subject": {"reference": draft.patient},
        "encounter": {"reference": draft.encounter} if draft.encounter else None,
        "authoredOn": spoken(draft, e)[1] or context.time,
        "requester": author,
        "note": [{"text": note}] if (note := group.words(draft, "note")) else None,
    }
    codes_ = [one.get("code", "") for one in (kind or {}).get("coding", ())]
    names = (context.section, words)
    if any(codes("order-kind", one) == "medication" for one in codes_):
        return draft.add("MedicationRequest", names, **shared, medicationCodeableConcept={"text": words})
    doers = [one for one in performers(draft, e, "performer") if one.get("type") == "Practitioner"]
    return draft.add(
        "ServiceRequest",
        names,
        **shared,
        category=[kind] if kind else None,
        code={"text": words},
        **when(draft, e.first("effectiveTime"), "occurrenceDateTime", "occurrencePeriod"),
        performer=doers,
    )


@grouped("planned-procedure")
def planned(draft: Draft, group: Gathered, context: Context) -> str:
    """拟实施手术: code, name, site, when, under which anaesthesia."""
    words, code = group.words(draft, "name"), group.concept(draft, "code")
    if not words and not code:
        return ""
    site = group.concept(draft, "site") or ({"text": told} if (told := group.words(draft, "site")) else None)
    return draft.add(
        "ServiceRequest",
        (context.section, "planned", words),
        extension=[
            *(kept("within", valueReference={"reference": context.within}) if context.within else []),
            *kept("anaesthesia", valueCodeableConcept=group.concept(draft, "anaesthesia") or {}),
        ],
        status="active",
        intent="plan",
        code=present(coding=(code or {}).get("coding"), text=words or (code or {}).get("text")),
        subject={"reference": draft.patient},
        encounter={"reference": draft.encounter} if draft.encounter else None,
        occurrenceDateTime=group.value(draft, "date").get("valueDateTime"),
        authoredOn=context.time,
        bodySite=[site] if site else None,
    )
