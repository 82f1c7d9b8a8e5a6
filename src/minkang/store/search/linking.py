"""Chains and `_has` on rows: the inner search first where it is small, the candidates' own links where it is not.

An inner search that few resources meet is carried out at once, and its hits take the place of the clause: ids of
targets, which the outer search finds by terms, by primary key or in its residents' ranges (`settled`). Where many meet
it, or where the outer search is narrow already, the outer search walks in its own order and each portion of candidates
asks for its own targets by id (`verified`). Both give the same hits in the same order. Every inner search is bound to
the caller's scope, like any search: nothing that is outside shows by being referred to.
"""

from __future__ import annotations

from collections.abc import Awaitable, Iterable, Sequence
from dataclasses import replace
from typing import Protocol

import orjson

from minkang.fhir.resource import Resource
from minkang.fhir.search.kinds import listed, reference
from minkang.fhir.search.linking import Names, chained, having, is_link, referred
from minkang.fhir.search.parameters import LIST
from minkang.fhir.search.query import CHAIN, Clause, Query
from minkang.store.contract import Stored

MOST = 1_000
"""Targets that may take the place of an inner search."""


class Find(Protocol):
    """The inner searches of one page. `known`: what became of links that were tried."""

    @property
    def known(self) -> dict[Clause, Clause]: ...

    def few(self, query: Query, most: int) -> Awaitable[list[Stored] | None]:
        """All hits; None when there are more than `most`, or when that is not found out quickly."""
        ...

    def all(self, query: Query) -> Awaitable[list[Stored]]:
        """All hits of a query that names its resources. Raises TooCostly."""
        ...

    def is_narrow(self, query: Query) -> bool:
        """Whether few resources are looked at for it."""
        ...


async def settled(query: Query, find: Find) -> Query:
    """The query with what few targets meet in the place of its links; others are left as they are."""
    if not any(map(is_link, query.clauses)):
        return query
    plain = tuple(clause for clause in query.clauses if not is_link(clause))
    for clause in query.clauses:
        if is_link(clause):
            narrow = find.is_narrow(replace(query, clauses=plain))
            if not narrow and clause not in find.known:
                find.known[clause] = await _settled(clause, find)
            plain = (*plain, clause if narrow else find.known[clause])
    return replace(query, clauses=plain)


async def _settled(clause: Clause, find: Find) -> Clause:
    names: set[tuple[str | None, str | None]] = set()
    for one in clause.wanted:
        found = await find.few(Query(one.type, (one.clause,)), MOST)
        if found is None or len(names) > MOST:
            return clause
        if clause.modifier == CHAIN:
            names |= {(hit.type, hit.id) for hit in found}
        else:
            names |= {name for hit in found for name in referred(one.parameter, _tree(hit))}
    return chained(clause, names) if clause.modifier == CHAIN else having(names)


async def verified(clauses: Iterable[Clause], hits: Sequence[Stored], find: Find) -> list[Clause]:
    """Links as ordinary clauses that hold for these hits."""
    return [await _verified(clause, hits, find) for clause in clauses]


async def _verified(clause: Clause, hits: Sequence[Stored], find: Find) -> Clause:
    names: set[tuple[str | None, str | None]] = set()
    if clause.modifier == CHAIN:
        pointed = {name for hit in hits for name in referred(clause.parameter, _tree(hit))}
        for one in clause.wanted:
            among = Clause(LIST, None, (listed.Wanted("", _of_type(pointed, one.type)),))
            found = await find.all(Query(one.type, (among, one.clause))) if among.wanted[0].among else []
            names |= {(hit.type, hit.id) for hit in found}
        return chained(clause, names)
    own: Names = frozenset((hit.type, hit.id) for hit in hits)
    for one in clause.wanted:
        refers = Clause(one.parameter, None, (reference.Wanted(None, None, among=own),))
        found = await find.all(Query(one.type, (refers, one.clause)))
        names |= {name for hit in found for name in referred(one.parameter, _tree(hit))}
    return having(names)


def _of_type(names: Iterable[tuple[str | None, str | None]], type: str) -> Names:
    return frozenset(name for name in names if name[0] == type)


def _tree(hit: Stored) -> Resource:
    return orjson.loads(hit.content)
