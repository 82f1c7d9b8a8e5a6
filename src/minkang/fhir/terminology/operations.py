"""The terminology operations: from parameters to the resource that answers. Pure: they yield what they need.

http://hl7.org/fhir/R4/terminology-service.html
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from minkang.fhir.problem import Incorrect, NotFound
from minkang.fhir.resource import Resource
from minkang.fhir.terminology.asking import Asking, Need
from minkang.fhir.terminology.checking import Demand, in_code_system, in_value_set
from minkang.fhir.terminology.composing import Work, value_set
from minkang.fhir.terminology.concepts import lookup, subsumes
from minkang.fhir.terminology.editions import Edition
from minkang.fhir.terminology.expanding import expand
from minkang.fhir.terminology.translating import Wanted, translate
from minkang.fhir.terminology.valuesets import newest
from minkang.fhir.terminology.wishes import Given


def expand_value_set(given: Given, now: str) -> Asking[Resource]:
    work = Work(given.wishes())
    resource = yield from _value_set(work, given)
    return (yield from expand(work, resource, given.asked(), now))


def validate_in_value_set(given: Given, now: str) -> Asking[Resource]:
    work = Work(given.wishes())
    resource = yield from _value_set(work, given)
    return (yield from in_value_set(work, resource, _demand(given)))


def validate_in_code_system(given: Given, now: str) -> Asking[Resource]:
    demand = _demand(given)
    edition = yield from _edition(given, "url", str(demand.codings[0].get("system") or ""))
    return in_code_system(Work(given.wishes()), edition, demand)


def look_up(given: Given, now: str) -> Asking[Resource]:
    coding = given.tree("coding") or {}
    edition = yield from _edition(given, "system", str(coding.get("system") or ""))
    code = str(coding.get("code") or "") or given.needed("code")
    return lookup(edition, code, [str(one) for one in given.all("property")], given.languages())


def compare(given: Given, now: str) -> Asking[Resource]:
    first, second = given.tree("codingA") or {}, given.tree("codingB") or {}
    systems = {str(one["system"]) for one in (first, second) if one.get("system")}
    if len(systems) > 1:
        raise Incorrect("Codes of two code systems are not compared.")
    edition = yield from _edition(given, "system", next(iter(systems), ""))
    codes = [str(one.get("code") or "") or given.needed(name) for one, name in ((first, "codeA"), (second, "codeB"))]
    return subsumes(edition, *codes)


def map_code(given: Given, now: str) -> Asking[Resource]:
    wanted = _wanted(given)
    if given.text("url"):
        url, _, version = given.needed("url").partition("|")
        named = newest((yield Need("ConceptMap", url=url)), version or given.text("conceptMapVersion") or "")
        if named is None:
            raise NotFound(f"The ConceptMap {url[:200]} is not stored here.")
        return translate([named], wanted)
    own = given.tree("conceptMap")
    if own is not None:
        return translate([own], wanted)
    systems = (None, wanted.system) if wanted.back else (wanted.system, None)
    found = yield Need("ConceptMap", source=systems[0], target=systems[1])
    return translate([one for one in found if one.get("status") != "retired"], wanted)


def _wanted(given: Given) -> Wanted:
    """R4's names of the parameters and R5's (sourceCode, targetCode)."""
    coding = given.tree("coding") or given.tree("sourceCoding")
    concept = given.tree("codeableConcept") or given.tree("sourceCodeableConcept")
    if concept is not None:
        coding = next(iter(concept.get("coding") or ()), None)
    target = given.text("targetSystem", "targetsystem") or ""
    if given.text("targetCode"):
        return Wanted(target, given.needed("targetCode"), given.text("sourceSystem", "system") or "", back=True)
    back = given.is_true("reverse")
    if coding is not None:
        return Wanted(str(coding.get("system") or ""), str(coding.get("code") or ""), target, back)
    return Wanted(given.needed("system", "sourceSystem"), given.needed("code", "sourceCode"), target, back)


def _value_set(work: Work, given: Given) -> Asking[Resource]:
    own = given.tree("valueSet")
    if own is not None:
        if own.get("resourceType") != "ValueSet":
            raise Incorrect("The parameter valueSet is a ValueSet.")
        return own
    name = given.needed("url")
    return (yield from value_set(work, name, given.text("valueSetVersion") or ""))


def _edition(given: Given, parameter: str, system: str = "") -> Asking[Edition]:
    """The code system that the parameters name. Raises NotFound."""
    work = Work(given.wishes())
    for name in work.wishes.supplements:
        yield from work.supplement(name)
    own = given.tree("codeSystem")
    if own is not None:
        return Edition(own)
    url, _, version = (system or given.needed(parameter)).partition("|")
    edition = yield from work.edition(url, version or given.text("version") or "")
    if edition is None:
        raise NotFound(f"The code system {url[:200]} is not stored here with its concepts.")
    return edition


def _demand(given: Given) -> Demand:
    coding, concept = given.tree("coding"), given.tree("codeableConcept")
    codings: Sequence[Mapping[str, Any]]
    if concept is not None:
        codings, path = concept.get("coding") or (), "CodeableConcept.coding[n]"
    elif coding is not None:
        codings, path = (coding,), "Coding"
    else:
        names = {"code": "code", "display": "display", "system": "system", "version": "systemVersion"}
        found = {name: given.text(parameter) for name, parameter in names.items()}
        codings, path = ({name: text for name, text in found.items() if text},), ""
    if not codings or not any(one.get("code") for one in codings):
        raise Incorrect("Send a code (with its system), a coding or a codeableConcept that has one.")
    return Demand(
        codings,
        path,
        infer=given.is_true("inferSystem") or (coding is None and concept is None and not given.text("system")),
        abstract=given.is_true("abstract", True),
        active_only=given.is_true("activeOnly"),
        lenient=given.is_true("lenient-display-validation"),
        languages=given.languages(),
        membership_only=given.is_true("valueset-membership-only"),
    )


Operation = Callable[[Given, str], Asking[Resource]]

OPERATIONS: Mapping[tuple[str, str], Operation] = {
    ("CodeSystem", "$lookup"): look_up,
    ("CodeSystem", "$subsumes"): compare,
    ("CodeSystem", "$validate-code"): validate_in_code_system,
    ("ValueSet", "$expand"): expand_value_set,
    ("ValueSet", "$validate-code"): validate_in_value_set,
    ("ConceptMap", "$translate"): map_code,
}
"""By type and name."""
