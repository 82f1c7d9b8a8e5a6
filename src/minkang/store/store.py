"""The store of one process: its connections, its keys, its repositories."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from pathlib import Path

from minkang.kit.db import Database
from minkang.store import distribution, feed
from minkang.store.bulk.desk import Desk
from minkang.store.bulk.purging import Purge
from minkang.store.bulk.removal import Removal
from minkang.store.bulk.running import Kind, Runner
from minkang.store.definitions import Definitions
from minkang.store.index import Indexer
from minkang.store.keys import KeyFileDamaged, Keys
from minkang.store.parameters import KNOWN, Parameters, is_current, tell_of_empty
from minkang.store.reindex import Reindexing
from minkang.store.repository import PostgresRepository
from minkang.store.scope import Actor, Scope
from minkang.store.seal import Sealer
from minkang.store.search.frequencies import Frequencies
from minkang.store.sql import SQL
from minkang.store.types import NAMES

SETTINGS = {
    "jit": "off",  # point queries only; compiling them costs more than running them
    # Starting a process for half of a statement that finds nothing: at seven million rows PostgreSQL thought it worth
    # while for each $everything, which then took 25 ms instead of 2.
    "max_parallel_workers_per_gather": "0",
    "statement_timeout": "60s",  # a search that needs longer is one that should have been refused
    "plan_cache_mode": "force_generic_plan",  # replanning cost 1.4-2.4 ms a search in a peer (performance.md)
}

_COUNTED = 200_000
"""Rows up to which a page counts exactly; chosen, not measured."""


class Store:
    """Open with `Store.open`; the only place that makes repositories."""

    def __init__(self, database: Database, keys: Keys):
        self.database = database
        self.keys = keys
        self.sealer = Sealer(keys)
        self.indexer = Indexer(keys)
        self.definitions = Definitions(self.sealer, self.indexer.hash)
        self.frequencies = Frequencies()
        self.parameters = Parameters(self.indexer)
        self.slow_search_ms = 0

    @classmethod
    async def open(cls, dsn: str, keys: Keys, *, connections: int = 8, slow_search_ms: int = 0) -> Store:
        """Connect to a migrated database. Raises KeyFileDamaged when the data was sealed with another key file."""
        store = cls(Database(dsn, connections, settings=SETTINGS), keys)
        store.slow_search_ms = slow_search_ms
        try:
            await store._begin()
        except BaseException:
            await store.close()
            raise
        return store

    async def _begin(self) -> None:
        async with self.database.connection() as connection:
            if await distribution.is_distributed(connection):
                self.database.use(SETTINGS | {"plan_cache_mode": distribution.PLAN_MODE})
                await connection.execute(f"SET plan_cache_mode = {distribution.PLAN_MODE}")
            await connection.execute(SQL["tell_fact"], "keys", self.keys.fingerprint)
            sealed_with = await connection.fetchval(SQL["fact"], "keys")
            if sealed_with != self.keys.fingerprint:
                raise KeyFileDamaged("This database was sealed with another key file; restore the one it belongs to.")
            await tell_of_empty(connection)
            await self.parameters.read(connection)

    def repository(self, actor: Actor, scope: Scope) -> PostgresRepository:
        """The door to the records for one caller."""
        known = (self.indexer, self.definitions, self.frequencies, self.parameters)
        return PostgresRepository(
            self.database, self.sealer, *known, actor, scope, slow=self.slow_search_ms / 1000 or None
        )

    def removal(self, actor: Actor, scope: Scope) -> Removal:
        """Who takes out for one caller what a source sent or a search finds."""
        return Removal(self.database, self.sealer, self.parameters, self.definitions, actor, scope)

    def purge(self) -> Purge:
        """Who takes out by name what logs need not keep."""
        return Purge(self.database, self.sealer, self.indexer)

    def desk(
        self,
        actor: Actor,
        scope: Scope,
        folder: Path,
        import_from: Path | None = None,
        import_urls: Sequence[str] = (),
    ) -> Desk:
        """Where one caller orders exports and the like; `folder` is where files of jobs lie, and below `import_from`
        lies what may be imported, below `import_urls` what may be fetched for it."""
        return Desk(self.database, self.sealer, actor, scope, folder, import_from, import_urls)

    def runner(self, folder: Path, keep: timedelta, kinds: Mapping[str, Kind] | None = None) -> Runner:
        """Who carries those orders out."""
        return Runner(self.database, self.keys, self.repository, self.removal, folder, keep, kinds or {})

    async def counts(self) -> dict[str, int]:
        """Current resources by type, over everybody: for operators' pages only. Estimated where the store is large."""
        async with self.database.connection() as connection:
            large = await connection.fetchval(SQL["rows"]) > _COUNTED
            rows = await connection.fetch(SQL["estimated_counts" if large else "counts"])
            return {NAMES[row["type"]]: row["rows"] for row in rows}

    def reindexing(self, known: timedelta = KNOWN) -> Reindexing:
        """Who indexes what is there by search parameters that are new."""
        return Reindexing(self.database, self.sealer, self.indexer, self.parameters, known=known)

    async def read_parameters(self) -> None:
        """Read anew which search parameters were added; see parameters.py."""
        async with self.database.connection() as connection:
            await self.parameters.read(connection)

    async def is_indexed(self) -> bool:
        """Whether all rows are indexed by the rules of this version."""
        async with self.database.connection() as connection:
            return await is_current(connection)

    async def learn(self) -> None:
        """Read anew how common terms are; see search/frequencies.py."""
        async with self.database.connection() as connection:
            await self.frequencies.learn(connection)

    async def answers(self) -> bool:
        """Whether the database answers now."""
        try:
            async with self.database.connection() as connection:
                return await connection.fetchval("SELECT true")
        except Exception:
            return False

    async def sequence(self) -> int:
        """Let the feed advance; see feed.py."""
        async with self.database.connection() as connection:
            return await feed.sequence(connection)

    async def close(self) -> None:
        await self.database.close()
