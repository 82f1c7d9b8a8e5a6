"""OBR, OBX and NTE of a DiagnosticReport and its Observations."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from minkang.fhir.resource import Resource
from minkang.gateways.hl7v2.mapping.writing.fields import (
    Element,
    Line,
    back,
    codings,
    concept,
    concepts,
    joined,
    number,
    person,
    time,
)

_SECTION = "http://terminology.hl7.org/CodeSystem/v2-0074"
_FLAG = "http://terminology.hl7.org/CodeSystem/v3-ObservationInterpretation"


def report(tree: Resource, beside: Mapping[str, Resource]) -> Iterator[Line]:
    """Results stand in the order of the report; those that it names and nobody gave are left out."""
    obr = Line("OBR", {1: "1"})
    orders = [one["identifier"] for one in tree.get("basedOn", []) if "identifier" in one]
    obr.raw(2, number(next(iter(orders), None)))
    numbers = tree.get("identifier", []) or [{"system": "urn:x-minkang:id", "value": tree["id"]}]
    obr.raw(3, number(numbers[0]))
    obr.raw(4, concept(tree["code"]))
    obr.put(7, time(tree.get("effectiveDateTime") or tree.get("effectivePeriod", {}).get("start", "")))
    obr.put(22, time(tree.get("issued", "")))
    sections = [
        one["code"] for kind in tree.get("category", []) for one in codings(kind) if one.get("system") == _SECTION
    ]
    obr.put(24, next(iter(sections), ""))
    obr.put(25, back("report-status", tree["status"]))
    obr.raw(32, "~".join(person(one) for one in tree.get("resultsInterpreter", [])[:1]))
    yield obr
    yield from _notes(tree.get("conclusion", ""))
    at = 0
    for one in tree.get("result", []):
        found = beside.get(one.get("reference", ""))
        if found is not None:
            for obx in _observation(found, at + 1):
                at += obx.name == "OBX"
                yield obx
    for form in tree.get("presentedForm", []):
        if form.get("data"):
            at += 1
            yield _form(form, at)


def _observation(tree: Resource, at: int) -> Iterator[Line]:
    """One OBX, and one for each component, which v2 tells as results of their own with the same sub-id."""
    parts = tree.get("component", [])
    has_value = any(name.startswith("value") for name in tree)
    if has_value or not parts:
        yield _obx(tree, tree, at, str(at))
        yield from _notes("\n".join(one.get("text", "") for one in tree.get("note", [])))
        at += 1
    for number_, part in enumerate(parts):
        yield _obx(tree, part, at + number_, str(at))


def _obx(tree: Resource, part: Element, at: int, sub: str) -> Line:
    kind, value, units = _value(part)
    obx = Line("OBX", {1: str(at), 2: kind, 4: sub})
    obx.raw(3, concept(part["code"]))
    obx.raw(5, value)
    obx.raw(6, units)
    obx.put(7, _range(part))
    obx.raw(8, "~".join(joined([flag]) for one in part.get("interpretation", []) if (flag := _flag(one))))
    obx.put(11, back("result-status", tree.get("status")))
    obx.put(14, time(tree.get("effectiveDateTime") or tree.get("effectivePeriod", {}).get("start", "")))
    obx.raw(16, "~".join(person(one) for one in tree.get("performer", [])))
    obx.raw(17, concept(tree.get("method")))
    return obx


def _value(part: Element) -> tuple[str, str, str]:
    """OBX-2, OBX-5 and OBX-6."""
    if (found := part.get("valueQuantity")) is not None:
        sign, digits = found.get("comparator", ""), str(found.get("value", ""))
        return ("SN", joined([sign, digits]), _units(found)) if sign else ("NM", digits, _units(found))
    if (found := part.get("valueCodeableConcept")) is not None:
        return "CWE", concepts(found), ""
    if (found := part.get("valueRange")) is not None:
        low, high = found.get("low", {}), found.get("high", {})
        return "SN", joined(["", str(low.get("value", "")), "-", str(high.get("value", ""))]), _units(low)
    if (found := part.get("valueRatio")) is not None:
        over, under = found.get("numerator", {}), found.get("denominator", {})
        return "SN", joined(["", str(over.get("value", "")), ":", str(under.get("value", ""))]), _units(over)
    if "valueDateTime" in part:
        return "TS", time(part["valueDateTime"]), ""
    if "valueTime" in part:
        return "TM", part["valueTime"].replace(":", ""), ""
    if "valueInteger" in part:
        return "NM", str(part["valueInteger"]), ""
    if "valueBoolean" in part:
        return "ST", "Y" if part["valueBoolean"] else "N", ""
    return "ST", joined([part.get("valueString", "")]), ""


def _units(found: Element) -> str:
    coded = {"code": found.get("code"), "system": found.get("system", ""), "display": found.get("unit", "")}
    return concept({"coding": [coded]}) if found.get("code") else joined([found.get("unit", "")])


def _range(part: Element) -> str:
    """In words, as analysers print it."""
    one = next(iter(part.get("referenceRange", [])), {})
    low, high = (str(one.get(end, {}).get("value", "")) for end in ("low", "high"))
    made = f"{low}-{high}" if low and high else f">={low}" if low else f"<={high}" if high else ""
    return one.get("text") or made


def _flag(interpretation: Element) -> str:
    coded = next((one["code"] for one in codings(interpretation) if one.get("system") == _FLAG), "")
    return coded or interpretation.get("text", "")


def _notes(words: str) -> Iterator[Line]:
    if words:
        yield Line("NTE", {1: "1", 3: words})


def _form(form: Element, at: int) -> Line:
    """ED."""
    media, _, subtype = form.get("contentType", "application/pdf").partition("/")
    media = {"text": "TEXT", "image": "IM", "application": "AP"}.get(media) or media
    obx = Line("OBX", {1: str(at), 2: "ED", 11: "F"})
    obx.raw(3, joined([f"FORM{at}", form.get("title", ""), "L"]))
    obx.raw(5, joined(["MINKANG", media, subtype, "Base64", form["data"]]))
    return obx
