"""Kinds without terms: number, quantity, composite, special. Found by another clause's way and rechecked."""

from __future__ import annotations

from typing import Any

from minkang.fhir.search.parameters import SearchParameter


def terms(value: Any, parameter: SearchParameter) -> list[str]:
    return []


def wanted_terms(wanted: Any, modifier: str | None, parameter: SearchParameter) -> None:
    return None


def is_exact(wanted: Any, modifier: str | None) -> bool:
    return False
