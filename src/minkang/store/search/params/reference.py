"""Terms of references: `Type/id` for local ones, the address for others; and the identifier of logical ones."""

from __future__ import annotations

from minkang.fhir.search.kinds import token
from minkang.fhir.search.kinds.reference import Value, Wanted
from minkang.fhir.search.parameters import SearchParameter, resource_types


def terms(value: Value, parameter: SearchParameter) -> list[str]:
    if value.url is not None:
        found = [f"u|{value.url}"]
    else:
        found = [f"{value.type}/{value.id}"] if value.id else []
    if value.identifier is not None and value.identifier[1]:
        system, number = value.identifier
        found += [f"i|{number}", f"i|{system}|{number}"] if system else [f"i|{number}"]
    return found


def wanted_terms(wanted: Wanted, modifier: str | None, parameter: SearchParameter) -> list[str] | None:
    if wanted.text is not None:
        return None
    if wanted.identifier is not None:
        return _identifier_terms(wanted.identifier)
    if wanted.among is not None:
        return [f"{type}/{id}" for type, id in wanted.among]
    if wanted.url is not None:
        return [f"u|{wanted.url}"]
    if wanted.type is not None:
        return [f"{wanted.type}/{wanted.id}"]
    return [f"{type}/{wanted.id}" for type in parameter.targets or sorted(resource_types())]


def _identifier_terms(wanted: token.Wanted) -> list[str] | None:
    if wanted.code is None:
        return None
    return [f"i|{wanted.system}|{wanted.code}" if wanted.system else f"i|{wanted.code}"]


def is_exact(wanted: Wanted, modifier: str | None) -> bool:
    # An identifier does not tell the type of what it names: `patient` and `subject` share their terms.
    return wanted.identifier is None and wanted.version is None
