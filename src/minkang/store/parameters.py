"""Which search parameters somebody added, as one process knows it.

The table `search_parameter` holds an edition of each a row. An edition waits until every row is indexed by it
(`reindex.py`) and is then active; before that the former edition answers. A process reads the table twice a second, and
before a write when it has not for longer than `LEASE`: so from `KNOWN` after an edition was put down, whatever is
written carries its terms, and one walk over the rows that were there before is enough.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any, NamedTuple

import orjson
import structlog

from minkang.fhir import custom_parameters as custom
from minkang.fhir.problem import Problem
from minkang.fhir.search.parameters import Added, SearchParameter
from minkang.kit.db import Connection
from minkang.store.index import Indexer
from minkang.store.index_rules import fingerprint
from minkang.store.shards import BITS
from minkang.store.sql import SQL

PAUSE = 0.5
"""Seconds between two looks of a process."""

LEASE = 1.0
"""Seconds a process may go on writing by what it read."""

KNOWN = timedelta(seconds=3)
"""After this every process writes by an edition. More than LEASE, for a write prepares its rows before it sends them;
one that takes longer than a second begins anew (`write_fresh`), the others are waited for by their transactions."""

EVERYTHING = "*"
"""In the place of an id: not one parameter, but all rows by the rules of now."""

NOTHING = Added({}, {})

log = structlog.get_logger(__name__)


class Edition(NamedTuple):
    """A row of the table. `done`: the part of all rows that is indexed by it, 0 to 1."""

    generation: int
    id: str
    state: str
    definition: dict[str, Any]
    why: str
    rows: int
    done: float


class Parameters:
    """One per process; an `Adding` of fhir/search/parameters.py. `added` is what to search by, and the indexer is told
    what to write by."""

    def __init__(self, indexer: Indexer, clock: Callable[[], float] = time.monotonic) -> None:
        self.indexer = indexer
        self.version = 0
        """Grows whenever there is something else to write by."""
        self._clock = clock
        self._read_at = -LEASE
        self._seen: list[Any] = []
        self._compiled: dict[int, tuple[SearchParameter, ...]] = {}
        self.added = NOTHING

    async def keep(self, connection: Connection[Any]) -> None:
        """Read the table if that was too long ago to write by."""
        if self._clock() - self._read_at > LEASE:
            await self.read(connection)

    async def read(self, connection: Connection[Any]) -> None:
        began = self._clock()
        rows = await connection.fetch(SQL["parameter_editions"])
        seen = [(row["generation"], row["state"], row["shard"]) for row in rows]
        if seen != self._seen:
            self._take(rows)
            self._seen = seen
        self._read_at = began

    def _take(self, rows: Sequence[Any]) -> None:
        writing: dict[str, list[SearchParameter]] = {}
        ready: dict[str, dict[str, SearchParameter]] = {}
        waiting: dict[tuple[str, str], str] = {}
        for edition in map(edition_of, rows):
            if edition.state == "refused":
                _say(waiting, edition, f"SearchParameter/{edition.id} was refused: {edition.why}")
            elif edition.state == "waiting":
                told = f"SearchParameter/{edition.id} is being indexed, {edition.done:.0%} done; ask again when it is."
                _say(waiting, edition, told)
            for one in self._of(edition):
                if edition.state in ("waiting", "active", "replaced"):
                    writing.setdefault(one.base, []).append(one)
                if edition.state == "active":
                    ready.setdefault(one.base, {})[one.code] = one
        self.indexer.add(writing)
        self.version += 1
        self.added = Added(ready, waiting)

    def _of(self, edition: Edition) -> tuple[SearchParameter, ...]:
        """What an edition means; nothing for one that was refused, or that an older release took and this one not."""
        if edition.id == EVERYTHING or edition.state == "refused":
            return ()
        found = self._compiled.get(edition.generation)
        if found is None:
            try:
                found = custom.compiled(edition.definition, edition.generation)
            except Problem as problem:
                log.error("an added search parameter is not understood", parameter=edition.id, why=str(problem))
                found = ()
            self._compiled[edition.generation] = found
        return found


def edition_of(row: Any) -> Edition:
    return Edition(
        row["generation"],
        row["id"],
        row["state"],
        orjson.loads(row["definition"]),
        row["why"],
        row["rows"],
        max(row["shard"], 0) / 2**BITS,
    )


def _say(waiting: dict[tuple[str, str], str], edition: Edition, words: str) -> None:
    for base in edition.definition.get("base", ()):
        waiting[base, str(edition.definition.get("code"))] = words


async def is_current(connection: Connection[Any]) -> bool:
    """Whether all rows are indexed by the rules of now; rows of an older version may lack terms."""
    return await connection.fetchval(SQL["fact"], "index_rules") == fingerprint()


async def tell_current(connection: Connection[Any]) -> None:
    await connection.execute(SQL["tell_anew"], "index_rules", fingerprint())


async def tell_of_empty(connection: Connection[Any]) -> None:
    """Where nothing is there yet, nothing is indexed by other rules."""
    if not await connection.fetchval(SQL["parameter_any_row"]):
        await tell_current(connection)


async def editions(connection: Connection[Any]) -> list[Edition]:
    """For who wants to see them."""
    return [edition_of(row) for row in await connection.fetch(SQL["parameter_editions"])]
