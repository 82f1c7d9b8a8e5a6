"""The moment an export shows: everything the feed had reached then, and nothing that came later.

`position` decides. `time` is such that whatever comes later has a later `updated` (or the same): it saves asking for
the position of nearly every row, and is what the next export gives as `_since` without missing a transaction that was
under way now (http://hl7.org/fhir/uv/bulkdata/STU2/export.html#response---output-manifest, transactionTime).
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Any

from minkang.kit.db import Connection, Database
from minkang.store import feed
from minkang.store.contract import Moment
from minkang.store.sql import SQL

_PAUSE = 0.02


async def now(database: Database) -> Moment:
    """Everything committed when this was called is in it."""
    async with database.connection() as connection:
        time = await connection.fetchval(SQL["quiet_since"])  # first: a transaction that commits meanwhile began later
        ends = await connection.fetchval(SQL["last_batch"])
        while True:
            await feed.sequence(connection)
            if not await connection.fetchval(SQL["unsequenced_to"], ends):
                break
            await asyncio.sleep(_PAUSE)  # another sequencer is at it, or there were more than it numbers at once
        position = await connection.fetchval(SQL["last_position"])
    return Moment(position, time)


async def inside(connection: Connection[Any], position: int, batches: Iterable[int]) -> set[int]:
    """Those of the batches that the moment shows."""
    rows = await connection.fetch(SQL["batches_inside"], list(batches), position)
    return {row["id"] for row in rows}
