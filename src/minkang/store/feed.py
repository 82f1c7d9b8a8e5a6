"""What was written, in an order that a follower can trust. http://hl7.org/fhir/R4/http.html#history has no such thing.

Transactions commit in another order than they take their numbers, so a follower that remembers the highest batch id
misses the slow ones. Here one sequencer at a time gives every *committed* batch the next `position`; followers remember
positions only. A position is never given twice and never before its rows are visible.

A batch may hold one row or a hundred thousand, so a follower is given portions: some whole batches, or a part of a long
one. Where a portion ends is a `Place`; rows of a batch go by their names, which stay when a resource moves.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import accumulate
from typing import Any, NamedTuple

from minkang.kit.db import Connection
from minkang.store.contract import Stored
from minkang.store.rows import stored
from minkang.store.seal import Sealer
from minkang.store.sql import SQL
from minkang.store.types import NAMES, NUMBERS

_LOCK = 0x66656564  # "feed"
_AT_ONCE = 10_000

MOST_ROWS = 500
MOST_BYTES = 4 * 1024 * 1024
"""Of a portion: rows, and bytes of sealed contents (one row may be longer)."""

_FIRST = (-1, "", 0)
"""Before every type, id and version."""


class Place(NamedTuple):
    """How far a follower has come: all batches up to `position`, and of the next one the rows up to `inside`
    (`type id version`; empty: none)."""

    position: int
    inside: str = ""


@dataclass(frozen=True, slots=True)
class Change:
    """One version that a batch wrote. `sealed` is None where the content was not asked for; empty when `deleted`."""

    position: int
    batch: int
    actor: str
    source: str | None
    shard: int
    type: str
    id: str
    version: int
    org: int
    region: int
    updated: datetime
    deleted: bool
    sealed: bytes | None

    def stored(self, sealer: Sealer) -> Stored:
        """With its content, which must have been asked for."""
        row = {"type": NUMBERS[self.type], "id": self.id, "version": self.version, "updated": self.updated}
        return stored({**row, "content": self.sealed or b""}, sealer)


@dataclass(frozen=True, slots=True)
class Portion:
    """What comes next and where it ends. `changes` may be empty: a batch of which nothing is left."""

    changes: Sequence[Change]
    end: Place


Wants = Callable[["Connection[Any]"], Awaitable[frozenset[str] | None]]
"""Resource types whose contents are wanted; None: all. Asked when it is settled how far a portion may reach, so that
what is committed afterwards concerns later portions only."""


async def everything(_: Connection[Any]) -> None:
    """Wants the contents of all types."""


async def sequence(connection: Connection[Any]) -> int:
    """Give positions to what was committed since; 0 when there was nothing or another sequencer is at it."""
    async with connection.transaction():
        if not await connection.fetchval("SELECT pg_try_advisory_xact_lock($1)", _LOCK):
            return 0
        # A statement of its own: its snapshot must be younger than the lock.
        done = await connection.execute(SQL["sequence"], _AT_ONCE)
    return int(done.split()[-1])


async def portion(
    connection: Connection[Any], place: Place, wants: Wants = everything, *, rows: int = MOST_ROWS
) -> Portion | None:
    """What lies behind a place, at most `rows` rows; None when there is nothing."""
    batches = await connection.fetch(SQL["feed"], place.position, rows)
    if not batches:
        return None
    types = await wants(connection)
    numbers = None if types is None else [NUMBERS[one] for one in types]
    several = [] if place.inside else _fitting(batches, rows)
    if several:
        found = await _several(connection, several, numbers)
        if found is not None:
            return found
    return await _part(connection, batches[0], place.inside, numbers, rows)


def _fitting(batches: Sequence[Any], rows: int) -> list[Any]:
    """The first batches that together have at most `rows` rows."""
    totals = accumulate(batch["rows"] for batch in batches)
    return [batch for batch, total in zip(batches, totals, strict=True) if total <= rows]


async def _several(connection: Connection[Any], batches: Sequence[Any], types: list[int] | None) -> Portion | None:
    """Whole batches; None when their contents are too long to be held together."""
    ids = [batch["id"] for batch in batches]
    sizes = await connection.fetch(SQL["feed_sizes"], ids, *_FIRST, types, None)
    if sum(row["size"] for row in sizes) > MOST_BYTES:
        return None
    known = {batch["id"]: batch for batch in batches}
    found = await connection.fetch(SQL["feed_rows"], ids, *_FIRST, types, None)
    changes = [_change(row, known[row["batch"]]) for row in found]
    changes.sort(key=lambda change: change.position)  # stable: within a batch the order of names stays
    return Portion(changes, Place(batches[-1]["position"]))


async def _part(connection: Connection[Any], batch: Any, inside: str, types: list[int] | None, rows: int) -> Portion:
    """Some rows of one batch, or its rest."""
    begin = _inside(inside)
    sizes = await connection.fetch(SQL["feed_sizes"], [batch["id"]], *begin, types, rows + 1)
    totals = accumulate(row["size"] for row in sizes[:rows])
    count = max(1, sum(total <= MOST_BYTES for total in totals))
    found = await connection.fetch(SQL["feed_rows"], [batch["id"]], *begin, types, count)
    changes = [_change(row, batch) for row in found]
    if len(sizes) <= count or not changes:
        return Portion(changes, Place(batch["position"]))
    last = changes[-1]
    return Portion(changes, Place(batch["position"] - 1, f"{NUMBERS[last.type]} {last.id} {last.version}"))


async def change_of(connection: Connection[Any], batch: int, type: str, id: str, version: int) -> Change | None:
    """One change again; None when nothing of it is left."""
    row = await connection.fetchrow(SQL["feed_change"], batch, NUMBERS[type], id, version)
    return None if row is None else _change(row, row)


def _inside(inside: str) -> tuple[int, str, int]:
    if not inside:
        return _FIRST
    type, id, version = inside.split(" ")
    return int(type), id, int(version)


def _change(row: Mapping[str, Any], batch: Mapping[str, Any]) -> Change:
    return Change(
        batch["position"],
        row["batch"],
        batch["actor"],
        batch["source"],
        row["shard"],
        NAMES[row["type"]],
        row["id"],
        row["version"],
        row["org"],
        row["region"],
        row["updated"],
        row["deleted"],
        row["content"],
    )


async def position_of(connection: Connection[Any], consumer: str) -> int:
    """How far a follower has come; 0 before its first step."""
    return await connection.fetchval(SQL["cursor"], consumer) or 0


async def advance(connection: Connection[Any], consumer: str, place: Place) -> None:
    """Remember it; in the follower's own transaction, so that its effects and its position commit together."""
    await connection.execute(SQL["advance"], consumer, *place)
