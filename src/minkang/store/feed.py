"""What was written, in an order that a follower can trust. http://hl7.org/fhir/R4/http.html#history has no such thing.

Transactions commit in another order than they take their numbers, so a follower that remembers the highest batch id
misses the slow ones. Here one sequencer at a time gives every *committed* batch the next `position`; followers remember
positions only. A position is never given twice and never before its rows are visible.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from minkang.kit.db import Connection
from minkang.store.contract import Stored
from minkang.store.rows import stored
from minkang.store.seal import Sealer
from minkang.store.sql import SQL

_LOCK = 0x66656564  # "feed"
_AT_ONCE = 10_000


@dataclass(frozen=True, slots=True)
class Batch:
    """One committed transaction. `changes`: the versions it wrote; those superseded since come as they were."""

    position: int
    id: int
    updated: datetime
    source: str | None
    changes: Sequence[Stored]


async def sequence(connection: Connection[Any]) -> int:
    """Give positions to what was committed since; 0 when there was nothing or another sequencer is at it."""
    async with connection.transaction():
        if not await connection.fetchval("SELECT pg_try_advisory_xact_lock($1)", _LOCK):
            return 0
        # A statement of its own: its snapshot must be younger than the lock.
        done = await connection.execute(SQL["sequence"], _AT_ONCE)
    return int(done.split()[-1])


async def after(connection: Connection[Any], sealer: Sealer, position: int, *, limit: int = 100) -> list[Batch]:
    """The next batches behind a position, oldest first, at most `limit`."""
    batches = await connection.fetch(SQL["feed"], position, limit)
    changes: dict[int, list[Stored]] = {batch["id"]: [] for batch in batches}
    for row in await connection.fetch(SQL["feed_rows"], list(changes)):
        changes[row["batch"]].append(stored(row, sealer))
    return [
        Batch(batch["position"], batch["id"], batch["updated"], batch["source"], changes[batch["id"]])
        for batch in batches
    ]


async def position_of(connection: Connection[Any], consumer: str) -> int:
    """How far a follower has come; 0 before its first step."""
    return await connection.fetchval(SQL["cursor"], consumer) or 0


async def advance(connection: Connection[Any], consumer: str, position: int) -> None:
    """Remember it; in the follower's own transaction, so that its effects and its position commit together."""
    await connection.execute(SQL["advance"], consumer, position)
