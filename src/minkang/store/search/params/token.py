"""Terms of tokens: the code alone, and the code with its system."""

from __future__ import annotations

from minkang.fhir.search.kinds.token import NO_SYSTEM, Value, Wanted
from minkang.fhir.search.parameters import SearchParameter
from minkang.fhir.terminology.codesets import CodeSet


def terms(value: Value, parameter: SearchParameter) -> list[str]:
    if value.code is None:
        return []
    if value.system is None:
        return [f"c|{value.code}"]
    return [f"c|{value.code}", f"s|{value.system}|{value.code}"]


def wanted_terms(wanted: Wanted, modifier: str | None, parameter: SearchParameter) -> list[str] | None:
    if wanted.codes is not None and modifier != "not-in":
        return _all(wanted.codes, wanted.implied)
    if modifier not in (None, "of-type") or wanted.code is None:
        return None  # `:of-type` is sought by the value and rechecked for the type
    if wanted.system is None or wanted.system == NO_SYSTEM or wanted.bare:
        return [f"c|{wanted.code}"]
    return [f"s|{wanted.system}|{wanted.code}"]


def _all(codes: CodeSet, implied: tuple[str, ...]) -> list[str] | None:
    """A system as a whole has no term."""
    if codes.systems:
        return None
    bare = [f"c|{code}" for system, code in codes.codes if system in implied]
    return [*bare, *(f"s|{system}|{code}" for system, code in codes.codes)]


def is_exact(wanted: Wanted, modifier: str | None) -> bool:
    if wanted.codes is not None:
        return modifier != "not-in" and not wanted.codes.systems and not wanted.implied
    return modifier is None and (wanted.system is None or (wanted.system != NO_SYSTEM and not wanted.bare))
