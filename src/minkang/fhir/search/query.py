"""A search, parsed: what `grammar.parse` makes of a query string, what both stores answer.

Everything is frozen and hashable so that a query can key a cache and a cursor can be checked against it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from minkang.fhir.search.parameters import SearchParameter


@dataclass(frozen=True, slots=True)
class Clause:
    """One `name:modifier=a,b` pair. `wanted` holds one parsed value per comma-separated part (OR); clauses are ANDed.

    `modifier` is None, a modifier code (`exact`, `contains`, `missing`, `not`, ...), a resource type
    (`subject:Patient`) or CHAIN (wanted: Chain). For `:missing` the one wanted value is a bool. The type of the other
    wanted values belongs to the parameter's kind (`kinds.<kind>.Wanted`).
    """

    parameter: SearchParameter
    modifier: str | None
    wanted: tuple[Any, ...]


CHAIN = "."
"""The `modifier` of a clause about what a reference leads to."""


@dataclass(frozen=True, slots=True)
class Chain:
    """What a target of this type must meet; the wanted value of a clause with the modifier CHAIN, one for each type."""

    type: str
    clause: Clause


@dataclass(frozen=True, slots=True)
class Reverse:
    """What a resource of this type must meet that refers by `parameter`; the wanted value of a clause on `_has`."""

    type: str
    parameter: SearchParameter
    clause: Clause


@dataclass(frozen=True, slots=True)
class Sort:
    """One key of `_sort`. `parameter.code` may be `_id` or `_lastUpdated`."""

    parameter: SearchParameter
    descending: bool


@dataclass(frozen=True, slots=True)
class Include:
    """`_include=Source:code[:Target]` or `_revinclude` of the same form; `code` `*` means every reference parameter."""

    source: str
    code: str
    target: str | None
    iterate: bool = False


@dataclass(frozen=True, slots=True)
class Query:
    """One search. `type` None means the whole system. `compartment` is (`Patient`, id) or None.

    `total` is `none`, `estimate` or `accurate`; `summary` is None, `true`, `text`, `data`, `count` or `false`;
    `cursor` is the opaque text of the last page's `next` link. `applied` are the pairs that were understood, in
    order, as they go back into the self link; `ignored` names what lenient handling left out.
    """

    type: str | None
    clauses: tuple[Clause, ...] = ()
    sort: tuple[Sort, ...] = ()
    count: int = 20
    includes: tuple[Include, ...] = ()
    revincludes: tuple[Include, ...] = ()
    summary: str | None = None
    elements: tuple[str, ...] = ()
    total: str = "none"
    cursor: str | None = None
    compartment: tuple[str, str] | None = None
    types: tuple[str, ...] = ()
    applied: tuple[tuple[str, str], ...] = ()
    ignored: tuple[str, ...] = ()
