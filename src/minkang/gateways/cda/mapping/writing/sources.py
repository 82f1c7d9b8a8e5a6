"""What the record holds to what a document says: a Composition as it is, or a visit by the sections of a kind. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from minkang.fhir.problem import Incorrect
from minkang.gateways.cda.mapping.draft import Tree
from minkang.gateways.cda.mapping.kinds import Kind, kinds
from minkang.gateways.cda.mapping.tables import fields, groups, loinc, numbers, sections
from minkang.gateways.cda.mapping.writing import Head, Part, written
from minkang.gateways.cda.mapping.writing.markup import kept

NUMBER = "urn:oid:2.16.156.10011.1.1"
"""The system of document numbers (文档流水号)."""


def kind_named(code: str) -> Kind:
    """Raises Incorrect for a code that no shared document has."""
    found = next((one for one in kinds() if one.code == code), None)
    if found is None:
        raise Incorrect(
            f"{code!r} is no shared document. Those of WS/T 500 are C0001 to C0053, of WS/T 483 HSDA00.01 ..."
        )
    return found


def kind_in(composition: Tree) -> Kind:
    codes = [one.get("code", "") for one in composition.get("type", {}).get("coding", ())]
    found = next((one for one in kinds() if one.code in codes), None)
    if found is None:
        raise Incorrect("This Composition is of no kind that is written here (WS/T 500-2016, WS/T 483-2016).")
    return found


def of_composition(composition: Tree, all_: Mapping[str, Tree]) -> bytes:
    """The document that a Composition is. `all_`: what it refers to, by `Type/id`; what is gone is left out."""
    reports = [one for one in all_.values() if one["resourceType"] == "DiagnosticReport"]
    own = composition.get("identifier") or {"system": NUMBER, "value": composition["id"]}
    relates = [one for one in composition.get("relatesTo", ()) if one.get("code") == "replaces"]
    version = next(iter(kept(composition, "version")), "1")
    head = Head(
        kind=kind_in(composition),
        number=own,
        set={"system": NUMBER, "value": composition["id"]},
        version=int(version) if version.isdigit() else 1,
        written=composition["date"],
        authors=composition.get("author", []),
        custodian=composition.get("custodian"),
        patient=all_[composition["subject"]["reference"]],
        encounter=all_.get(composition.get("encounter", {}).get("reference", "")),
        attesters=composition.get("attester", []),
        numbers=[one for tree in reports for one in tree.get("identifier", ())],
        replaces=relates[0].get("targetIdentifier") if relates else None,
        title=composition.get("title", ""),
    )
    return written(head, [_part(one, all_) for one in _flat(composition.get("section", ()))], all_)


def _flat(found: Iterable[Tree]) -> Iterable[Tree]:
    for one in found:
        yield one
        yield from _flat(one.get("section", ()))


def _part(section: Tree, all_: Mapping[str, Tree]) -> Part:
    coding = next(iter(section.get("code", {}).get("coding", ())), {})
    there = [all_[one["reference"]] for one in section.get("entry", ()) if one.get("reference") in all_]
    return Part(coding.get("code", ""), section.get("title", ""), there)


def of_visit(kind: Kind, patient: Tree, visit: Tree, found: Iterable[Tree], number: str, written_at: str) -> bytes:
    """A document of a kind made anew from what the record holds of a visit; what belongs to none of its sections is not
    in it. Raises Incorrect when nothing does."""
    known = list(found)
    places = {section: _belonging(kind, section) for section in fields(kind.code)}
    parts: list[Part] = []
    taken: set[str] = set()
    for section, (elements, role) in places.items():
        mine = [one for one in known if one["id"] not in taken and _fits(one, elements, role, section)]
        taken |= {one["id"] for one in mine}
        coded = section[0].isdigit()
        title = sections()[section].title if section in sections() else section
        parts.append(Part(section if coded else "", title, mine))
    if not taken:
        raise Incorrect(f"The record holds nothing of this visit that a document {kind.code} ({kind.title}) tells.")
    doctors = [one["individual"] for one in visit.get("participant", ()) if "individual" in one]
    head = Head(
        kind=kind,
        number={"system": NUMBER, "value": number},
        set={"system": NUMBER, "value": number},
        version=1,
        written=written_at,
        authors=doctors[:1] or [visit.get("serviceProvider") or {"display": "Minkang"}],
        custodian=visit.get("serviceProvider"),
        patient=patient,
        encounter=visit,
        numbers=[one for tree in known if tree["resourceType"] == "DiagnosticReport" for one in _own(tree)],
    )
    return written(head, parts, {f"{one['resourceType']}/{one['id']}": one for one in [*known, patient, visit]})


def _own(report: Tree) -> list[Tree]:
    """Of a report's numbers those that name reports and orders in the Chinese way."""
    wanted = {f"urn:oid:{root}" for root, row in numbers().items() if row["whose"] in ("report", "order")}
    return [one for one in report.get("identifier", ()) if one.get("system") in wanted]


def _belonging(kind: Kind, section: str) -> tuple[frozenset[str], str]:
    """The data elements of a section, and of which role its diagnoses are."""
    rows = fields(kind.code)[section]
    role = sections()[section].role if section in sections() else ""
    return frozenset(one.id for one in rows), role


_ROLES = {"AD": "admission", "DD": "discharge", "pre-op": "pre-op", "post-op": "post-op"}
_DRUGS = frozenset({"substanceAdministration", "DE08.50.022.00"})
_ORDERS = frozenset({"DE06.00.288.00", "DE06.00.289.00"})


def _fits(tree: Tree, elements: frozenset[str], role: str, section: str) -> bool:
    """Whether a resource tells what a section is for."""
    kind = tree["resourceType"]
    if kind == "Condition":
        roles = {_ROLES.get(c.get("code", "")) for one in tree.get("category", ()) for c in one.get("coding", ())} - {
            None
        }
        return bool(elements & _elements("diagnosis", "tcm-diagnosis")) and (not role or not roles or role in roles)
    if kind in ("MedicationRequest", "MedicationStatement", "ServiceRequest") and kept(tree, "kind"):
        return bool(elements & _ORDERS)
    if kind in ("MedicationRequest", "MedicationStatement"):
        return bool(elements & _DRUGS)
    if kind == "Immunization":
        return section == "11369-6"
    if kind == "Procedure":
        return "procedure" in elements
    if kind == "ServiceRequest":
        return bool(elements & _elements("planned-procedure"))
    if kind == "AllergyIntolerance":
        return bool(elements & _elements("allergy")) and section != "11369-6"
    if kind == "Invoice":
        lines = [
            c.get("code")
            for one in tree["lineItem"]
            for c in one.get("chargeItemCodeableConcept", {}).get("coding", ())
        ]
        return bool(elements & set(lines))
    return kind == "Observation" and _observed(tree, elements)


def _observed(tree: Tree, elements: frozenset[str]) -> bool:
    concepts = [
        tree.get("code", {}),
        *kept(tree, "element"),
        *(one.get("code", {}) for one in tree.get("component", ())),
    ]
    codings = [
        one.get("code", "") for concept in concepts if isinstance(concept, dict) for one in concept.get("coding", ())
    ]
    by_loinc = {code: id for id, (code, _) in loinc().items()}
    return bool(elements & {*codings, *(by_loinc.get(one, "") for one in codings)})


def _elements(*names: str) -> frozenset[str]:
    return frozenset(id for one in groups() if one.name in names for id in one.parts)
