"""Taking out what a source sent, what some batches wrote, or what meets a search: in pieces, each one transaction.

A piece that was done is not there to be done again, so whoever starts anew with the saved state, or without it, goes
on. A resource that others had written too is not lost with a wrong import: what it was before becomes its newest
version again.

    only theirs                    a tombstone (delete), or nothing at all (expunge)
    theirs over somebody else's    the others' newest version again, as a new one; expunge: theirs go from history
    somebody else's over theirs    stays; expunge: theirs go from history
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

import asyncpg
import msgspec

from minkang.fhir.bulk import RemovalWish
from minkang.fhir.problem import Busy, Conflict
from minkang.fhir.resource import parse
from minkang.fhir.search.query import Query
from minkang.kit.db import Connection, Database, Unavailable
from minkang.store import retention, shards, transaction
from minkang.store.bulk import keeping, moment
from minkang.store.bulk.walk import Walk
from minkang.store.contract import Entry, Extract, Moment, Stored
from minkang.store.definitions import Definitions
from minkang.store.parameters import Parameters
from minkang.store.rows import check_writable, organization_number
from minkang.store.scope import Actor, Scope
from minkang.store.seal import Sealer, name_of
from minkang.store.search.scope_sql import scope_condition
from minkang.store.sql import SQL
from minkang.store.types import NAMES, NUMBERS
from minkang.store.write import Raced, Write, columns

PIECE = 5_000
"""Rows of one transaction, more or less: a few batches."""

_BATCHES = 1_000
_RESTORED = 100
"""Resources put back in one transaction: those are opened, indexed and sealed."""

_TRIES = 5
_RACES = (Raced, asyncpg.UniqueViolationError, asyncpg.SerializationError, asyncpg.DeadlockDetectedError)

Key = tuple[int, int, str]
"""Shard, type, id."""


@dataclass(slots=True)
class RemovalState:
    """How far it has come. `removed`: resources by type that are gone; `restored`: those that are again what others had
    written; `kept`: those that others wrote since; `versions`: rows that went, history included."""

    batch: int = 0
    place: str | None = None
    position: int = -1
    time: str = ""
    rows: int = 0
    done: float = 0.0
    over: bool = False
    removed: dict[str, int] = field(default_factory=dict[str, int])
    restored: int = 0
    kept: int = 0
    versions: int = 0

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, tree: dict[str, Any]) -> RemovalState:
        """Raises msgspec.ValidationError (a ValueError)."""
        return msgspec.convert(tree, cls)

    def add(self, done: _Done) -> None:
        """What a transaction did that was committed."""
        for _, type, _ in done.removed:
            self.removed[NAMES[type]] = self.removed.get(NAMES[type], 0) + 1
        self.restored += done.restored
        self.kept += done.kept
        self.versions += done.versions


class _Done(NamedTuple):
    removed: list[Key]
    restored: int
    kept: int
    versions: int


@dataclass(slots=True)
class _Piece:
    """What is to be done with the names of one transaction. `restore`: the version that is to be the newest again;
    `bare`: those whose newest version of others is a deletion."""

    alone: list[Key] = field(default_factory=list[Key])
    restore: dict[Key, int] = field(default_factory=dict[Key, int])
    bare: list[Key] = field(default_factory=list[Key])
    kept: list[Key] = field(default_factory=list[Key])


Save = Callable[[RemovalState], Awaitable[None]]


class Removal:
    """For one caller: what is not in the scope is not touched, and not counted."""

    def __init__(
        self,
        database: Database,
        sealer: Sealer,
        parameters: Parameters,
        definitions: Definitions,
        actor: Actor,
        scope: Scope,
    ):
        self._database = database
        self._sealer = sealer
        self._parameters = parameters
        self._indexer = parameters.indexer
        self._definitions = definitions
        self._actor = actor
        self._scope = scope

    async def run(self, wish: RemovalWish, save: Save, state: RemovalState | None = None) -> RemovalState:
        """Carry it out, or only count; the state in the end. Raises Forbidden for a type the scope may not write, and
        Conflict, before anything is done, where `expunge` would take out what must be kept still (store/retention.py).
        """
        state = state or RemovalState()
        if not state.over:
            if wish.mode == "expunge":
                await self._check_terms(wish)
            await (self._by_search(wish, save, state) if wish.filters else self._by_batch(wish, save, state))
            state.over, state.done = True, 1.0
            await save(state)
        return state

    # -- what must be kept --------------------------------------------------------------------------------------------

    async def _check_terms(self, wish: RemovalWish) -> None:
        for query in wish.queries():
            if query.type in retention.TYPES:
                walk = await self._walk([query], await moment.now(self._database))
                async for portion in walk.portions(None):
                    keeping.check(portion.versions)
        after = 0
        while not wish.filters and (batches := await self._some_batches(wish, after)):
            after = batches[-1]["id"]
            async with self._database.connection() as connection:
                names = await self._names(connection, [row["id"] for row in batches])
                await keeping.check_named(connection, self._sealer, names)

    # -- by batch -----------------------------------------------------------------------------------------------------

    async def _by_batch(self, wish: RemovalWish, save: Save, state: RemovalState) -> None:
        of_source = wish.source is not None
        chosen = wish.source if of_source else list(wish.batches)
        async with self._database.connection() as connection:
            total = await connection.fetchval(SQL["rows_of_source" if of_source else "rows_of_batches"], chosen)
        while True:
            batches = await self._some_batches(wish, state.batch)
            if not batches:
                return
            ids = [row["id"] for row in batches]
            state.add(await self._again(lambda connection, ids=ids: self._batches(connection, wish, ids)))
            state.batch = ids[-1]
            state.rows += sum(row["rows"] for row in batches)
            state.done = min(state.rows / max(total, 1), 1.0)
            await save(state)

    async def _some_batches(self, wish: RemovalWish, after: int) -> list[Any]:
        """The next of those chosen, as many as make one transaction."""
        listed = SQL["batches_named" if wish.source is None else "batches_of"]
        chosen = list(wish.batches) if wish.source is None else wish.source
        async with self._database.connection() as connection:
            return _some(await connection.fetch(listed, chosen, after, _BATCHES))

    async def _batches(self, connection: Connection[Any], wish: RemovalWish, batches: list[int]) -> _Done:
        names = await self._names(connection, batches)
        for type in {type for _, type, _ in names}:
            check_writable(self._scope, NAMES[type])
        piece = await self._sorted_out(connection, wish, names)
        versions = 0
        if not wish.dry_run:
            versions = await self._carry_out(connection, wish, piece, batches)
            await connection.execute(SQL["forget_receipts"], batches)
        return _Done([*piece.alone, *piece.bare], len(piece.restore), len(piece.kept), versions)

    async def _names(self, connection: Connection[Any], batches: list[int]) -> list[Key]:
        """What these batches wrote and is in scope, current or not."""
        arguments: list[Any] = [batches]
        conditions = " AND ".join(["batch = ANY ($1::bigint[])", *scope_condition(self._scope, arguments)])
        rows = await connection.fetch(
            f"SELECT shard, type, id FROM resource WHERE {conditions}"  # noqa: S608
            f" UNION SELECT shard, type, id FROM resource_version WHERE {conditions}",
            *arguments,
        )
        return sorted((row["shard"], row["type"], row["id"]) for row in rows)

    async def _sorted_out(self, connection: Connection[Any], wish: RemovalWish, names: list[Key]) -> _Piece:
        """Whose versions there are. The current rows are held first: what is decided then stays true."""
        current = {_key(row): row for row in await connection.fetch(SQL["hold_rows"], *columns(names, 3))}
        past = await connection.fetch(SQL["versions_with_batch"], *columns(names, 3))
        theirs = await self._theirs(connection, wish, {row["batch"] for row in [*current.values(), *past]})
        versions: dict[Key, list[Any]] = {key: [] for key in names}
        for row in past:
            versions[_key(row)].append(row)
        piece = _Piece()
        for key in names:
            _sort_out(piece, wish, key, current.get(key), versions[key], theirs)
        return piece

    async def _theirs(self, connection: Connection[Any], wish: RemovalWish, batches: set[int]) -> set[int]:
        if wish.source is None:
            return batches & set(wish.batches)
        rows = await connection.fetch(SQL["batches_from"], sorted(batches), wish.source)
        return {row["id"] for row in rows}

    async def _carry_out(
        self, connection: Connection[Any], wish: RemovalWish, piece: _Piece, batches: list[int]
    ) -> int:
        """How many rows went."""
        restored = sorted(piece.restore)
        for first in range(0, len(restored), _RESTORED):
            group = {key: piece.restore[key] for key in restored[first : first + _RESTORED]}
            await self._restore(connection, group)
        if wish.mode == "delete":
            return await self._entomb(connection, [*piece.alone, *piece.bare])
        versions = await self._expunge(connection, piece.alone)
        if piece.bare:
            await connection.execute(SQL["expunge_current"], *columns(piece.bare, 3))
        if shared := [*restored, *piece.kept, *piece.bare]:
            done = await connection.execute(SQL["expunge_versions"], *columns(shared, 3), batches)
            versions += int(done.split()[-1]) + len(piece.bare)
        return versions

    async def _restore(self, connection: Connection[Any], versions: dict[Key, int]) -> None:
        """What others had written is written again, by the ordinary way."""
        chosen = [(*key, version) for key, version in versions.items()]
        rows = await connection.fetch(SQL["some_versions"], *columns(chosen, 4))
        entries: list[Entry] = []
        for row in rows:
            type, id = NAMES[row["type"]], row["id"]
            text = self._sealer.open(row["content"], name_of(type, id, row["version"]))
            entries.append(Entry("PUT", type, id, parsed=parse(text)))
        await self._parameters.keep(connection)
        write = Write(connection, self._sealer, self._indexer, self._actor, self._scope)
        await transaction.open(write, entries)
        await transaction.perform(write, entries, _nobody)
        await write.flush()

    async def _entomb(self, connection: Connection[Any], keys: list[Key]) -> int:
        if not keys:
            return 0
        row = await connection.fetchrow(SQL["begin"], [transaction.EVERYBODY], [])
        assert row is not None  # noqa: S101 - it always answers
        whose = (organization_number(self._actor.organization), self._actor.division)
        told = (row["batch"], *whose, row["updated"], self._actor.reference)
        return await connection.fetchval(SQL["entomb_many"], *columns(keys, 3), *told)

    async def _expunge(self, connection: Connection[Any], keys: list[Key]) -> int:
        return await connection.fetchval(SQL["expunge_many"], *columns(keys, 3)) if keys else 0

    # -- by search ----------------------------------------------------------------------------------------------------

    async def _by_search(self, wish: RemovalWish, save: Save, state: RemovalState) -> None:
        """What met the search at one moment and has not been changed since."""
        queries = wish.queries()
        for query in queries:
            check_writable(self._scope, str(query.type))
        if state.position < 0:
            now = await moment.now(self._database)
            state.position, state.time = now.position, now.time.isoformat()
            await save(state)
        walk = await self._walk(queries, Moment(state.position, datetime.fromisoformat(state.time)))
        async for portion in walk.portions(state.place):
            if portion.versions:
                found = portion.versions
                state.add(await self._again(lambda connection, found=found: self._found(connection, wish, found)))
            state.place, state.done = portion.place, portion.done
            state.rows += len(portion.versions)
            await save(state)

    async def _walk(self, queries: Sequence[Query], at: Moment) -> Walk:
        async with self._database.connection() as connection:
            resolved = [await self._definitions.resolve(connection, self._scope, query) for query in queries]
        types = tuple(sorted({str(query.type) for query in queries}))
        extract = Extract(at, types=types, queries=tuple(resolved))
        return Walk(self._database, self._sealer, self._indexer.hash, self._scope, extract)

    async def _found(self, connection: Connection[Any], wish: RemovalWish, found: Sequence[Stored]) -> _Done:
        located = await connection.fetch(SQL["locate"], [NUMBERS[one.type] for one in found], [one.id for one in found])
        where = {(row["type"], row["id"]): row["shard"] for row in located}
        seen: dict[Key, int] = {}
        for one in found:
            name = (NUMBERS[one.type], one.id)
            seen[where.get(name) or shards.natural(one.type, one.id), *name] = one.version
        current = await connection.fetch(SQL["hold_rows"], *columns(sorted(seen), 3))
        keys = [_key(row) for row in current if seen[_key(row)] == row["version"]]
        versions = 0
        if not wish.dry_run:
            versions = await (self._entomb if wish.mode == "delete" else self._expunge)(connection, keys)
        return _Done(keys, 0, len(seen) - len(keys), versions)

    # -- edges --------------------------------------------------------------------------------------------------------

    async def _again(self, work: Callable[[Connection[Any]], Awaitable[_Done]]) -> _Done:
        """One transaction, again when somebody was quicker. Raises Conflict, Busy."""
        for _ in range(_TRIES):
            try:
                async with self._database.transaction() as connection:
                    await connection.execute("SET LOCAL statement_timeout = 0")
                    return await work(connection)
            except _RACES:
                continue
            except Unavailable as error:
                raise Busy("The database does not answer; what was removed is removed, the rest can go on.") from error
        raise Conflict("Others keep changing the same resources; try again.")


def _sort_out(piece: _Piece, wish: RemovalWish, key: Key, now: Any, past: Sequence[Any], theirs: set[int]) -> None:
    """One name. `now`: its current row, if there is one; `past`: its other versions."""
    others = [row for row in past if row["batch"] not in theirs]
    living = [row["version"] for row in others if not row["deleted"]]
    newest = max(past, key=lambda row: row["version"], default=None)
    if now is not None and now["batch"] not in theirs:
        piece.kept.append(key)
    elif not living:
        if now is not None or wish.mode == "expunge":
            piece.alone.append(key)
    elif now is None and newest is not None and newest["batch"] not in theirs:
        piece.kept.append(key)
    elif max(row["version"] for row in others) == max(living):
        piece.restore[key] = max(living)
    elif now is not None:
        piece.bare.append(key)
    else:
        piece.kept.append(key)


async def _nobody(_: Any) -> list[Stored]:
    """No entry of ours has a condition."""
    return []


def _some(batches: Sequence[Any]) -> list[Any]:
    """As many of the batches as make one transaction."""
    rows = 0
    for number, batch in enumerate(batches):
        rows += batch["rows"]
        if rows >= PIECE:
            return list(batches[: number + 1])
    return list(batches)


def _key(row: Any) -> Key:
    return (row["shard"], row["type"], row["id"])
