"""Taking out by name what need not be kept, and how much room what bears a tag takes: for logs, not for records.

What must be kept still (store/retention.py) stays.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import NamedTuple

from minkang.fhir.resource import Resource, from_exact
from minkang.kit.db import Database
from minkang.store import shards
from minkang.store.bulk import keeping
from minkang.store.index import Indexer
from minkang.store.seal import Sealer
from minkang.store.sql import SQL
from minkang.store.types import NUMBERS
from minkang.store.write import columns


class Room(NamedTuple):
    """What was written last on a day (UTC): resources, and bytes as they are kept (compressed and sealed)."""

    day: date
    resources: int
    bytes: int


class Purge:
    """Of the whole store: only the platform itself is handed one."""

    def __init__(self, database: Database, sealer: Sealer, indexer: Indexer) -> None:
        self._database, self._sealer, self._indexer = database, sealer, indexer

    async def named(self, names: Sequence[tuple[str, str]]) -> int:
        """Expunge these (type, id), history included, in one transaction; those that are not there, and those that must
        be kept still, are passed over. The number of versions that went."""
        if not names:
            return 0
        numbers = [(NUMBERS[type], id) for type, id in names]
        async with self._database.transaction() as connection:
            located = await connection.fetch(SQL["locate"], *columns(numbers, 2))
            there = {(row["type"], row["id"]): row["shard"] for row in located}
            places = [there.get((NUMBERS[type], id)) or shards.natural(type, id) for type, id in names]
            keys = [(shard, *number) for shard, number in zip(places, numbers, strict=True)]
            kept = await keeping.kept(connection, self._sealer, keys)
            going = [key for key in keys if key not in kept]
            return await connection.fetchval(SQL["expunge_many"], *columns(going, 3))

    async def rooms(self, type: str, tag: Resource) -> list[Room]:
        """Of the resources of a type that bear a tag (a Coding), the newest day first. Looks at every row of the type,
        but not at what is in it."""
        bearer = from_exact({"resourceType": type, "meta": {"tag": [tag]}})
        terms = self._indexer.index(type, "", bearer)
        async with self._database.transaction() as connection:
            await connection.execute("SET LOCAL statement_timeout = 0")
            rows = await connection.fetch(SQL["rooms"], NUMBERS[type], [*terms.flags, *terms.keys])
        return [Room(row["day"], row["resources"], row["bytes"]) for row in rows]
