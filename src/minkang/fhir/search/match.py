"""Does a resource answer a query? The whole of it, by extracted values: the last word on every candidate row.

The PostgreSQL store finds a superset by hashed terms and asks here; only the parameters of the query are extracted.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import total_ordering
from typing import Any

from minkang.fhir.resource import Resource
from minkang.fhir.search.extraction import Elements
from minkang.fhir.search.kinds import KINDS
from minkang.fhir.search.query import Clause, Query, Sort


def matches(query: Query, tree: Resource) -> bool:
    """Type and all clauses; the compartment is left to the caller."""
    kind = tree["resourceType"]
    if (query.type is not None and kind != query.type) or (query.types and kind not in query.types):
        return False
    return all(clause_matches(clause, tree) for clause in query.clauses)


def clause_matches(clause: Clause, tree: Resource) -> bool:
    return elements_match(clause, clause.parameter.elements(tree))


def elements_match(clause: Clause, elements: Elements) -> bool:
    """`clause_matches` on elements that were extracted some other way."""
    kind = KINDS[clause.parameter.kind]
    values = kind.values(elements) if elements else []
    if clause.modifier == "missing":
        return clause.wanted[0] is not bool(values)
    if clause.modifier in ("not", "not-in"):
        # Includes resources that have no value at all (http://hl7.org/fhir/R4/search.html#token, `:not`).
        return not any(kind.matches(value, wanted, None) for value in values for wanted in clause.wanted)
    return any(kind.matches(value, wanted, clause.modifier) for value in values for wanted in clause.wanted)


def sort_values(sort: Sequence[Sort], tree: Resource) -> tuple[Any, ...]:
    """Per sort key what the resource sorts by: a str, int or Decimal, or None where it has no value."""
    return tuple(_sort_value(one, tree) for one in sort)


def sort_key(sort: Sequence[Sort], tree: Resource) -> tuple[Any, ...]:
    """A key for `sorted`: directions applied, missing values last in both."""
    return ordered(sort, sort_values(sort, tree))


def ordered(sort: Sequence[Sort], values: Sequence[Any]) -> tuple[Any, ...]:
    """`sort_key` from `sort_values` (of a row, or read back from a cursor)."""
    return tuple(
        (1, 0) if value is None else (0, Reversed(value) if one.descending else value)
        for one, value in zip(sort, values, strict=True)
    )


@total_ordering
class Reversed:
    """A value that sorts the other way round."""

    __slots__ = ("value",)

    def __init__(self, value: Any) -> None:
        self.value = value

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Reversed) and self.value == other.value

    def __lt__(self, other: Reversed) -> bool:
        return other.value < self.value

    def __hash__(self) -> int:
        return hash(self.value)


def _sort_value(one: Sort, tree: Resource) -> Any:
    kind = KINDS[one.parameter.kind]
    return kind.sort_key(kind.values(one.parameter.elements(tree)), one.descending)
