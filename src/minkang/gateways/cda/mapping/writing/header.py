"""Patient, visit and document to the header of a Chinese shared document, in the order of its schema."""

from __future__ import annotations

from dataclasses import dataclass, field

from minkang.gateways.cda.mapping.draft import Tree
from minkang.gateways.cda.mapping.kinds import Kind
from minkang.gateways.cda.mapping.patient import RESIDENT
from minkang.gateways.cda.mapping.writing.markup import (
    concept,
    identifier,
    interval,
    kept,
    moment,
    quantity,
    tag,
    time,
    words,
)
from minkang.gateways.cda.mapping.writing.people import author, entity, organization

_SEXES = {
    "male": ("1", "男性"),
    "female": ("2", "女性"),
    "unknown": ("0", "未知的性别"),
    "other": ("9", "未说明的性别"),
}
"""GB/T 2261.1."""


@dataclass(frozen=True, slots=True)
class Head:
    """What a document is. `number`, `set`: Identifiers; `written`: dateTime; `numbers`: of the report or the order."""

    kind: Kind
    number: Tree
    set: Tree
    version: int
    written: str
    authors: list[Tree]
    custodian: Tree | None
    patient: Tree
    encounter: Tree | None = None
    attesters: list[Tree] = field(default_factory=list[Tree])
    numbers: list[Tree] = field(default_factory=list[Tree])
    replaces: Tree | None = None
    title: str = ""


def header(head: Head) -> str:
    kind = head.kind
    return "".join(
        (
            tag("realmCode", code="CN"),
            tag("typeId", root="2.16.840.1.113883.1.3", extension="POCD_MT000040"),
            tag("templateId", root=kind.template),
            identifier("id", head.number),
            tag(
                "code",
                code=kind.code,
                codeSystem="2.16.156.10011.2.4",
                codeSystemName="卫生信息共享文档规范编码体系",
            ),
            words("title", head.title or kind.title),
            time("effectiveTime", head.written),
            tag(
                "confidentialityCode",
                code="N",
                codeSystem="2.16.840.1.113883.5.25",
                codeSystemName="Confidentiality",
                displayName="正常访问保密级别",
            ),
            tag("languageCode", code="zh-CN"),
            identifier("setId", head.set),
            tag("versionNumber", value=head.version),
            _target(head),
            *(_author(one, head.written) for one in head.authors),
            _custodian(head.custodian),
            *(_signed(one) for one in sorted(head.attesters, key=lambda one: one["mode"] != "legal")),
            _replaced(head.replaces),
            _stay(head.encounter),
        )
    )


def _author(who: Tree, told: str) -> str:
    found = author(who, told)
    return found.replace("<author>", '<author typeCode="AUT" contextControlCode="OP">', 1)


def _custodian(who: Tree | None) -> str:
    kept_ = organization("representedCustodianOrganization", who, classCode="ORG", determinerCode="INSTANCE")
    return tag("custodian", tag("assignedCustodian", kept_, classCode="ASSIGNED"), typeCode="CST")


def _signed(one: Tree) -> str:
    name = "legalAuthenticator" if one["mode"] == "legal" else "authenticator"
    return tag(
        name,
        time("time", one.get("time")) or tag("time", nullFlavor="UNK"),
        tag("signatureCode", code="S"),
        entity("assignedEntity", one.get("party", {})),
    )


def _replaced(parent: Tree | None) -> str:
    if parent is None:
        return ""
    return tag("relatedDocument", tag("parentDocument", identifier("id", parent)), typeCode="RPLC")


def _target(head: Head) -> str:
    tree = head.patient
    all_ = tree.get("identifier", [])
    visit = (head.encounter or {}).get("identifier", [])
    others = [one for one in all_ if one.get("system") != RESIDENT]
    role = tag(
        "patientRole",
        *(identifier("id", one) for one in [*visit, *head.numbers, *others] or all_[:1]),
        *(_address(one) for one in tree.get("address", ())),
        *(tag("telecom", value=one.get("value")) for one in tree.get("telecom", ())),
        _person(tree),
        *(organization("providerOrganization", one) for one in kept(tree, "provider")),
        classCode="PAT",
    )
    return tag("recordTarget", role, typeCode="RCT", contextControlCode="OP")


def _person(tree: Tree) -> str:
    sex = _SEXES.get(tree.get("gender", ""))
    gender = (
        tag(
            "administrativeGenderCode",
            code=sex[0],
            codeSystem="2.16.156.10011.2.3.3.4",
            codeSystemName="生理性别代码表(GB/T 2261.1)",
            displayName=sex[1],
        )
        if sex
        else ""
    )
    name = next(iter(tree.get("name", ())), {})
    return tag(
        "patient",
        *(identifier("id", one) for one in tree.get("identifier", ()) if one.get("system") == RESIDENT),
        words("name", name.get("text", "")),
        gender,
        tag("birthTime", value=moment(tree.get("birthDate"))) if tree.get("birthDate") else "",
        concept("maritalStatusCode", tree.get("maritalStatus")),
        *(concept("ethnicGroupCode", one) for one in kept(tree, "ethnic-group")),
        *(tag("employerOrganization", words("name", one.get("display", ""))) for one in kept(tree, "employer")),
        *(tag("household", tag("place", _address(one), classCode="PLC")) for one in kept(tree, "household")),
        *(tag("educationLevel", concept("educationLevelCode", one)) for one in kept(tree, "education")),
        *(tag("occupation", concept("occupationCode", one)) for one in kept(tree, "occupation")),
        *(quantity("age", one) for one in kept(tree, "age")),
        classCode="PSN",
        determinerCode="INSTANCE",
    )


def _address(found: Tree) -> str:
    """The parts of the Chinese schema; the township apart from the rest of the line."""
    town = next(iter(kept(found, "township")), "")
    line = "".join(found.get("line", ())).removeprefix(town)
    use = {"home": "H", "work": "WP", "temp": "TMP", "old": "BAD"}.get(found.get("use", ""), "")
    parts = [words("streetName", line or ("" if town else found.get("text", "")))]
    parts += [words("township", town), words("county", found.get("district", "")), words("city", found.get("city", ""))]
    parts += [words("state", found.get("state", "")), words("postalCode", found.get("postalCode", ""))]
    return tag("addr", *parts, use=use)


def _stay(visit: Tree | None) -> str:
    if visit is None:
        return ""
    place = next(iter(visit.get("location", ())), {}).get("location", {}).get("display", "")
    house = visit.get("serviceProvider")
    names = [one for one in place.split(", ") if one]
    facility = _nested(names, house)
    period = visit.get("period")
    return tag(
        "componentOf",
        tag(
            "encompassingEncounter",
            interval("effectiveTime", period) or tag("effectiveTime", nullFlavor="UNK"),
            concept("dischargeDispositionCode", visit.get("hospitalization", {}).get("dischargeDisposition")),
            tag("location", tag("healthCareFacility", facility)) if facility else "",
        ),
        typeCode="COMP",
    )


def _nested(names: list[str], house: Tree | None) -> str:
    """Bed, room, ward, department, hospital: each a part of the next."""
    own = (house or {}).get("display", "")
    if own and own not in names:
        names = [*names, own]
    inside = ""
    for at, name in enumerate(reversed(names)):
        number = identifier("id", house.get("identifier")) if house and at == 0 else ""
        outermost = at == len(names) - 1
        outer = tag("asOrganizationPartOf", inside) if inside else ""
        inside = tag(
            "serviceProviderOrganization" if outermost else "wholeOrganization", number, words("name", name), outer
        )
    return inside
