"""Drugs to MedicationRequest, MedicationStatement and Immunization."""

from __future__ import annotations

from typing import Any

from minkang.gateways.cda.mapping.datatypes import concept, measured, moment, number, period, quantity, span, when
from minkang.gateways.cda.mapping.draft import Context, Draft, Tree, kept, present
from minkang.gateways.cda.mapping.groups import Gathered, grouped
from minkang.gateways.cda.mapping.people import organization, spoken
from minkang.gateways.cda.mapping.statements import about, builds, numbers, people, refused, rest, status_of
from minkang.gateways.cda.mapping.tables import codes
from minkang.gateways.cda.wire import Element

PRESCRIPTIONS = frozenset({"C0004", "C0005", "C0052"})
"""Documents that order drugs; others tell what was used."""

VACCINATIONS = "11369-6"
"""The section whose substances are vaccines."""

_DRUG_WORDS = ("strength", "usage", "preparation", "form", "reaction", "total")


def _material(e: Element) -> Element | None:
    product = e.down("consumable", "manufacturedProduct") or e.down("product", "manufacturedProduct")
    if product is None:
        return None
    return product.first("manufacturedMaterial") or product.first("manufacturedLabeledDrug")


def drug_of(draft: Draft, e: Element) -> Tree | None:
    """What was given: the code of the material, with its name."""
    material = _material(e)
    if material is None:
        return None
    found = concept(draft, material.first("code"))
    named = material.first("name")
    words = named.words().strip() if named is not None else ""
    if found is None:
        return {"text": words} if words else None
    return found | ({"text": words} if words and "text" not in found else {})


def _maker(draft: Draft, e: Element) -> list[Tree]:
    product = e.down("consumable", "manufacturedProduct") or e.down("product", "manufacturedProduct")
    house = organization(draft, product.first("manufacturerOrganization")) if product is not None else None
    return kept("manufacturer", valueReference=house or {})


def dosage(draft: Draft, e: Element) -> Tree:
    """Route, dose, rate and timing of a substanceAdministration."""
    times = list(e.all("effectiveTime"))
    text = e.first("text")
    dose, rate = e.first("doseQuantity"), e.first("rateQuantity")
    amount = present(
        doseQuantity=quantity(draft, dose),
        doseRange=span(draft, dose) if dose is not None and not dose.get("value") else None,
        rateQuantity=quantity(draft, rate),
    )
    form = e.first("administrationUnitCode")
    return present(
        text=draft.referred(text) if text is not None else "",
        timing=_timing(draft, times),
        asNeededBoolean=True if e.first("precondition") is not None else None,
        site=concept(draft, e.first("approachSiteCode")),
        route=concept(draft, e.first("routeCode")),
        doseAndRate=[amount] if amount else None,
        extension=kept("form", valueCodeableConcept=(concept(draft, form) or {}) if form is not None else {}),
    )


def _timing(draft: Draft, times: list[Element]) -> Tree:
    """IVL_TS to bounds, PIVL_TS to how often, EIVL_TS to an event in words."""
    repeat: dict[str, Any] = {}
    code: Tree | None = None
    for one in times:
        every = one.first("period")
        bounds = period(draft, one)
        if bounds:
            repeat.setdefault("boundsPeriod", bounds)
        if every is not None and (found := quantity(draft, every)):
            unit = found.get("code", "")
            if unit in ("s", "min", "h", "d", "wk", "mo", "a"):
                repeat |= {"frequency": 1, "period": found["value"], "periodUnit": unit}
        event = one.first("event")
        if event is not None and event.get("code"):
            code = {"text": event.get("code")}
    return present(repeat=repeat, code=code)


@builds("substanceAdministration")
def administration(draft: Draft, e: Element, context: Context) -> str:
    """A medication activity: planned ones are requests, the others statements of use."""
    drug = drug_of(draft, e)
    mood = e.get("moodCode") or "EVN"
    material = _material(e)
    shared: dict[str, Any] = {
        "extension": [
            *about(draft, e, context, skip=("approachSiteCode", "administrationUnitCode")),
            *_maker(draft, e),
            *kept("code", valueCodeableConcept=concept(draft, e.first("code")) or {}),
            *kept("lot", valueString=_words(material, "lotNumberText")),
        ],
        "identifier": numbers(e),
        "medicationCodeableConcept": drug or {"text": "?"},
        "subject": {"reference": draft.patient},
    }
    names = (context.section, *(n["value"] for n in numbers(e)[:1]))
    inside = {"reference": draft.encounter} if draft.encounter else None
    if mood in ("INT", "RQO", "PRP", "PRMS"):
        who = [one for one in people(draft, e, context) if one.get("type") in ("Practitioner", "Organization")]
        made = draft.add(
            "MedicationRequest",
            names,
            **shared,
            status=codes("medication-status", status_of(e)) or "active",
            intent="order" if mood == "RQO" else "plan",
            doNotPerform=True if refused(e) else None,
            encounter=inside,
            authoredOn=spoken(draft, e)[1] or context.time,
            requester=who[0] if who else None,
            dosageInstruction=[found] if (found := dosage(draft, e)) else None,
        )
    else:
        first = e.first("effectiveTime")
        made = draft.add(
            "MedicationStatement",
            names,
            **shared,
            status="not-taken" if refused(e) else codes("statement-status", status_of(e)) or "unknown",
            context=inside,
            **when(draft, first, "effectiveDateTime", "effectivePeriod"),
            dateAsserted=spoken(draft, e)[1] or context.time,
            dosage=[found] if (found := dosage(draft, e)) else None,
        )
    rest(draft, e, context, made)
    return made


def _words(e: Element | None, name: str) -> str:
    found = e.first(name) if e is not None else None
    return found.words().strip() if found is not None else ""


