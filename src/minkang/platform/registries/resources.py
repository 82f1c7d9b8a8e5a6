"""A row to its FHIR resources, by the profiles of IHE mCSD (https://profiles.ihe.net/ITI/mCSD/). Pure.

An institution is a facility: an Organization and the Location it is at; its registered subjects are a
HealthcareService, its alliances OrganizationAffiliations. A department is an Organization that is part of it. A
practitioner has a PractitionerRole for each place. What ends is marked and dated, never deleted.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, cast

from minkang.fhir.resource import Exact, Resource
from minkang.platform.intake.reading import id_of
from minkang.platform.intake.senders import INSTITUTIONS
from minkang.platform.registries import tables
from minkang.platform.registries.tables import Cells

CODES = "https://minkang.example/CodeSystem"
TAG = f"{CODES}/registry"
VALIDITY = "https://minkang.example/StructureDefinition/registry-validity"
"""From when to when a row counts, on resources that R4 gives no period."""

ORGANIZATION_TYPE = "http://terminology.hl7.org/CodeSystem/organization-type"
_FACILITY = {"system": "https://profiles.ihe.net/ITI/mCSD/CodeSystem/IHE.mCSD.Organization.Location.Types"}
TYPES: dict[str, tuple[str, ...]] = {
    "organization": ("Organization", "Location", "HealthcareService", "OrganizationAffiliation"),
    "department": ("Organization",),
    "practitioner": ("Practitioner", "PractitionerRole"),
}
"""What a table becomes."""

_DATED = frozenset({"PractitionerRole", "OrganizationAffiliation"})

OWNED: dict[str, tuple[str, ...]] = {
    "Organization": ("extension", "identifier", "active", "type", "name", "alias", "telecom", "address", "partOf"),
    "Location": ("extension", "identifier", "status", "name", "type", "telecom", "address", "position",
                 "managingOrganization", "mode", "physicalType"),
    "HealthcareService": ("extension", "active", "providedBy", "name", "specialty", "location"),
    "OrganizationAffiliation": ("active", "period", "organization", "participatingOrganization", "code"),
    "Practitioner": ("extension", "identifier", "active", "name", "gender", "qualification"),
    "PractitionerRole": ("active", "period", "practitioner", "organization", "code", "specialty", "location"),
}  # fmt: skip
"""Elements that the registry speaks for; what others wrote beside them (an `endpoint`) stays."""


def organization_id(code: str) -> str:
    """That of the institution, which may send as well."""
    return id_of("sender", "Organization", code)


def department_id(organization: str, code: str) -> str:
    return id_of("registry", "Organization", organization, code)


def practitioner_id(code: str) -> str:
    return id_of("registry", "Practitioner", code)


def needs(kind: str, cells: Cells) -> Iterator[tuple[str, str, str]]:
    """Column, value and `Type/id` of what a row cannot be without."""
    columns = {one.name: one for one in tables.kind(kind).columns}
    for name, column in columns.items():
        if column.refers == "organization" and name in cells:
            for value in cells[name] if column.many else [cells[name]]:
                yield column.zh, value, f"Organization/{organization_id(value)}"
    part = {"department": "parent", "practitioner": "department"}.get(kind, "")
    if part in cells:
        yield columns[part].zh, cells[part], f"Organization/{department_id(cells['organization'], cells[part])}"


def names_of(kind: str, key: Sequence[str]) -> tuple[str, ...]:
    """`Type/id` of what a row with that key stands for."""
    if kind == "organization":
        return (f"Organization/{organization_id(key[0])}",)
    if kind == "department":
        return (f"Organization/{department_id(key[0], key[1])}",)
    return (f"Practitioner/{practitioner_id(key[0])}",)


def resources_of(kind: str, cells: Cells, today: str) -> list[Resource]:
    """Of one row, as they are on that day."""
    made = {"organization": _organization, "department": _department, "practitioner": _practitioner}[kind](cells)
    start, end = cells.get("valid_from"), cells.get("valid_to")
    for tree in made:
        tree["meta"] = {"tag": [{"system": TAG, "code": kind}]}
        if tree["resourceType"] != "Practitioner":  # a person goes on when one of the places ends
            _dated(tree, start, end)
        _set_active(tree, not (end and end < today and tree["resourceType"] != "Practitioner"))
    return made


def is_ended(tree: Resource) -> bool:
    return tree.get("active") is False or tree.get("status") == "inactive"


def ended(tree: Resource, day: str) -> Resource:
    """As it is when its row is gone."""
    found = copy.deepcopy(tree)
    _set_active(found, False)
    start = _period(found).get("start")
    _dated(found, start, max(day, start) if start else day)
    return found


def _period(tree: Resource) -> Resource:
    nothing: Resource = {}
    if tree["resourceType"] in _DATED:
        return tree.get("period", nothing)
    return next((one["valuePeriod"] for one in tree.get("extension", ()) if one["url"] == VALIDITY), nothing)


def _dated(tree: Resource, start: str | None, end: str | None) -> None:
    period = {name: day for name, day in (("start", start), ("end", end)) if day}
    if not period:
        return
    if tree["resourceType"] in _DATED:
        tree["period"] = period
        return
    others = [one for one in tree.get("extension", ()) if one["url"] != VALIDITY]
    tree["extension"] = [*others, {"url": VALIDITY, "valuePeriod": period}]


def _set_active(tree: Resource, active: bool) -> None:
    if tree["resourceType"] == "Location":
        tree["status"] = "active" if active else "inactive"
    else:
        tree["active"] = active


def _organization(cells: Cells) -> list[Resource]:
    code = cells["code"]
    id, place = organization_id(code), id_of("registry", "Location", code)
    identifiers: list[Resource] = [{"system": INSTITUTIONS, "value": code}]
    if "licence" in cells:
        licence: Resource = {
            "type": {"text": "医疗机构执业许可证"},
            "system": f"{CODES}/institution-licence",
            "value": cells["licence"],
        }
        identifiers.append(licence | ({"period": {"end": cells["licence_end"]}} if "licence_end" in cells else {}))
    types = [_coded(ORGANIZATION_TYPE, "govt" if cells.get("type") == "authority" else "prov")]
    types += [_coded(f"{CODES}/institution-{name}", cells[name]) for name in ("type", "level") if name in cells]
    organization: Resource = {
        "resourceType": "Organization",
        "id": id,
        "identifier": identifiers,
        "type": types,
        "name": cells["name"],
        **_told(alias=cells.get("alias"), telecom=_phone(cells), address=_listed(_address(cells))),
    }
    if "parent" in cells:
        organization["partOf"] = _to("Organization", organization_id(cells["parent"]))
    location: Resource = {
        "resourceType": "Location",
        "id": place,
        "identifier": [{"system": INSTITUTIONS, "value": code}],
        "name": cells["name"],
        "mode": "instance",
        "type": [{"coding": [_FACILITY | {"code": "Facility"}]}],
        "physicalType": {"coding": [_SITE]},
        "managingOrganization": _to("Organization", id),
        **_told(telecom=_phone(cells), address=_address(cells)),
    }
    if "longitude" in cells and "latitude" in cells:
        location["position"] = {name: Exact(cells[name]) for name in ("longitude", "latitude")}
    return [organization, location, *_subjects(cells, id, place), *_alliances(cells, id)]


_SITE = {"system": "http://terminology.hl7.org/CodeSystem/location-physical-type", "code": "si"}


def _subjects(cells: Cells, id: str, place: str) -> list[Resource]:
    if "subjects" not in cells:
        return []
    service: Resource = {
        "resourceType": "HealthcareService",
        "id": id_of("registry", "HealthcareService", cells["code"]),
        "providedBy": _to("Organization", id),
        "name": "诊疗科目",
        "specialty": [_subject(one) for one in cells["subjects"]],
        "location": [_to("Location", place)],
    }
    return [service]


def _alliances(cells: Cells, id: str) -> list[Resource]:
    return [
        {
            "resourceType": "OrganizationAffiliation",
            "id": id_of("registry", "OrganizationAffiliation", one, cells["code"]),
            "organization": _to("Organization", organization_id(one)),
            "participatingOrganization": _to("Organization", id),
            "code": [_coded("http://hl7.org/fhir/organization-role", "member")],
        }
        for one in dict.fromkeys(cells.get("alliance", ()))
    ]


def _department(cells: Cells) -> list[Resource]:
    whole = cells["organization"]
    over = department_id(whole, cells["parent"]) if "parent" in cells else organization_id(whole)
    types = [_coded(ORGANIZATION_TYPE, "dept")]
    if "subject" in cells:
        types.append(_subject(cells["subject"]))
    department: Resource = {
        "resourceType": "Organization",
        "id": department_id(whole, cells["code"]),
        "identifier": [{"system": f"{CODES}/department", "value": f"{whole}.{cells['code']}"}],
        "type": types,
        "name": cells["name"],
        "partOf": _to("Organization", over),
        **_told(telecom=_phone(cells)),
    }
    return [department]


def _practitioner(cells: Cells) -> list[Resource]:
    code, whole, part = cells["code"], cells["organization"], cells.get("department")
    id = practitioner_id(code)
    qualification: Resource = {
        "identifier": [{"system": f"{CODES}/practitioner-licence", "value": code}],
        "code": {"text": cells.get("qualification", "执业证书")},
        **_told(period={"end": cells["licence_end"]} if "licence_end" in cells else None),
    }
    person: Resource = {
        "resourceType": "Practitioner",
        "id": id,
        "identifier": [{"system": f"{CODES}/practitioner-licence", "value": code}],
        "name": [{"text": cells["name"]}],
        **_told(gender=cells.get("gender")),
        "qualification": [qualification],
    }
    role: Resource = {
        "resourceType": "PractitionerRole",
        "id": id_of("registry", "PractitionerRole", code, whole, part or ""),
        "practitioner": _to("Practitioner", id),
        "organization": _to("Organization", department_id(whole, part) if part else organization_id(whole)),
        "location": [_to("Location", id_of("registry", "Location", whole))],
        **_told(
            code=[{"text": cells["position"]}] if "position" in cells else None,
            specialty=[_subject(one) for one in cells.get("scope", ())],
        ),
    }
    return [person, role]


def _address(cells: Cells) -> Resource | None:
    found = _told(text=cells.get("address"))
    if "division" in cells:
        extension = {"url": "https://minkang.example/StructureDefinition/division", "valueCode": cells["division"]}
        found["extension"] = [extension]
    return found or None


def _phone(cells: Cells) -> list[Resource] | None:
    return [{"system": "phone", "value": cells["phone"]}] if "phone" in cells else None


def _subject(text: str) -> Resource:
    return {"coding": [{"system": f"{CODES}/registered-subject", "code": text, "display": text}]}


def _coded(system: str, code: str) -> Resource:
    return {"coding": [{"system": system, "code": code}]}


def _to(type: str, id: str) -> Resource:
    return {"reference": f"{type}/{id}"}


def _listed(one: Resource | None) -> list[Resource] | None:
    return [one] if one else None


def _told(**elements: Any) -> Resource:
    return {name: value for name, value in elements.items() if value}


def references(trees: Iterable[Resource]) -> Sequence[str]:
    """`Type/id` of all that they refer to."""
    found: dict[str, None] = {}

    def walk(value: Any) -> None:
        if isinstance(value, dict):
            told = cast("dict[str, Any]", value)
            if isinstance(told.get("reference"), str):
                found[told["reference"]] = None
            for one in told.values():
                walk(one)
        elif isinstance(value, list):
            several = cast("list[Any]", value)
            for one in several:
                walk(one)

    for tree in trees:
        walk(tree)
    return list(found)
