"""Terms of references: `Type/id` for local ones, the address for others. Logical references have no term."""

from __future__ import annotations

from minkang.fhir.search.kinds.reference import Value, Wanted
from minkang.fhir.search.parameters import SearchParameter, resource_types


def terms(value: Value, parameter: SearchParameter) -> list[str]:
    if value.url is not None:
        return [f"u|{value.url}"]
    return [f"{value.type}/{value.id}"] if value.id else []


def wanted_terms(wanted: Wanted, modifier: str | None, parameter: SearchParameter) -> list[str] | None:
    if wanted.identifier is not None:
        return None
    if wanted.among is not None:
        return [f"{type}/{id}" for type, id in wanted.among]
    if wanted.url is not None:
        return [f"u|{wanted.url}"]
    if wanted.type is not None:
        return [f"{wanted.type}/{wanted.id}"]
    return [f"{type}/{wanted.id}" for type in parameter.targets or sorted(resource_types())]


def is_exact(wanted: Wanted, modifier: str | None) -> bool:
    return wanted.identifier is None and wanted.version is None
