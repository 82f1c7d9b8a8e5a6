"""What a search names and does not hold, looked up anew for every search (`store/definitions.py` remembers)."""

from __future__ import annotations

from typing import Any, TypeVar

from minkang.fhir.search.query import Query
from minkang.fhir.search.resolving import Open, closed, meaning, open_names
from minkang.fhir.terminology.asking import Asking, is_needed
from minkang.store.memory.rows import Row, Rows, admits
from minkang.store.scope import Scope

T = TypeVar("T")


def resolve(rows: Rows, scope: Scope, query: Query) -> Query:
    return closed(query, {name: _meaning(rows, scope, name) for name in sorted(open_names(query), key=repr)})


def _meaning(rows: Rows, scope: Scope, name: Open) -> Any:
    return answer(rows, scope, meaning(name))


def answer(rows: Rows, scope: Scope, asking: Asking[T]) -> T:
    """Drive an asking with what the scope may see."""
    visible = [row.tree for row in rows.living() if row.tree is not None and (admits(scope, row) or _is_public(row))]
    try:
        need = next(asking)
        while True:
            need = asking.send([tree for tree in visible if is_needed(need, tree)])
    except StopIteration as done:
        return done.value


def _is_public(row: Row) -> bool:
    """Whether everybody may look it up: a definition that no institution wrote."""
    types = ("CodeSystem", "ConceptMap", "Location", "Organization", "ValueSet")
    return row.stored.type in types and row.organization is None and row.division == 0
