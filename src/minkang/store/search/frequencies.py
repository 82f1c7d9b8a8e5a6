"""How common a term is, as far as PostgreSQL's statistics tell: what decides whether an index is asked for it.

ANALYZE keeps the commonest elements of the arrays `keys` and `flags` with the part of all rows that carry them. A term
that covers more rows than a search will fetch stands among them for sure, so a search need not read a long posting list
to find out that it is long: at ten million rows that took seconds (docs/explanation/store.md).
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from minkang.kit.db import Connection
from minkang.store.sql import SQL

_FORGET = 600.0
"""Seconds after which what a search found out is asked again; by then the statistics may know it."""


@dataclass(slots=True)
class Frequencies:
    """`rows`: of the whole table; 0 before anything is known, and then nothing is common."""

    rows: float = 0.0
    _terms: dict[int, float] = field(default_factory=dict[int, float])
    _types: dict[int, float] = field(default_factory=dict[int, float])
    _least: float = 0.0
    _found: dict[int, tuple[float, float]] = field(default_factory=dict[int, tuple[float, float]])

    async def learn(self, connection: Connection[Any]) -> None:
        """Read the statistics anew."""
        found = await connection.fetchrow(SQL["frequencies"])
        if found is None or found["rows"] <= 0:
            return
        terms: dict[int, float] = {}
        least: list[float] = []
        for name in ("keys", "flags"):
            parts = list(zip(found[name] or (), found[f"{name}_parts"] or (), strict=False))
            terms |= {term: part * found["rows"] for term, part in parts}
            least += [min(part for _, part in parts)] if parts else []
        self._terms, self._least = terms, max(least, default=0.0)
        self._types = dict(zip(found["types"] or (), found["types_parts"] or (), strict=False))
        self.rows = found["rows"]

    def found(self, terms: Iterable[int], rows: float) -> None:
        """A search has met so many rows of these terms, which the statistics did not tell."""
        until = time.monotonic() + _FORGET
        if len(self._found) > 10_000:
            self._found.clear()
        self._found |= dict.fromkeys(terms, (rows, until))

    def of(self, group: Sequence[int]) -> float:
        """About how many rows carry one of these terms; 0 for few or unknown."""
        return sum(self._of(term) for term in group)

    def _of(self, term: int) -> float:
        rows = self._terms.get(term, 0.0)
        if rows == 0.0 and self._found:
            known, until = self._found.get(term, (0.0, 0.0))
            return known if until > time.monotonic() else 0.0
        return rows

    def part_of_type(self, group: Sequence[int], types: Sequence[int]) -> float:
        """About which part of the rows of these types carries one of these terms: an upper bound, 1 when unknown."""
        of_types = self.rows_of(types)
        if of_types <= 0:
            return 1.0
        return min(1.0, (self.of(group) or self._least * self.rows) / of_types)

    def rows_of(self, types: Sequence[int]) -> float:
        """About how many rows these types have; all of them for no type."""
        return self.rows * (sum(self._types.get(type, 0.0) for type in types) if types else 1.0)


UNKNOWN = Frequencies()
"""Before anything is known: for stores just opened, and in tests."""
