"""A search over all rows: match each, sort, cut a page, add what it includes.

Order, for both stores: by the keys of `_sort`, rows without a value last in either direction; without `_sort`, and
among equals, any order that stays the same from page to page. Here that is type and id.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from minkang.fhir.search.includes import ALL
from minkang.fhir.search.kinds import KINDS
from minkang.fhir.search.parameters import parameters_of
from minkang.fhir.search.query import Include, Query, Sort
from minkang.store.contract import Hit, Page
from minkang.store.memory.definitions import resolve
from minkang.store.memory.linking import without_links
from minkang.store.memory.matching import matches, refers_to, values_of
from minkang.store.memory.paging import Descending, one_page
from minkang.store.memory.rows import Row, Rows, admits
from minkang.store.scope import Scope


def search(rows: Rows, scope: Scope, query: Query) -> Page:
    found = matching_rows(rows, scope, query)
    total = len(found) if query.total != "none" or query.summary == "count" or query.count == 0 else None
    if query.summary == "count" or query.count == 0:
        return Page([], total=total)
    question = ("search", query.type, query.types, query.clauses, query.sort, query.compartment, scope)
    shown, more = one_page(rows, question, found, lambda row: _key(query.sort, row), query.count, query.cursor)
    hits = [Hit(row.stored) for row in shown]
    hits += [Hit(row.stored, "include") for row in _included(rows, scope, query, shown)]
    return Page(hits, next=more, total=total)


def matching_rows(rows: Rows, scope: Scope, query: Query) -> list[Row]:
    resolved = resolve(rows, scope, query)
    resolved = replace(resolved, clauses=tuple(without_links(rows, scope, one) for one in resolved.clauses))
    return [row for row in rows.living() if admits(scope, row) and matches(resolved, row)]


def _key(sort: tuple[Sort, ...], row: Row) -> tuple[Any, ...]:
    return (*(_sort_key(each, row) for each in sort), row.stored.type, row.stored.id)


def _sort_key(sort: Sort, row: Row) -> tuple[bool, Any]:
    key = KINDS[sort.parameter.kind].sort_key(values_of(row, sort.parameter), sort.descending)
    if key is None:
        return True, 0
    return False, Descending(key) if sort.descending else key


def _included(rows: Rows, scope: Scope, query: Query, shown: list[Row]) -> list[Row]:
    """What the page's rows refer to and what refers to them; with `:iterate` also from what was included."""
    included: list[Row] = []
    roots = shown
    while roots:
        first = roots is shown
        news = [
            row
            for row in rows.living()
            if admits(scope, row) and row not in shown and row not in included and _is_wanted(query, roots, row, first)
        ]
        included += news
        roots = news
    return included


def _is_wanted(query: Query, roots: list[Row], row: Row, first: bool) -> bool:
    """Whether a root includes this row, or this row reverse-includes a root."""
    return any(
        _points(include, root, row) for include in query.includes if first or include.iterate for root in roots
    ) or any(_points(include, row, root) for include in query.revincludes if first or include.iterate for root in roots)


def _points(include: Include, source: Row, target: Row) -> bool:
    if include.source not in (source.stored.type, ALL) or include.target not in (target.stored.type, None):
        return False
    known = parameters_of(source.stored.type)
    codes = [code for code in known if known[code].kind == "reference"] if include.code == ALL else [include.code]
    return any(refers_to(source, known[code], target.stored.type, target.stored.id) for code in codes if code in known)