@grouped("administration")
def prescribed(draft: Draft, group: Gathered, context: Context) -> str:
    """A substanceAdministration of a Chinese document with the data elements inside it."""
    e = group.first
    if context.section == VACCINATIONS:
        return immunization(draft, e, context)
    drug = drug_of(draft, e) or ({"text": words} if (words := group.words(draft, "name")) else None)
    return _drug(
        draft, group, context, drug, dosage(draft, e), about(draft, e, context, skip=("administrationUnitCode",))
    )


@grouped("drug")
def drug(draft: Draft, group: Gathered, context: Context) -> str:
    """A drug by its name alone, as a row of data elements."""
    words, coded = group.words(draft, "name"), group.concept(draft, "name")
    around = kept("within", valueReference={"reference": context.within}) if context.within else []
    label = kept("element", valueString=group.element("name"))
    return _drug(draft, group, context, coded or ({"text": words} if words else None), {}, [*around, *label])


def _drug(draft: Draft, group: Gathered, context: Context, what: Tree | None, dose: Tree, extension: list[Tree]) -> str:
    if what is None and not dose:
        return ""
    order = draft.kind is not None and draft.kind.code in PRESCRIPTIONS
    extension = [*extension, *(one for name in _DRUG_WORDS for one in _detail(draft, group, name))]
    found = _dosed(draft, group, dose)
    time_ = group.moment(draft) or moment(draft, group.first.first("effectiveTime")) or context.time
    who = [one for one in group.people(draft) if one.get("type") == "Practitioner"]
    names = (context.section, (what or {}).get("text", "") or (what or {}).get("coding", [{}])[0].get("code", ""))
    shared: dict[str, Any] = {
        "extension": extension,
        "identifier": numbers(group.first) if group.holder is not None else None,
        "medicationCodeableConcept": what or {"text": "?"},
        "subject": {"reference": draft.patient},
    }
    inside = {"reference": draft.encounter} if draft.encounter else None
    if order:
        return draft.add(
            "MedicationRequest",
            names,
            **shared,
            status="active",
            intent="order",
            encounter=inside,
            authoredOn=time_,
            requester=who[0] if who else None,
            dosageInstruction=[found] if found else None,
        )
    return draft.add(
        "MedicationStatement",
        names,
        **shared,
        status="completed",
        context=inside,
        effectiveDateTime=time_,
        dosage=[found] if found else None,
    )


def _detail(draft: Draft, group: Gathered, name: str) -> list[Tree]:
    coded = group.concept(draft, name)
    if coded:
        return kept(name, valueCodeableConcept=coded)
    value = group.value(draft, name)
    if "valueQuantity" in value:
        return kept(name, valueQuantity=value["valueQuantity"])
    return kept(name, valueString=group.words(draft, name))


def _dosed(draft: Draft, group: Gathered, dose: Tree) -> Tree:
    """The dosage with what the data elements inside add: usage, how often, how much."""
    often = group.concept(draft, "frequency") or _text(group.words(draft, "frequency"))
    route = group.concept(draft, "route") or _text(group.words(draft, "route"))
    amount = number(group.words(draft, "dose"))
    unit = group.words(draft, "dose-unit")
    rated = dose.get("doseAndRate")
    if rated and unit and "doseQuantity" in rated[0] and "unit" not in rated[0]["doseQuantity"]:
        rated = [rated[0] | {"doseQuantity": measured(rated[0]["doseQuantity"]["value"], unit)}]
    if not rated and amount is not None:
        rated = [{"doseQuantity": measured(amount, unit)}]
    timing = dose.get("timing", {}) | present(code=often)
    told = rated[0].get("doseQuantity", {}).get("unit") if rated else ""
    extension = kept("dose-unit", valueString=unit) if unit and unit != told else []
    return dose | present(
        text=dose.get("text") or group.words(draft, "usage"),
        timing=timing,
        route=dose.get("route") or route,
        doseAndRate=rated,
        extension=[*dose.get("extension", []), *extension],
    )


def _text(words: str) -> Tree | None:
    return {"text": words} if words else None


@builds("immunization")
def immunization(draft: Draft, e: Element, context: Context) -> str:
    """A vaccination that was given, refused, or is planned."""
    material = _material(e)
    planned = (e.get("moodCode") or "EVN") != "EVN"
    time_ = moment(draft, e.first("effectiveTime"))
    house = organization(draft, e.down("consumable", "manufacturedProduct", "manufacturerOrganization"))
    who = [one for one in people(draft, e, context) if one.get("type") in ("Practitioner", "Organization")]
    made = draft.add(
        "Immunization",
        (context.section, *(n["value"] for n in numbers(e)[:1])),
        extension=[
            *about(draft, e, context, skip=("approachSiteCode", "administrationUnitCode")),
            *kept("code", valueCodeableConcept=concept(draft, e.first("code")) or {}),
            *kept("form", valueCodeableConcept=concept(draft, e.first("administrationUnitCode")) or {}),
            *kept("planned", valueBoolean=True if planned else None),
        ],
        identifier=numbers(e),
        status="not-done" if refused(e) or planned else "completed",
        vaccineCode=drug_of(draft, e) or {"text": "?"},
        patient={"reference": draft.patient},
        encounter={"reference": draft.encounter} if draft.encounter else None,
        **({"occurrenceDateTime": time_} if time_ else {"occurrenceString": "unknown"}),
        manufacturer=house,
        lotNumber=_words(material, "lotNumberText"),
        site=concept(draft, e.first("approachSiteCode")),
        route=concept(draft, e.first("routeCode")),
        doseQuantity=quantity(draft, e.first("doseQuantity")),
        performer=[{"actor": one} for one in who],
    )
    rest(draft, e, context, made)
    return made
