"""observation and organizer to Observation and DiagnosticReport."""

from __future__ import annotations

from minkang.gateways.cda.mapping.datatypes import concept, measured, moment, number, quantity, value, when
from minkang.gateways.cda.mapping.draft import Context, Draft, Tree, kept, present
from minkang.gateways.cda.mapping.groups import Gathered, element_of, grouped
from minkang.gateways.cda.mapping.statements import (
    about,
    builds,
    numbers,
    people,
    refused,
    rest,
    status_of,
    take,
    within,
)
from minkang.gateways.cda.mapping.statements import inner as inside
from minkang.gateways.cda.mapping.tables import codes, loinc
from minkang.gateways.cda.wire import Element

_CATEGORY = "http://terminology.hl7.org/CodeSystem/observation-category"
_LOINC = "http://loinc.org"
_VALUES = ("valueString", "valueBoolean", "valueInteger", "valueDateTime", "valueQuantity", "valueCodeableConcept")


@builds("observation", "procedure-observation")
def observation(draft: Draft, e: Element, context: Context) -> str:
    """One Observation; nothing when it says nothing (an empty template)."""
    values = [found for one in e.all("value") if (found := value(draft, one))]
    text = e.first("text")
    words = draft.referred(text) if text is not None else ""
    nested = next(inside(e), None) is not None
    if not values and not words and not (_says(draft, e) or nested):
        return ""
    made = _add(draft, e, context, values, words)
    rest(draft, e, context, made)
    return made


def _says(draft: Draft, e: Element) -> bool:
    """A code may be all there is (ASSERTION of nothing): only in documents whose codes are no mere labels."""
    return not draft.kind and concept(draft, e.first("code")) is not None


def _add(draft: Draft, e: Element, context: Context, values: list[Tree], words: str) -> str:
    element = element_of(e)
    first = values[0] if values else {}
    more = [kept("value", **{key: one[key]}) for one in values[1:] for key in one if key in _VALUES]
    return draft.add(
        "Observation",
        (context.section, element or "", *(n["value"] for n in numbers(e)[:1])),
        extension=[
            *about(draft, e, context),
            *(one for group in more for one in group),
            *kept("refused", valueBoolean=True if refused(e) else None),
            *kept("bodySite", valueCodeableConcept=second_site(draft, e)),
        ],
        identifier=numbers(e),
        status=codes("observation-status", status_of(e)) or "final",
        category=category(context),
        code=code_of(draft, e, context),
        subject={"reference": draft.patient},
        encounter={"reference": draft.encounter} if draft.encounter else None,
        **effective(draft, e, context),
        performer=[one for one in people(draft, e, context) if one.get("type") != "Device"],
        interpretation=[found for one in e.all("interpretationCode") if (found := concept(draft, one))],
        bodySite=concept(draft, e.first("targetSiteCode")),
        note=[{"text": words}] if words and words != first.get("valueString") else None,
        referenceRange=_ranges(draft, e),
        **first,
    )


def second_site(draft: Draft, e: Element) -> Tree:
    sites = list(e.all("targetSiteCode"))
    return (concept(draft, sites[1]) or {}) if len(sites) > 1 else {}


def category(context: Context) -> list[Tree]:
    return [{"coding": [{"system": _CATEGORY, "code": context.category}]}] if context.category else []


def code_of(draft: Draft, e: Element, context: Context) -> Tree:
    """The statement's code, with LOINC's where the data element has one; without any, the section's title."""
    found = concept(draft, e.first("code"))
    if found is None:
        return {"text": context.title or context.section or e.name}
    known = loinc().get(element_of(e))
    if known is not None:
        found["coding"] = [{"system": _LOINC, "code": known[0], "display": known[1]}, *found.get("coding", [])]
    return found


def effective(draft: Draft, e: Element, context: Context) -> Tree:
    """When it was so: as the statement says, else as what is around it says."""
    found = when(draft, e.first("effectiveTime"), "effectiveDateTime", "effectivePeriod")
    return found or present(effectiveDateTime=context.time)


