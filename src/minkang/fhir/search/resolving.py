"""What a search names and must be looked up before it can be answered: value sets, code systems, hierarchies.

The grammar knows no store, so such a clause holds only the name. A store collects the names (`open_names`), finds what
each means (`meaning`, pure: it asks for the resources it needs) and puts it in (`closed`).
http://hl7.org/fhir/R4/search.html#modifiers (`:in`, `:not-in`, `:above`, `:below`)
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any, NamedTuple

from minkang.fhir.problem import TooCostly
from minkang.fhir.search.kinds import reference, token
from minkang.fhir.search.query import Clause, Query
from minkang.fhir.terminology.asking import Asking, Need
from minkang.fhir.terminology.codesets import union
from minkang.fhir.terminology.valuesets import bounded, codes_around, codes_in

MOST_PARTS = 5_000
"""Places or institutions one `:below` may hold."""

MOST_LEVELS = 30
"""Levels of one hierarchy of places or institutions."""

MOST_NAMES = 50
"""Value sets, codes and places one search may have looked up."""

Parts = frozenset[tuple[str | None, str | None]]


class Open(NamedTuple):
    """`how`: `in`, `above` or `below`; `type` where it is a hierarchy of resources and `name` an id, else None."""

    how: str
    type: str | None
    name: str


def open_names(query: Query) -> set[Open]:
    """Everything to be looked up for a query; empty for nearly all. Raises TooCostly."""
    names = {name for clause in query.clauses if clause.modifier in token.LOOKED_UP for name in _names(clause)}
    if len(names) > MOST_NAMES:
        raise TooCostly(f"The search names more than {MOST_NAMES} value sets, codes and places to look up.")
    return names


def _names(clause: Clause) -> Iterable[Open]:
    how = "in" if clause.modifier == "not-in" else str(clause.modifier)
    if clause.parameter.kind == "token":
        return [Open(how, None, wanted.named) for wanted in clause.wanted if wanted.named is not None]
    if clause.parameter.kind == "reference":
        return [Open(how, wanted.type, wanted.id) for wanted in clause.wanted if wanted.among is None]
    return []


def meaning(name: Open) -> Asking[Any]:
    """A CodeSet, or the type and id of each resource. Raises Incorrect, TooCostly, Unsupported."""
    if name.type is not None:
        return (yield from (_over if name.how == "above" else _under)(name.type, name.name))
    if name.how == "in":
        return (yield from codes_in(name.name))
    system, _, code = name.name.rpartition("|")
    return (yield from codes_around(system, code, above=name.how == "above"))


def closed(query: Query, found: Mapping[Open, Any]) -> Query:
    """The query with what its names mean in their place."""
    if not found:
        return query
    return replace(query, clauses=tuple(_closed(clause, found) for clause in query.clauses))


def _closed(clause: Clause, found: Mapping[Open, Any]) -> Clause:
    names = _names(clause) if clause.modifier in token.LOOKED_UP else ()
    meanings = [found[name] for name in names]
    if not meanings:
        return clause
    if clause.parameter.kind == "token":
        codes = bounded(union(meanings), f"{clause.parameter.code}:{clause.modifier}")
        wanted = token.Wanted(None, None, codes=codes, implied=clause.wanted[0].implied)
        return replace(clause, wanted=(wanted,))
    among: Parts = frozenset().union(*meanings)
    return replace(clause, wanted=(reference.Wanted(None, None, among=among),))


def _under(type: str, id: str) -> Asking[Parts]:
    """A place or institution and all its parts, level by level; a circle ends where it began."""
    reached, fresh = {id}, {id}
    for _ in range(MOST_LEVELS):
        found = yield Need(type, parts_of=tuple(sorted(fresh)))
        fresh = {str(one.get("id")) for one in found} - reached
        reached |= fresh
        if not fresh or len(reached) > MOST_PARTS:
            break
    return _bounded(type, id, reached, fresh)


def _over(type: str, id: str) -> Asking[Parts]:
    """A place or institution and all it is part of."""
    reached, fresh = {id}, {id}
    for _ in range(MOST_LEVELS):
        found = yield Need(type, ids=tuple(sorted(fresh)))
        named = [reference.values([("Reference", one["partOf"])])[0] for one in found if one.get("partOf")]
        fresh = {one.id for one in named if one.id and one.type == type and one.url is None} - reached
        reached |= fresh
        if not fresh:
            break
    return _bounded(type, id, reached, fresh)


def _bounded(type: str, id: str, reached: set[str], fresh: set[str]) -> Parts:
    """`fresh`: those whose own parts were not asked for any more."""
    if fresh:
        raise TooCostly(
            f"{type}/{id[:64]} has more than {MOST_PARTS} parts or {MOST_LEVELS} levels; search around another one."
        )
    return frozenset((type, one) for one in reached)
