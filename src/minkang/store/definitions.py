"""What a search names and does not hold, looked up here: value sets, code systems, hierarchies of places, lists.

What a name means is remembered with the batches of all resources that it was made of. One statement per search asks
whether these are still the current ones, so a changed value set counts at once and an unchanged one costs no reading.

All of them are read within the caller's scope; value sets, code systems, places and institutions that no institution
wrote (what the operator loaded) by everybody.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from typing import Any, NamedTuple, TypeVar

import orjson

from minkang.fhir.resource import Resource
from minkang.fhir.search.query import Query
from minkang.fhir.search.resolving import Open, closed, meaning, open_names
from minkang.fhir.terminology.asking import Asking, Need, is_needed
from minkang.fhir.terminology.codesets import CodeSet
from minkang.kit.db import Connection
from minkang.store import shards
from minkang.store.rows import admits, stored
from minkang.store.scope import Scope
from minkang.store.seal import Sealer
from minkang.store.sql import SQL
from minkang.store.terms import TermHash
from minkang.store.types import NUMBERS

T = TypeVar("T")

REMEMBERED = 100_000
"""Codes and names that all meanings kept in memory may have together: some 15 MB."""

PUBLIC = frozenset(NUMBERS[type] for type in ("CodeSystem", "ConceptMap", "Location", "Organization", "ValueSet"))
"""Type numbers of what everybody may look up where no institution wrote it."""

_MOST = 10_000
"""Resources that one need may bring."""

Versions = frozenset[tuple[int, str, int]]
"""Type number, id and batch of resources: what was written since has another batch."""


class _Known(NamedTuple):
    meaning: Any
    needs: tuple[Need, ...]
    versions: Versions

    @property
    def size(self) -> int:
        """About how much there is to remember."""
        codes = self.meaning.codes if isinstance(self.meaning, CodeSet) else self.meaning
        return 10 + len(codes) + len(self.versions)


class Definitions:
    """One per process."""

    def __init__(self, sealer: Sealer, hash: TermHash):
        self._sealer = sealer
        self._hash = hash
        self._known: OrderedDict[tuple[Open, Scope], _Known] = OrderedDict()
        self._size = 0

    async def resolve(self, connection: Connection[Any], scope: Scope, query: Query) -> Query:
        """The query with everything it names looked up. Raises Incorrect for what is not here, TooCostly."""
        names = open_names(query)
        return closed(query, {name: await self._meaning(connection, scope, name) for name in sorted(names, key=repr)})

    async def _meaning(self, connection: Connection[Any], scope: Scope, name: Open) -> Any:
        known = self._known.get((name, scope))
        if known is None or await self._versions(connection, scope, known.needs) != known.versions:
            known = await self._found(connection, scope, name)
            self._remember((name, scope), known)
        else:
            self._known.move_to_end((name, scope))
        return known.meaning

    async def answer(self, connection: Connection[Any], scope: Scope, asking: Asking[T]) -> T:
        """Drive an asking; nothing is remembered."""
        try:
            need = next(asking)
            while True:
                need = asking.send(self._resources(await self._rows(connection, scope, (need,), contents=True), need))
        except StopIteration as done:
            return done.value

    def _remember(self, key: tuple[Open, Scope], known: _Known) -> None:
        """The least recently asked for go when there are too many."""
        old = self._known.pop(key, None)
        self._known[key] = known
        self._size += known.size - (old.size if old is not None else 0)
        while self._size > REMEMBERED:
            self._size -= self._known.popitem(last=False)[1].size

    async def _found(self, connection: Connection[Any], scope: Scope, name: Open) -> _Known:
        """Drive the asking of a meaning."""
        asking = meaning(name)
        needs: list[Need] = []
        versions: set[tuple[int, str, int]] = set()
        try:
            need = next(asking)
            while True:
                needs.append(need)
                rows = await self._rows(connection, scope, (need,), contents=True)
                versions |= _versions(rows)
                need = asking.send(self._resources(rows, need))
        except StopIteration as done:
            return _Known(done.value, tuple(needs), frozenset(versions))

    def _resources(self, rows: Sequence[Any], need: Need) -> list[Resource]:
        trees: list[Resource] = [orjson.loads(stored(row, self._sealer).content) for row in rows]
        return [tree for tree in trees if is_needed(need, tree)]

    async def _versions(self, connection: Connection[Any], scope: Scope, needs: tuple[Need, ...]) -> Versions:
        return _versions(await self._rows(connection, scope, needs, contents=False))

    async def _rows(
        self, connection: Connection[Any], scope: Scope, needs: tuple[Need, ...], *, contents: bool
    ) -> list[Any]:
        """A superset of what is needed, as far as it may be seen."""
        named = [(need.type, id) for need in needs for id in need.ids]
        rows = await connection.fetch(
            SQL["definitions"],
            sorted({NUMBERS[need.type] for need in needs}),
            [self._hash(term) for need in needs for term in _terms(need)],
            [shards.natural(*name) for name in named],
            [NUMBERS[type] for type, _ in named],
            [id for _, id in named],
            contents,
            _MOST,
        )
        return [
            row
            for row in rows
            if admits(scope, row["shard"], row["org"], row["region"])
            or (row["org"] == row["region"] == 0 and row["type"] in PUBLIC)
        ]


def _terms(need: Need) -> list[str]:
    """Index terms of what is needed (`params/uri.py`, `params/reference.py`)."""
    if need.url is not None:
        return [f"{need.type}|url|{need.url}"]
    if need.source is not None:
        return [f"{need.type}|source-system|{need.source}"]
    if need.target is not None:
        return [f"{need.type}|target-system|{need.target}"]
    return [f"{need.type}|partof|{need.type}/{id}" for id in need.parts_of]


def _versions(rows: Sequence[Any]) -> Versions:
    # By batch, not by version: what was expunged and made again begins with version 1 anew.
    return frozenset((row["type"], row["id"], row["batch"]) for row in rows)