def _ranges(draft: Draft, e: Element) -> list[Tree]:
    found: list[Tree] = []
    for one in e.all("referenceRange"):
        range_ = one.first("observationRange")
        if range_ is None:
            continue
        text, interval = range_.first("text"), range_.first("value")
        low = quantity(draft, interval.first("low")) if interval is not None else None
        high = quantity(draft, interval.first("high")) if interval is not None else None
        words = draft.referred(text) if text is not None else ""
        if interval is not None and not low and not high:
            words = words or interval.words().strip()
        part = present(low=low, high=high, text=words)
        if part:
            found.append(part)
    return found


@builds("panel", "organizer")
def panel(draft: Draft, e: Element, context: Context) -> str:
    """An organizer with a code is an Observation of its members; without, its members alone."""
    people_inside = context.inside("", moment(draft, e.first("effectiveTime")))
    code = concept(draft, e.first("code"))
    if code is None:
        within(draft, e, people_inside)
        return ""
    made = draft.add(
        "Observation",
        (context.section, "organizer", *(n["value"] for n in numbers(e)[:1])),
        extension=about(draft, e, context),
        identifier=numbers(e),
        status=codes("observation-status", status_of(e)) or "final",
        category=category(context),
        code=code,
        subject={"reference": draft.patient},
        encounter={"reference": draft.encounter} if draft.encounter else None,
        **effective(draft, e, context),
        performer=[one for one in people(draft, e, context) if one.get("type") != "Device"],
    )
    _members(draft, e, people_inside, made, "hasMember", ("Observation",))
    return made


@builds("results")
def results(draft: Draft, e: Element, context: Context) -> str:
    """A result organizer to DiagnosticReport."""
    made = draft.add(
        "DiagnosticReport",
        (context.section, *(n["value"] for n in numbers(e)[:1])),
        extension=about(draft, e, context),
        identifier=numbers(e),
        status=codes("observation-status", status_of(e)) or "final",
        code=concept(draft, e.first("code")) or {"text": context.title or context.section},
        subject={"reference": draft.patient},
        encounter={"reference": draft.encounter} if draft.encounter else None,
        **effective(draft, e, context),
        performer=[one for one in people(draft, e, context) if one.get("type") != "Device"],
    )
    _members(draft, e, context.inside("", moment(draft, e.first("effectiveTime"))), made, "result", ("Observation",))
    return made


def _members(draft: Draft, e: Element, context: Context, made: str, name: str, kinds: tuple[str, ...]) -> None:
    """What is inside as members where the element allows its type, else as parts."""
    members: list[Tree] = []
    for child in inside(e):
        for one in take(draft, child, context):
            if one.split("/")[0] in kinds:
                members.append({"reference": one})
            else:
                extensions = draft.resources[one].setdefault("extension", [])
                extensions[:0] = kept("within", valueReference={"reference": made})
    if members:
        draft.resources[made][name] = members


@grouped("blood-pressure")
def blood_pressure(draft: Draft, group: Gathered, context: Context) -> str:
    """Systolic and diastolic pressure as http://hl7.org/fhir/R4/bp.html has them."""
    parts = [
        present(code=code_of(draft, e, context)) | found
        for name in ("systolic", "diastolic")
        if (e := group.parts.get(name)) is not None and (found := group.value(draft, name))
    ]
    if not parts:
        return ""
    e = group.first
    return draft.add(
        "Observation",
        (context.section, "blood-pressure"),
        extension=kept("within", valueReference={"reference": context.within}) if context.within else [],
        status="final",
        category=category(context),
        code={"coding": [{"system": _LOINC, "code": "85354-9", "display": "Blood pressure panel"}], "text": "血压"},
        subject={"reference": draft.patient},
        encounter={"reference": draft.encounter} if draft.encounter else None,
        **effective(draft, e, context),
        performer=[one for one in people(draft, e, context) if one.get("type") != "Device"],
        component=parts,
    )


