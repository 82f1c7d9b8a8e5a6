"""Resources to the entries of a Chinese shared document, by the data elements they came from or belong to.

The inverse of `mapping/groups.py` and `mapping/targets`: the same tables say which element plays which part.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

from minkang.gateways.cda.mapping.draft import Tree
from minkang.gateways.cda.mapping.kinds import kinds
from minkang.gateways.cda.mapping.tables import Group, fields, groups, loinc
from minkang.gateways.cda.mapping.writing.markup import (
    code,
    concept,
    identifier,
    interval,
    kept,
    kept_value,
    quantity,
    tag,
    time,
    value,
    when,
    words,
)
from minkang.gateways.cda.mapping.writing.people import author, performer

ELEMENTS = "2.16.156.10011.2.2.1"

Writer = Callable[[Tree, list[str], Mapping[str, Tree]], str]
"""A resource, the entries that stand inside of it, and all resources by reference; to XML. Empty: it has no entry."""


@cache
def element_names() -> dict[str, str]:
    found: dict[str, str] = {}
    for kind in kinds():
        for rows in fields(kind.code).values():
            for row in rows:
                found.setdefault(row.id, row.name)
    return found


def element(id: str, held: str, *inside: str, named: str = "", before: str = "", after: str = "") -> str:
    """An observation of a data element; `held`: its value. Nothing where there is neither value nor anything inside."""
    if not held and not inside:
        return ""
    what = tag("code", code=id, displayName=named or element_names().get(id, ""), codeSystem=ELEMENTS)
    nested = "".join(inside)
    return tag("observation", what, before, held, after, nested, classCode="OBS", moodCode="EVN")


def related(entry: str) -> str:
    return tag("entryRelationship", entry, typeCode="COMP") if entry else ""


def cluster(*entries: str, kind: str = "CLUSTER") -> str:
    parts = "".join(tag("component", one) for one in entries if one)
    return tag("organizer", tag("statusCode", code="completed"), parts, classCode=kind, moodCode="EVN") if parts else ""


@cache
def _group(name: str) -> Group:
    return next(one for one in groups() if one.name == name)


@cache
def _element(group: str, part: str) -> str:
    """The first data element of a part."""
    return next(id for id, one in _group(group).parts.items() if one == part)


def _group_of(element_id: str, *names: str) -> str:
    return next((name for name in names if element_id in _group(name).parts), names[0])


def entry(tree: Tree, inside: list[str], all_: Mapping[str, Tree]) -> str:
    """One resource with what stands inside of it."""
    writer = _WRITERS.get(tree["resourceType"])
    return writer(tree, inside, all_) if writer is not None else ""


def _own_code(tree: Tree) -> str:
    """The data element of an Observation, by its coding or by the LOINC code that means the same."""
    concept_ = tree.get("code", {})
    codings = concept_.get("coding", [])
    chinese = [one for one in codings if one.get("system", "").startswith("urn:oid:2.16.156.10011.2")]
    text = concept_.get("text", "")
    if chinese:
        label = tag("qualifier", tag("name", displayName=text)) if text and text != chinese[0].get("display") else ""
        return code("code", chinese[0], label)
    for one in codings:
        id = next((id for id, (known, _) in loinc().items() if known == one.get("code")), "")
        if id and one.get("system") == "http://loinc.org":
            return tag("code", code=id, displayName=element_names().get(id, ""), codeSystem=ELEMENTS)
    return concept("code", concept_)


def _observation(tree: Tree, inside: list[str], all_: Mapping[str, Tree]) -> str:
    parts = tree.get("component", [])
    if parts:
        return cluster(*(_component(tree, one) for one in parts), *inside, kind="BATTERY")
    if kept(tree, "element"):
        return _result(tree, inside, all_)
    body = [
        *(identifier("id", one) for one in tree.get("identifier", ())),
        _own_code(tree),
        *(words("text", one["text"]) for one in tree.get("note", ())),
        when(tree, "effectiveTime", "effectiveDateTime", "effectivePeriod"),
        value(tree),
        *(concept("interpretationCode", one) for one in tree.get("interpretation", ())),
        concept("targetSiteCode", tree.get("bodySite")),
        *(performer(one) for one in tree.get("performer", ())),
        *map(related, inside),
    ]
    return tag("observation", *body, classCode="OBS", moodCode="EVN")


def _component(tree: Tree, part: Tree) -> str:
    moment = when(tree, "effectiveTime", "effectiveDateTime", "effectivePeriod")
    return tag("observation", _own_code(part), moment, value(part), classCode="OBS", moodCode="EVN")


def _result(tree: Tree, inside: list[str], all_: Mapping[str, Tree]) -> str:
    """检验项目: code and name, judgement, number with unit; the specimen inside the code."""
    codings = tree["code"].get("coding", [])
    text = tree["code"].get("text", "")
    own = [one for one in codings if "#" in one.get("system", "")]
    coded = own[0]["code"] if own else "" if codings else text
    held = value({"valueString": coded}) if coded else value({"valueCodeableConcept": tree["code"]})
    moment = when(tree, "effectiveTime", "effectiveDateTime", "effectivePeriod")
    specimen = all_.get(tree.get("specimen", {}).get("reference", ""))
    nested = related(_specimen(specimen)) if specimen else ""
    number = tree.get("valueQuantity", {})
    unit = number.get("unit", "")
    plain = {"valueQuantity": {"value": number["value"]}} if number else {"valueString": tree.get("valueString", "")}
    measured = related(element(_element("result", "unit"), value({"valueString": unit}))) if unit else ""
    judged = [{"valueCodeableConcept": one} for one in tree.get("interpretation", ())]
    return cluster(
        element(_element("result", "code"), held, nested, before=moment),
        element(_element("result", "name"), value({"valueString": text}) if own and text else ""),
        *(element(_element("result", "interpretation"), value(one)) for one in judged),
        element(_element("result", "value"), value(plain), *([measured] if measured else [])),
        *inside,
    )


def _specimen(tree: Tree) -> str:
    taken = tree.get("collection", {}).get("collectedDateTime")
    period = interval("effectiveTime", {"start": taken, "end": tree.get("receivedTime")})
    held = value(
        {"valueCodeableConcept": tree["type"]} if tree["type"].get("coding") else {"valueString": tree["type"]["text"]}
    )
    state = next((one.get("text", "") for one in tree.get("condition", ())), "")
    note = next((one.get("text", "") for one in tree.get("note", ())), "")
    inside = [
        related(element(_element("result", part), value({"valueString": said})))
        for part, said in (("condition", state), ("fixative", note))
        if said
    ]
    return element(_element("result", "specimen"), held, *inside, before=period)


def _condition(tree: Tree, inside: list[str], _: Mapping[str, Tree]) -> str:
    id = next(iter(kept(tree, "element-id")), "")
    codings = tree["code"].get("coding", [])
    chinese = any(one.get("system", "").endswith("2.3.3.14") for one in codings)
    name = _group_of(id, "tcm-diagnosis" if chinese else "diagnosis", "diagnosis", "tcm-diagnosis", "past-disease")
    parts = set(_group(name).parts.values())
    text = tree["code"].get("text", "")
    moment = time("effectiveTime", tree.get("recordedDate"))
    details = {
        "rank": kept_value(tree, "rank"),
        "outcome": kept_value(tree, "outcome"),
        "on-admission": kept_value(tree, "on-admission"),
    }
    asserted = tree.get("asserter")
    role = next(iter(kept(tree, "element")), "")
    coded = {"coding": codings} if codings else {}
    cause = id if id in _group(name).parts and _group(name).parts[id] == "code" else ""
    return cluster(
        element(_element(name, "name"), value({"valueString": text}), named=role, before=moment)
        if "name" in parts
        else "",
        element(
            cause or _element(name, "code"),
            value({"valueCodeableConcept": coded}) if coded else "",
            named=role,
            before=moment,
            after=performer(asserted) if asserted else "",
        ),
        *(element(_element(name, part), value(held)) for part, held in details.items() if held and part in parts),
        *inside,
    )


def _allergy(tree: Tree, inside: list[str], _: Mapping[str, Tree]) -> str:
    flag = kept_value(tree, "flag")
    denied = tree.get("verificationStatus", {}).get("coding", [{}])[0].get("code") == "refuted"
    said = value(
        {"valueCodeableConcept": tree["code"]}
        if tree["code"].get("coding")
        else {"valueString": tree["code"].get("text", "")}
    )
    name = related(element(_element("allergy", "name"), said))
    return element(
        _element("allergy", "flag"), value(flag or {"valueBoolean": not denied}), name, *map(related, inside)
    )


def _procedure(tree: Tree, inside: list[str], _: Mapping[str, Tree]) -> str:
    text = tree.get("code", {}).get("text", "")
    codings = tree.get("code", {}).get("coding", [])
    details = ("site", "anaesthesia", "level", "wound", "healing", "device", "description")
    rows = [related(element(_element("procedure", "name"), value({"valueString": text}))) if text and codings else ""]
    rows += [
        related(element(_element("procedure", part), value(held)))
        for part in details
        if (held := kept_value(tree, part))
    ]
    sites = [
        {"valueCodeableConcept": one} if one.get("coding") else {"valueString": one.get("text", "")}
        for one in tree.get("bodySite", ())
    ]
    rows += [related(element(_element("procedure", "site"), value(one))) for one in sites]
    return tag(
        "procedure",
        *(identifier("id", one) for one in tree.get("identifier", ())),
        concept("code", {"coding": codings} if codings else {"text": text}),
        tag("statusCode", code="completed"),
        when(tree, "effectiveTime", "performedDateTime", "performedPeriod"),
        *(performer(one["actor"], one.get("function")) for one in tree.get("performer", ())),
        *rows,
        *map(related, inside),
        classCode="PROC",
        moodCode="EVN",
    )


_DRUG = ("usage", "form", "strength", "total", "preparation", "reaction", "dose-unit")


def _medication(tree: Tree, inside: list[str], all_: Mapping[str, Tree]) -> str:
    if kept(tree, "kind"):
        return _order(tree, inside, all_)
    dose = next(iter(tree.get("dosageInstruction", tree.get("dosage", ()))), {})
    flat = next(iter(kept(tree, "element")), "")
    group = (
        _group_of(flat, "herbs" if flat and flat in _group("herbs").parts else "drug", "drug", "herbs")
        if flat
        else "administration"
    )
    parts = set(_group(group).parts.values())
    held = {part: kept_value(tree, part) or kept_value(dose, part) for part in _DRUG if part in parts}
    often = dose.get("timing", {}).get("code")
    if often and "frequency" in parts:
        held["frequency"] = (
            {"valueCodeableConcept": often} if often.get("coding") else {"valueString": often.get("text", "")}
        )
    rows = [related(element(_element(group, part), value(one))) for part, one in held.items() if one]
    what = tree["medicationCodeableConcept"]
    if flat:
        said = value({"valueCodeableConcept": what} if what.get("coding") else {"valueString": what.get("text", "")})
        return element(_element(group, "name"), said, *rows, *map(related, inside))
    return _administration(tree, what, dose, [*rows, *map(related, inside)])


def _administration(tree: Tree, what: Tree, dose: Tree, inside: list[str]) -> str:
    amount = next(iter(dose.get("doseAndRate", ())), {})
    codings = {"coding": what["coding"]} if what.get("coding") else None
    drug = tag("manufacturedLabeledDrug", concept("code", codings), words("name", what.get("text", "")))
    form = kept(dose, "form")
    return tag(
        "substanceAdministration",
        *(identifier("id", one) for one in tree.get("identifier", ())),
        words("text", dose.get("text", "")),
        concept("routeCode", dose.get("route")),
        quantity("doseQuantity", amount.get("doseQuantity")),
        quantity("rateQuantity", amount.get("rateQuantity")),
        *(concept("administrationUnitCode", one) for one in form),
        tag("consumable", tag("manufacturedProduct", drug)),
        *(author(one, tree.get("authoredOn")) for one in [tree.get("requester")] if one),
        *inside,
        classCode="SBADM",
        moodCode="EVN",
    )


def _order(tree: Tree, inside: list[str], _: Mapping[str, Tree]) -> str:
    """医嘱."""
    kind = kept_value(tree, "kind")
    content = tree.get("medicationCodeableConcept", {}).get("text") or tree.get("code", {}).get("text", "")
    moment = when(tree, "effectiveTime", "occurrenceDateTime", "occurrencePeriod")
    who = tree.get("requester")
    after = "".join(performer(one) for one in tree.get("performer", ())) + (
        author(who, tree.get("authoredOn")) if who else ""
    )
    number = next((one["value"] for one in tree.get("identifier", ())), "")
    note = next((one["text"] for one in tree.get("note", ())), "")
    details = {"note": note, "number": number} | {part: next(iter(kept(tree, part)), "") for part in ("state", "group")}
    rows = [
        related(element(_element("order", part), value({"valueString": one}))) for part, one in details.items() if one
    ]
    return cluster(
        element(_element("order", "kind"), value(kind)),
        element(_element("order", "content"), value({"valueString": content}), *rows, before=moment, after=after),
        *inside,
    )


def _request(tree: Tree, inside: list[str], all_: Mapping[str, Tree]) -> str:
    if kept(tree, "kind"):
        return _order(tree, inside, all_)
    codings = tree.get("code", {}).get("coding", [])
    site = next(iter(tree.get("bodySite", ())), {})
    spot = {"valueCodeableConcept": site} if site.get("coding") else {"valueString": site.get("text", "")}
    date = tree.get("occurrenceDateTime")
    group = "planned-procedure"
    return cluster(
        element(_element(group, "code"), value({"valueCodeableConcept": {"coding": codings}}) if codings else ""),
        element(_element(group, "name"), value({"valueString": tree.get("code", {}).get("text", "")})),
        element(_element(group, "site"), value(spot)) if site else "",
        element(_element(group, "date"), value({"valueDateTime": date})) if date else "",
        element(_element(group, "anaesthesia"), value(kept_value(tree, "anaesthesia"))),
        *inside,
    )


def _immunization(tree: Tree, inside: list[str], _: Mapping[str, Tree]) -> str:
    what = tree["vaccineCode"]
    codings = {"coding": what["coding"]} if what.get("coding") else None
    vaccine = tag(
        "manufacturedMaterial",
        concept("code", codings),
        words("name", what.get("text", "")),
        words("lotNumberText", tree.get("lotNumber", "")),
    )
    maker = words("name", tree.get("manufacturer", {}).get("display", ""))
    return tag(
        "substanceAdministration",
        time("effectiveTime", tree.get("occurrenceDateTime")),
        concept("routeCode", tree.get("route")),
        concept("approachSiteCode", tree.get("site")),
        quantity("doseQuantity", tree.get("doseQuantity")),
        tag("consumable", tag("manufacturedProduct", vaccine, tag("manufacturerOrganization", maker) if maker else "")),
        *(performer(one["actor"]) for one in tree.get("performer", ())),
        *map(related, inside),
        classCode="SBADM",
        moodCode="EVN",
    )


def fees(tree: Tree) -> list[str]:
    """An entry for each line of an Invoice."""
    return [_fee(line) for line in tree.get("lineItem", ())]


def _fee(line: Tree) -> str:
    amount: Any = line["priceComponent"][0]["amount"]
    money = {"value": amount["value"], "unit": "元", "system": "urn:iso:std:iso:4217"}
    code_ = concept("code", line.get("chargeItemCodeableConcept"))
    return tag("observation", code_, value({"valueQuantity": money}), classCode="OBS", moodCode="EVN")


_WRITERS: dict[str, Writer] = {
    "Observation": _observation,
    "Condition": _condition,
    "AllergyIntolerance": _allergy,
    "Procedure": _procedure,
    "MedicationRequest": _medication,
    "MedicationStatement": _medication,
    "ServiceRequest": _request,
    "Immunization": _immunization,
}
