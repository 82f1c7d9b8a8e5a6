"""What the hits point at and what points at them. http://hl7.org/fhir/R4/search.html#include

Included rows are read within the caller's scope like any others; what is out of scope or gone is left out silently, as
the standard has it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import orjson

from minkang.fhir.problem import TooCostly
from minkang.fhir.references import parse
from minkang.fhir.search.includes import ALL
from minkang.fhir.search.parameters import SearchParameter, parameter, parameters_of
from minkang.fhir.search.query import Include, Query
from minkang.kit.db import Connection
from minkang.store.contract import Hit, Stored
from minkang.store.index_rules import alias
from minkang.store.read import read_many
from minkang.store.rows import Name, stored
from minkang.store.scope import Scope
from minkang.store.seal import Sealer
from minkang.store.search.scope_sql import scope_condition
from minkang.store.terms import TermHash
from minkang.store.types import NUMBERS

MOST = 1_000
"""Included resources a page carries at most; with more the page itself must be smaller."""

_TERMS = 20_000
"""Terms one reverse include may ask for."""

_ROUNDS = 5
"""How far `:iterate` follows."""


async def included(
    connection: Connection[Any],
    sealer: Sealer,
    hash: TermHash,
    scope: Scope,
    query: Query,
    matches: Sequence[Stored],
) -> list[Hit]:
    """The included resources of a page, each once, none that is a match already."""
    known = {(one.type, one.id) for one in matches}
    extra: list[Stored] = []
    fresh, first = list(matches), True
    for _ in range(_ROUNDS):
        forward = [one for one in query.includes if first or one.iterate]
        backward = [one for one in query.revincludes if first or one.iterate]
        names = {name for source in fresh for name in _pointed_at(source, forward)} - known
        found = list((await read_many(connection, sealer, scope, sorted(names))).values())
        for one in backward:
            found += await _pointing(connection, sealer, hash, scope, one, fresh)
        fresh = [one for one in {(one.type, one.id): one for one in found}.values() if (one.type, one.id) not in known]
        if not fresh:
            break
        known |= {(one.type, one.id) for one in fresh}
        extra += fresh
        first = False
    return [Hit(one, "include") for one in extra[:MOST]]


def _pointed_at(source: Stored, includes: Iterable[Include]) -> set[Name]:
    mine = [include for include in includes if include.source in (source.type, "*")]
    if not mine:
        return set()
    tree = orjson.loads(source.content)
    return {
        name
        for include in mine
        for one in _parameters(source.type, include.code)
        for _, element in one.elements(tree)
        if (name := _target(element)) and include.target in (None, name[0])
    }


def _parameters(type: str, code: str) -> list[SearchParameter]:
    if code == "*":
        return [one for one in parameters_of(type).values() if one.kind == "reference"]
    one = parameter(type, code)
    return [one] if one is not None and one.kind == "reference" else []


def _target(element: Any) -> Name | None:
    """The local resource a Reference or canonical names."""
    text: Any = element if isinstance(element, str) else element.get("reference")
    found = parse(text) if isinstance(text, str) else None
    return (found.type, found.id) if found and found.type and found.id and found.base is None else None


def _codes(type: str, code: str) -> set[str]:
    """Codes under which a type's references stand in the index."""
    return {own for one in _parameters(type, code) for own in alias(one, type) or (one.stem,)}


async def _pointing(
    connection: Connection[Any],
    sealer: Sealer,
    hash: TermHash,
    scope: Scope,
    include: Include,
    targets: Sequence[Stored],
) -> list[Stored]:
    names = [f"{one.type}/{one.id}" for one in targets if include.target in (None, one.type)]
    sources = NUMBERS if include.source == ALL else [include.source]
    terms = {hash(f"{type}|{code}|{name}") for type in sources for code in _codes(type, include.code) for name in names}
    if not terms:
        return []
    if len(terms) > _TERMS:
        raise TooCostly("The _revinclude names too much for this many hits; name a type and a parameter.")
    arguments: list[Any] = [sorted(terms)]
    conditions = ["keys && $1", *scope_condition(scope, arguments)]
    text = f"SELECT * FROM resource WHERE {' AND '.join(conditions)} LIMIT {MOST}"  # noqa: S608
    return [stored(row, sealer) for row in await connection.fetch(text, *arguments)]