@grouped("result")
def result(draft: Draft, group: Gathered, context: Context) -> str:
    """One item of a laboratory or imaging report: code, name, value, unit, judgement, specimen."""
    code, name = group.words(draft, "code"), group.words(draft, "name")
    coded = group.concept(draft, "code") or group.concept(draft, "name")
    if not (code or name or coded):
        return ""
    e = group.first
    source = group.element("code") or group.element("name")
    labels = group.labels(draft, "code", "name")
    own = coded.get("coding", []) if coded else []
    if not own and code and name:
        own = [{"system": f"urn:oid:2.16.156.10011.2.2.1#{source}", "code": code, "display": name}]
    return draft.add(
        "Observation",
        (context.section, "result", code or name),
        extension=[
            *about(draft, e, context),
            *(one for label in labels for one in kept("element", valueCodeableConcept=label)),
        ],
        status="final",
        category=category(context) or category(Context(category="laboratory")),
        code=present(coding=own, text=name or code),
        subject={"reference": draft.patient},
        encounter={"reference": draft.encounter} if draft.encounter else None,
        **effective(draft, e, context),
        performer=[one for one in people(draft, e, context) if one.get("type") != "Device"],
        specimen=_specimen(draft, group, context),
        interpretation=[found] if (found := group.concept(draft, "interpretation")) else None,
        **_measured(draft, group),
    )


def _measured(draft: Draft, group: Gathered) -> Tree:
    e = group.parts.get("value")
    e = e.first("value") if e is not None else None
    if e is None:
        return {}
    raw = e.get("value") or e.words().strip()
    found = number(raw)
    unit = e.get("unit") or group.words(draft, "unit")
    if found is None:
        return present(valueString=f"{raw} {unit}".strip())
    return {"valueQuantity": measured(found, unit)}


def _specimen(draft: Draft, group: Gathered, context: Context) -> Tree | None:
    """标本类别 with the times of collection and receipt as low and high."""
    e = group.parts.get("specimen")
    words, coded = group.words(draft, "specimen"), group.concept(draft, "specimen")
    if e is None or not (words or coded):
        return None
    time = e.first("effectiveTime")
    low = moment(draft, time.first("low")) if time is not None else None
    high = moment(draft, time.first("high")) if time is not None else None
    state = group.words(draft, "condition")
    made = draft.add(
        "Specimen",
        (context.section, words),
        type=coded or {"text": words},
        subject={"reference": draft.patient},
        receivedTime=high,
        collection=present(collectedDateTime=low or (moment(draft, time) if time is not None else None)),
        condition=[{"text": state}] if state else None,
        note=[{"text": fixed}] if (fixed := group.words(draft, "fixative")) else None,
    )
    return {"reference": made}


def report(draft: Draft, kind: str, identifiers: list[Tree], title: str, made: list[str], time: str | None) -> str:
    """The DiagnosticReport that a whole document is (检查报告, 检验报告)."""
    people_ = draft.resources[draft.composition].get("author", [])
    scheme = "http://terminology.hl7.org/CodeSystem/v2-0074"
    found = [one for one in made if one.startswith("Observation/")]
    return draft.add(
        "DiagnosticReport",
        ("report",),
        identifier=identifiers,
        status="final",
        category=[{"coding": [{"system": scheme, "code": kind}]}],
        code={"text": title},
        subject={"reference": draft.patient},
        encounter={"reference": draft.encounter} if draft.encounter else None,
        effectiveDateTime=time,
        performer=[one for one in people_ if one.get("type") in ("Practitioner", "Organization")],
        result=[{"reference": one} for one in found],
        conclusion=_conclusion(draft),
    )


def _conclusion(draft: Draft) -> str:
    told = [e for (kind, _), e in draft.facts.items() if kind == "DiagnosticReport"]
    return "\n".join(words for e in told if (one := e.first("value")) is not None and (words := draft.referred(one)))
