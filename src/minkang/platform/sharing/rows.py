"""Resources to rows of an agreement. Only what its list of fields names leaves this file."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from minkang.fhir.path import evaluate
from minkang.fhir.resource import Resource, exact, instant
from minkang.fhir.search.match import clause_matches
from minkang.platform.sharing.agreement import Agreement
from minkang.store.contract import Repository, Stored

Row = Mapping[str, Any]
"""Texts, numbers and truths by column; None for nothing."""

BETWEEN = "; "
"""Between the values of an element that has several."""


async def rows(repository: Repository, agreement: Agreement, found: Sequence[Stored], *, all: bool) -> list[Row]:
    """A row for each that meets the agreement. Of one that does not, or is deleted, nothing is told but that: it may
    have met it before. `all`: nothing was given before, so nothing has to be taken back."""
    mine = [one for one in found if one.type == agreement.type]
    trees = [(one, exact(one.content)) for one in mine if not one.deleted]
    met = [(one, tree) for one, tree in trees if _meets(agreement, tree)]
    referred = await _referred(repository, agreement, [tree for _, tree in met])
    made = [_row(agreement, one, tree, referred) for one, tree in met]
    if all:
        return made
    names = {one.id for one, _ in met}
    return made + [_taken_back(agreement, one) for one in mine if one.id not in names]


def _meets(agreement: Agreement, tree: Resource) -> bool:
    return all(clause_matches(one, tree) for one in agreement.query.clauses)


async def _referred(repository: Repository, agreement: Agreement, trees: Iterable[Resource]) -> Mapping[str, Resource]:
    """By reference: what columns of other resources need."""
    elements = {one.of for one in agreement.columns if one.of}
    wanted = {_reference(tree, element) for tree in trees for element in elements}
    names = [(type, id) for type, slash, id in (one.partition("/") for one in sorted(wanted)) if slash]
    there = await repository.read_many(names)
    return {f"{type}/{id}": exact(one.content) for (type, id), one in there.items()}


def _reference(tree: Resource, element: str) -> str:
    """Of several the first; empty for none."""
    [first, *_] = evaluate(f"{element}.reference", tree) or [""]
    return str(first)


def _row(agreement: Agreement, one: Stored, tree: Resource, referred: Mapping[str, Resource]) -> Row:
    row: dict[str, Any] = {"resource_id": one.id, "updated": instant(one.updated), "deleted": False}
    for column in agreement.columns:
        source = referred.get(_reference(tree, column.of)) if column.of else tree
        row[column.name] = _value(evaluate(column.path, source)) if source is not None else None
    return row


def _taken_back(agreement: Agreement, one: Stored) -> Row:
    nothing = dict.fromkeys((column.name for column in agreement.columns), None)
    return {"resource_id": one.id, "updated": instant(one.updated), "deleted": True, **nothing}


def _value(found: Sequence[Any]) -> Any:
    """One text for however many there are. What has parts (a name, a coding) is no value: its path must go on."""
    told = [one for one in found if isinstance(one, (str, int, float, bool)) or hasattr(one, "as_tuple")]
    if len(told) == 1 and isinstance(told[0], bool):
        return told[0]
    return BETWEEN.join(str(one) for one in told) if told else None
