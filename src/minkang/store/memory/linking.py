"""Chains and `_has`, by asking every resource: which ones meet the inner clause, then who refers to them."""

from __future__ import annotations

from collections.abc import Iterable

from minkang.fhir.search.kinds import reference
from minkang.fhir.search.linking import chained, having, is_link
from minkang.fhir.search.query import CHAIN, Clause
from minkang.store.memory.matching import clause_matches, values_of
from minkang.store.memory.rows import Row, Rows, admits
from minkang.store.scope import Scope


def without_links(rows: Rows, scope: Scope, clause: Clause) -> Clause:
    """The clause as one about the resource itself, true for what the caller may see now."""
    if not is_link(clause):
        return clause
    if clause.modifier == CHAIN:
        return chained(
            clause,
            [
                (row.stored.type, row.stored.id)
                for one in clause.wanted
                for row in _meeting(rows, scope, one.type, one.clause)
            ],
        )
    return having(
        (value.type, value.id)
        for one in clause.wanted
        for row in _meeting(rows, scope, one.type, one.clause)
        for value in values_of(row, one.parameter)
        if isinstance(value, reference.Value) and value.url is None
    )


def _meeting(rows: Rows, scope: Scope, type: str, clause: Clause) -> Iterable[Row]:
    inner = without_links(rows, scope, clause)
    return [
        row for row in rows.living() if row.stored.type == type and admits(scope, row) and clause_matches(inner, row)
    ]
