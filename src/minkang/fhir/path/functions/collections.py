"""Existence, filtering, subsets, combining, trees."""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from functools import cmp_to_key
from typing import Any

from minkang.fhir.path import equality
from minkang.fhir.path.context import Failed, Nodes, Program, Run, single
from minkang.fhir.path.functions.registry import argument, condition, function
from minkang.fhir.path.model import children
from minkang.fhir.path.values import Node, boolean, plain, system

# --- existence -------------------------------------------------------------------------------------------------------


@function("empty")
def empty(run: Run, items: Nodes) -> Nodes:
    return boolean(not items)


@function("exists", 0, 1)
def exists(run: Run, items: Nodes, criteria: Program | None = None) -> Nodes:
    return boolean(bool(items if criteria is None else where(run, items, criteria)))


@function("all", 1)
def all_of(run: Run, items: Nodes, criteria: Program) -> Nodes:
    return boolean(all(map(condition, run.each(items, criteria))))


@function("allTrue")
def all_true(run: Run, items: Nodes) -> Nodes:
    return boolean(all(_booleans(items)))


@function("anyTrue")
def any_true(run: Run, items: Nodes) -> Nodes:
    return boolean(any(_booleans(items)))


@function("allFalse")
def all_false(run: Run, items: Nodes) -> Nodes:
    return boolean(not any(_booleans(items)))


@function("anyFalse")
def any_false(run: Run, items: Nodes) -> Nodes:
    return boolean(not all(_booleans(items)))


@function("not")
def negation(run: Run, items: Nodes) -> Nodes:
    if not items:
        return []
    return boolean(not condition(items))


@function("count")
def count(run: Run, items: Nodes) -> Nodes:
    return system(len(items))


@function("subsetOf", 1)
def subset_of(run: Run, items: Nodes, other: Program) -> Nodes:
    return boolean(keys(items) <= keys(other(run, run.this)))


@function("supersetOf", 1)
def superset_of(run: Run, items: Nodes, other: Program) -> Nodes:
    return boolean(keys(items) >= keys(other(run, run.this)))


@function("distinct")
def distinct(run: Run, items: Nodes) -> Nodes:
    found: dict[Hashable, Node] = {}
    for item in items:
        found.setdefault(equality.key(item), item)
    return list(found.values())


@function("isDistinct")
def is_distinct(run: Run, items: Nodes) -> Nodes:
    return boolean(len(keys(items)) == len(items))


# --- filtering and projection ----------------------------------------------------------------------------------------


@function("where", 1)
def where(run: Run, items: Nodes, criteria: Program) -> Nodes:
    return [item for item, found in zip(items, run.each(items, criteria), strict=True) if condition(found)]


@function("select", 1)
def select(run: Run, items: Nodes, projection: Program) -> Nodes:
    return [item for found in run.each(items, projection) for item in found]


@function("repeat", 1)
def repeat(run: Run, items: Nodes, projection: Program) -> Nodes:
    """What the projection finds in the items, then in what it found, until it finds nothing new."""
    found: dict[Hashable, Node] = {}
    while items:
        new: dict[Hashable, Node] = {}
        for item in select(run, items, projection):
            name = equality.key(item)
            if name not in found:
                new.setdefault(name, item)
        found |= new
        items = list(new.values())
    return list(found.values())


@function("aggregate", 1, 2)
def aggregate(run: Run, items: Nodes, aggregator: Program, start: Program | None = None) -> Nodes:
    kept = run.total
    try:
        run.total = [] if start is None else start(run, run.this)
        for item in items:
            run.total = run.each([item], aggregator)[0]
            run.spend(len(run.total))
        return run.total
    finally:
        run.total = kept


@function("sort", 0, 9)
def sort(run: Run, items: Nodes, *orders: tuple[Program, bool]) -> Nodes:
    """Empty keys come first, in both directions; -x is descending. Text goes by its characters' codes."""
    if not orders:
        orders = ((lambda run, context: context, False),)
    columns = [[_order(found) for found in run.each(items, program)] for program, _ in orders]
    rows = zip(items, *columns, strict=True)
    compare = _comparison([descending for _, descending in orders])
    return [row[0] for row in sorted(rows, key=cmp_to_key(compare))]


def _order(found: Nodes) -> Any:
    item = single(found, "an order")
    return None if item is None else plain(item)


def _comparison(descending: list[bool]) -> Any:
    def compare(left: tuple[Any, ...], right: tuple[Any, ...]) -> int:
        for one, other, down in zip(left[1:], right[1:], descending, strict=True):
            if one is None or other is None:
                if one is not other:
                    return -1 if one is None else 1
                continue
            found = equality.compare(one, other) or 0
            if found:
                return -found if down else found
        return 0

    return compare


# --- subsets and combinations ----------------------------------------------------------------------------------------


@function("single")
def single_item(run: Run, items: Nodes) -> Nodes:
    single(items, "single()")
    return items


@function("first")
def first(run: Run, items: Nodes) -> Nodes:
    return items[:1]


@function("last")
def last(run: Run, items: Nodes) -> Nodes:
    return items[-1:]


@function("tail")
def tail(run: Run, items: Nodes) -> Nodes:
    return items[1:]


@function("skip", 1)
def skip(run: Run, items: Nodes, number: Program) -> Nodes:
    return items[max(0, _integer(run, number)) :]


@function("take", 1)
def take(run: Run, items: Nodes, number: Program) -> Nodes:
    return items[: max(0, _integer(run, number))]


@function("intersect", 1)
def intersect(run: Run, items: Nodes, other: Program) -> Nodes:
    there = keys(other(run, run.this))
    return [item for item in distinct(run, items) if equality.key(item) in there]


@function("exclude", 1)
def exclude(run: Run, items: Nodes, other: Program) -> Nodes:
    there = keys(other(run, run.this))
    return [item for item in items if equality.key(item) not in there]


@function("union", 1)
def union(run: Run, items: Nodes, other: Program) -> Nodes:
    return distinct(run, [*items, *other(run, run.this)])


@function("combine", 1, 2)
def combine(run: Run, items: Nodes, other: Program, preserve: Program | None = None) -> Nodes:
    return [*items, *other(run, run.this)]


# --- trees -----------------------------------------------------------------------------------------------------------


@function("children")
def children_of(run: Run, items: Nodes) -> Nodes:
    return [child for item in items for child in children(item)]


@function("descendants")
def descendants(run: Run, items: Nodes) -> Nodes:
    found: Nodes = []
    while items:
        items = children_of(run, items)
        run.spend(len(items))
        found += items
    return found


def keys(items: Iterable[Node]) -> set[Hashable]:
    return {equality.key(item) for item in items}


def _booleans(items: Nodes) -> list[bool]:
    found = [plain(item) for item in items]
    if not all(isinstance(one, bool) for one in found):
        raise Failed("it takes booleans")
    return found


def _integer(run: Run, program: Program) -> int:
    found = argument(run, program)
    if not isinstance(found, int) or isinstance(found, bool):
        raise Failed("it takes an integer")
    return found
