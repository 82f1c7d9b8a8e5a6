"""What a search names and must be looked up before it can be answered: value sets, code systems, hierarchies, lists.

The grammar knows no store, so such a clause holds only the name. A store collects the names (`open_names`), finds what
each means (`meaning`, pure: it asks for the resources it needs) and puts it in (`closed`).
http://hl7.org/fhir/R4/search.html#modifiers (`:in`, `:not-in`, `:above`, `:below`), #list
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any, NamedTuple

from minkang.fhir.problem import Incorrect, TooCostly
from minkang.fhir.search.kinds import listed, reference, token
from minkang.fhir.search.linking import inner_clauses, is_link
from minkang.fhir.search.query import Clause, Query
from minkang.fhir.terminology.asking import Asking, Need
from minkang.fhir.terminology.codesets import union
from minkang.fhir.terminology.valuesets import bounded, codes_around, codes_in

MOST_PARTS = 5_000
"""Places or institutions one `:below` may hold."""

MOST_LEVELS = 30
"""Levels of one hierarchy of places or institutions."""

MOST_LISTED = 10_000
"""Resources of one List."""

MOST_NAMES = 50
"""Value sets, codes, places and lists one search may have looked up."""

Parts = frozenset[tuple[str | None, str | None]]


class Open(NamedTuple):
    """`how`: `in`, `above`, `below` or `list`; `type` where resources are looked for and `name` is an id, else None."""

    how: str
    type: str | None
    name: str


def open_names(query: Query) -> set[Open]:
    """Everything to be looked up for a query; empty for nearly all. Raises TooCostly."""
    names = {name for clause in query.clauses for name in _names(clause)}
    if len(names) > MOST_NAMES:
        raise TooCostly(f"The search names more than {MOST_NAMES} value sets, codes, places and lists to look up.")
    return names


def _names(clause: Clause) -> Iterable[Open]:
    kind = clause.parameter.kind
    if is_link(clause):
        return [name for inner in inner_clauses(clause) for name in _names(inner)]
    if kind == "listed" and clause.modifier is None:
        return [Open("list", "List", wanted.list) for wanted in clause.wanted if wanted.among is None]
    if clause.modifier not in token.LOOKED_UP:
        return ()
    how = "in" if clause.modifier == "not-in" else clause.modifier
    if kind == "token":
        return [Open(how, None, wanted.named) for wanted in clause.wanted if wanted.named is not None]
    if kind == "reference":
        return [Open(how, wanted.type, wanted.id) for wanted in clause.wanted if wanted.among is None]
    return ()


def meaning(name: Open) -> Asking[Any]:
    """A CodeSet, or the type and id of each resource. Raises Incorrect, TooCostly, Unsupported."""
    if name.how == "list":
        return (yield from _members(name.name))
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
    meanings = [found[name] for name in _names(clause)]
    if not meanings:
        return clause
    if is_link(clause):
        return replace(clause, wanted=tuple(replace(one, clause=_closed(one.clause, found)) for one in clause.wanted))
    if clause.parameter.kind == "token":
        codes = bounded(union(meanings), f"{clause.parameter.code}:{clause.modifier}")
        wanted = token.Wanted(None, None, codes=codes, implied=clause.wanted[0].implied)
        return replace(clause, wanted=(wanted,))
    among: Parts = frozenset().union(*meanings)
    if clause.parameter.kind == "listed":
        return replace(clause, wanted=(listed.Wanted("", among),))
    return replace(clause, wanted=(reference.Wanted(None, None, among=among),))


def _members(id: str) -> Asking[Parts]:
    """What a List holds; not what it says was removed."""
    for one in (yield Need("List", ids=(id,))):
        entries = [entry for entry in one.get("entry") or () if not entry.get("deleted")]
        if len(entries) > MOST_LISTED:
            raise TooCostly(f"List/{id} has more than {MOST_LISTED} entries.")
        items = reference.values([("Reference", entry["item"]) for entry in entries if entry.get("item")])
        return frozenset((item.type, item.id) for item in items if item.id and item.url is None)
    raise Incorrect(f"There is no List/{id}.")


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
