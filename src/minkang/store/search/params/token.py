"""Terms of tokens: the code alone, and the code with its system."""

from __future__ import annotations

from minkang.fhir.search.kinds.token import NO_SYSTEM, Value, Wanted
from minkang.fhir.search.parameters import SearchParameter


def terms(value: Value, parameter: SearchParameter) -> list[str]:
    if value.code is None:
        return []
    if value.system is None:
        return [f"c|{value.code}"]
    return [f"c|{value.code}", f"s|{value.system}|{value.code}"]


def wanted_terms(wanted: Wanted, modifier: str | None, parameter: SearchParameter) -> list[str] | None:
    if modifier not in (None, "of-type") or wanted.code is None:
        return None  # `:of-type` is sought by the value and rechecked for the type
    if wanted.system is None or wanted.system == NO_SYSTEM or wanted.bare:
        return [f"c|{wanted.code}"]
    return [f"s|{wanted.system}|{wanted.code}"]


def is_exact(wanted: Wanted, modifier: str | None) -> bool:
    return modifier is None and (wanted.system is None or (wanted.system != NO_SYSTEM and not wanted.bare))
