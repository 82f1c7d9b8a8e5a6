"""Index rows that are there already by a search parameter that somebody added, or all rows by the rules of now.

Beside the running platform: the walk goes along the primary key, looks at some rows at a time and adds terms to those
that have something to be found by; a row that is changed meanwhile was indexed by whoever changed it. What is searched
by stays as it is until the walk is over and the editions are swapped, so nothing is missed on the way. A walk that was
broken off goes on where it was. One process at a time walks, by a lock of its session.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any, NamedTuple

import orjson

from minkang.fhir import custom_parameters as custom
from minkang.fhir.problem import Conflict, Problem
from minkang.fhir.resource import Parsed, Resource
from minkang.kit.db import Connection, Database
from minkang.store.index import Indexer
from minkang.store.parameters import EVERYTHING, KNOWN, Parameters, tell_current
from minkang.store.rows import stored
from minkang.store.seal import Sealer
from minkang.store.sql import SQL
from minkang.store.types import NAMES, NUMBERS

PORTION = 1_000
"""Rows looked at in one transaction."""

_LOCK = 0x72656978  # "reix"
_TYPE = NUMBERS["SearchParameter"]


class Indexed(NamedTuple):
    """What a row is to carry; None: leave what it has."""

    shard: int
    type: int
    id: str
    version: int
    keys: list[int]
    flags: list[int] | None = None
    date: int | None = None


class Reindexing:
    """Who indexes in this process. `known`: how long until everybody writes by a new edition."""

    def __init__(
        self, database: Database, sealer: Sealer, indexer: Indexer, parameters: Parameters, *, known: timedelta = KNOWN
    ) -> None:
        self._database = database
        self._sealer = sealer
        self._indexer = indexer
        self._parameters = parameters
        self._known = known
        self._last: set[tuple[str, int]] | None = None

    async def step(self) -> bool:
        """Take note of what SearchParameters there are, then index one portion. False when there is nothing to do now:
        everything is indexed, another process is at it, or not everybody knows yet."""
        async with self._database.connection() as connection:
            if not await connection.fetchval("SELECT pg_try_advisory_lock($1)", _LOCK):
                return False
            try:
                await self._note(connection)
                await self._parameters.read(connection)
                return await self._portion(connection)
            finally:
                if not connection.is_closed():
                    await connection.execute("SELECT pg_advisory_unlock($1)", _LOCK)

    async def _note(self, connection: Connection[Any]) -> None:
        """The table follows the resources: a new version is a new edition, and what is gone is retired."""
        rows = await connection.fetch(SQL["parameter_resources"], _TYPE)
        there = {(row["id"], row["batch"]) for row in rows}
        if there == self._last:
            return
        known = await connection.fetch(SQL["parameter_editions"])
        noted = {(row["id"], row["batch"]) for row in known if row["state"] != "replaced"}
        async with connection.transaction():
            for row in rows:
                if (row["id"], row["batch"]) not in noted:
                    await self._note_one(connection, row["shard"], row["id"])
            gone = [row["id"] for row in known if row["id"] not in {id for id, _ in there} | {EVERYTHING}]
            await connection.execute(SQL["parameter_forget"], gone)
            await connection.execute(SQL["parameter_retire"], gone)
        self._last = there

    async def _note_one(self, connection: Connection[Any], shard: int, id: str) -> None:
        row = await connection.fetchrow(SQL["parameter_resource"], shard, _TYPE, id)
        if row is None:
            return
        tree = orjson.loads(stored(row, self._sealer).content)
        await connection.execute(SQL["parameter_forget"], [id])
        if not custom.is_in_force(tree):
            await connection.execute(SQL["parameter_retire"], [id])
            return
        state, why = "waiting", ""
        try:
            custom.compiled(tree, 1)
            await _check_free(connection, id, tree)
        except Problem as problem:
            state, why = "refused", str(problem)
        await connection.execute(SQL["parameter_put"], id, row["batch"], state, orjson.dumps(tree).decode(), why)

    async def _portion(self, connection: Connection[Any]) -> bool:
        async with connection.transaction():
            edition = await connection.fetchrow(SQL["parameter_next"], self._known)
            if edition is None:
                return False
            begins = edition["shard"] < 0
            if begins and not edition["known"]:
                return False
        if begins and await connection.fetchval(SQL["parameter_others_since"], edition["changed"] + self._known):
            return False
        async with connection.transaction():
            return await self._walk(connection, edition)

    async def _walk(self, connection: Connection[Any], edition: Any) -> bool:
        types = self._types(edition)
        place = edition["shard"], edition["type"], edition["row_id"]
        rows = await connection.fetch(SQL["parameter_portion"], *place, types, PORTION)
        found = [one for one in (self._indexed(row, edition) for row in rows) if one is not None]
        if found:
            await connection.executemany(SQL["parameter_terms"], found)
        if rows:
            last = rows[-1]["shard"], rows[-1]["type"], rows[-1]["id"]
            await connection.execute(SQL["parameter_walked"], edition["generation"], *last, len(rows))
        if len(rows) < PORTION:
            await connection.execute(SQL["parameter_swap"], edition["generation"], edition["id"])
            if edition["id"] == EVERYTHING:
                await tell_current(connection)
        return True

    def _types(self, edition: Any) -> list[int] | None:
        if edition["id"] == EVERYTHING:
            return None
        return [NUMBERS[base] for base in orjson.loads(edition["definition"])["base"]]

    def _indexed(self, row: Any, edition: Any) -> Indexed | None:
        """None where nothing is to be added."""
        type, id, version = NAMES[row["type"]], row["id"], row["version"]
        name = (row["shard"], row["type"], id, version)
        tree, text = self._opened(row)
        if edition["id"] == EVERYTHING:
            terms = self._indexer.index(type, id, Parsed(tree, text))
            return Indexed(*name, terms.keys, terms.flags, terms.date)
        keys = set(row["keys"])
        more: set[int] = set()
        for one in custom.compiled(orjson.loads(edition["definition"]), edition["generation"]):
            if one.base == type:
                more |= self._indexer.terms_of(type, one, tree)
        return Indexed(*name, sorted(keys | more)) if more - keys else None

    def _opened(self, row: Any) -> tuple[Resource, bytes]:
        text = stored({**row, "updated": None}, self._sealer).content
        return orjson.loads(text), text


async def _check_free(connection: Connection[Any], id: str, tree: Resource) -> None:
    """Raises Conflict where another SearchParameter has the code on one of the types."""
    for row in await connection.fetch(SQL["parameter_editions"]):
        other: Resource = orjson.loads(row["definition"])
        if row["id"] in (id, EVERYTHING) or row["state"] in ("refused", "replaced") or other["code"] != tree["code"]:
            continue
        both = sorted(set(other["base"]) & set(tree["base"]))
        if both:
            raise Conflict(f"SearchParameter/{row['id']} gives {both[0]} the code {tree['code']!r} already.")


async def again(database: Database) -> None:
    """Have all rows indexed by the rules of now."""
    async with database.connection() as connection:
        await connection.execute(SQL["parameter_again"])
