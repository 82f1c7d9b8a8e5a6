"""Terms of uris: the whole, and a canonical without its version."""

from __future__ import annotations

from minkang.fhir.search.kinds.uri import Value, Wanted
from minkang.fhir.search.parameters import SearchParameter


def terms(value: Value, parameter: SearchParameter) -> list[str]:
    return [value.uri] if value.unversioned is None else [value.uri, value.unversioned]


def wanted_terms(wanted: Wanted, modifier: str | None, parameter: SearchParameter) -> list[str] | None:
    return [wanted.uri] if modifier is None else None


def is_exact(wanted: Wanted, modifier: str | None) -> bool:
    return modifier is None
