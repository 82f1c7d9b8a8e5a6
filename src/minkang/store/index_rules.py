"""Which search parameter gives what to the index: the reading of `index_rules.json`, where an expert can change it.

Changing a rule changes what rows must carry: reindex afterwards.
"""

from __future__ import annotations

import json
from functools import cache
from hashlib import blake2b
from importlib import resources
from typing import Any

from minkang.fhir.search.parameters import SearchParameter

LONG = "long"
"""Flag of rows whose `date` is only the beginning of something longer than a search looks back (`params/date.py`)."""

_RULES: dict[str, Any] = json.loads(resources.files("minkang.store").joinpath("index_rules.json").read_text())
_COMMON = frozenset(_RULES["common"]["any"])
_RARE_AFTER_ALL = frozenset(_RULES["common"]["except"])
_UNINDEXED = frozenset(_RULES["unindexed"]["any"])
_UNINDEXED_KINDS = frozenset(_RULES["unindexed"]["kinds"])
_TEXT = frozenset(_RULES["text"]["any"])
_BIRTH = frozenset(_RULES["birthdate"]["any"])


FORM = 1
"""Of the terms themselves (`search/params`): grows when they are written otherwise."""


@cache
def fingerprint() -> str:
    """Of everything that decides which terms a row carries."""
    table = resources.files("minkang.fhir.definitions").joinpath("search-parameters.ndjson").read_bytes()
    text = f"{FORM} {json.dumps(_RULES, sort_keys=True)}".encode()
    return blake2b(text + table, digest_size=16).hexdigest()


def date_code(type: str) -> str | None:
    """The parameter whose value is the `date` column of a type."""
    return _RULES["date"].get(type)


@cache
def is_common(parameter: SearchParameter, type: str) -> bool:
    """Whether its terms go to `flags` (filtered) instead of `keys` (indexed)."""
    if f"{type}.{parameter.code}" in _RARE_AFTER_ALL:
        return False
    return parameter.code in _COMMON or (bool(parameter.types) and set(parameter.types) <= {"code", "boolean"})


def is_indexed(parameter: SearchParameter, type: str) -> bool:
    """Whether it gives terms at all."""
    return (
        parameter.code not in _UNINDEXED
        and parameter.kind not in _UNINDEXED_KINDS
        and parameter.code not in ("_id", "_lastUpdated", date_code(type))
    )


def alias(parameter: SearchParameter, type: str) -> tuple[str, ...]:
    """Codes whose terms serve this parameter too, because they look at the same elements; empty: it has its own."""
    return tuple(_RULES["alias"].get(f"{type}.{parameter.code}", ()))


def counts_days(parameter: SearchParameter) -> bool:
    """Whether its dates are sought by month and year too."""
    return parameter.code in _BIRTH


def has_text(type: str) -> bool:
    """Whether the words of its resources are indexed."""
    return type in _TEXT
