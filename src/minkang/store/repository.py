"""The door to the records: a repository bound to an actor and a scope. The contract is in contract.py.

Thin on purpose: each method opens the connection or transaction it needs and hands over to read, write, history,
transaction or search. Nothing here knows SQL.
"""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime
from typing import Any, TypeVar

import asyncpg

from minkang.fhir.problem import Busy, Conflict, Incorrect, PreconditionFailed
from minkang.fhir.resource import Parsed
from minkang.fhir.search.query import Query
from minkang.fhir.terminology.asking import Asking
from minkang.kit.db import Connection, Database, Unavailable
from minkang.store import history, read, transaction
from minkang.store.bulk import moment
from minkang.store.bulk.walk import Walk
from minkang.store.contract import Entry, Extract, HistoryPage, Moment, Page, Portion, Stored, Written
from minkang.store.definitions import Definitions
from minkang.store.fresh import FreshWrite, NotFresh, suits
from minkang.store.index import Indexer
from minkang.store.parameters import Parameters
from minkang.store.rows import admits, check_writable
from minkang.store.scope import Actor, Scope
from minkang.store.seal import Sealer
from minkang.store.search import everything, page
from minkang.store.search.frequencies import Frequencies
from minkang.store.sql import SQL
from minkang.store.types import NUMBERS
from minkang.store.write import Raced, Write

T = TypeVar("T")

_TRIES = 5
"""Writers of one name wait for each other; only names found by a criterion can still be raced for."""

_RACES = (Raced, asyncpg.UniqueViolationError, asyncpg.SerializationError, asyncpg.DeadlockDetectedError)


class PostgresRepository:
    """Implements `contract.Repository` on PostgreSQL."""

    def __init__(
        self,
        database: Database,
        sealer: Sealer,
        indexer: Indexer,
        definitions: Definitions,
        frequencies: Frequencies,
        parameters: Parameters,
        actor: Actor,
        scope: Scope,
        *,
        slow: float | None = None,
    ):
        self._database = database
        self._sealer = sealer
        self._indexer = indexer
        self._definitions = definitions
        self._frequencies = frequencies
        self._parameters = parameters
        self._actor = actor
        self._scope = scope
        self._slow = slow
        self._inside: Connection[Any] | None = None

    # -- reading ------------------------------------------------------------------------------------------------------

    async def read(self, type: str, id: str) -> Stored:
        async with self._reading() as connection:
            return await read.read(connection, self._sealer, self._scope, type, id)

    async def read_many(self, names: Iterable[tuple[str, str]]) -> Mapping[tuple[str, str], Stored]:
        async with self._reading() as connection:
            return await read.read_many(connection, self._sealer, self._scope, names)

    async def vread(self, type: str, id: str, version: int) -> Stored:
        async with self._reading() as connection:
            return await read.vread(connection, self._sealer, self._scope, type, id, version)

    async def history(
        self,
        type: str | None = None,
        id: str | None = None,
        *,
        since: datetime | None = None,
        at: datetime | None = None,
        count: int = 20,
        cursor: str | None = None,
    ) -> HistoryPage:
        async with self._reading() as connection:
            here = (connection, self._sealer, self._scope)
            if type is not None and id is not None:
                return await history.of_instance(*here, type, id, since=since, at=at, count=count, cursor=cursor)
            return await history.of_many(*here, type, since=since, at=at, count=count, cursor=cursor)

    async def search(self, query: Query) -> Page:
        async with self._reading() as connection:
            query = await self._definitions.resolve(connection, self._scope, query)
            here = (connection, self._sealer, self._indexer.hash, self._scope)
            return await page.search(*here, query, self._frequencies, slow=self._slow)

    async def ask(self, asking: Asking[T]) -> T:
        async with self._reading() as connection:
            return await self._definitions.answer(connection, self._scope, asking)

    async def everything(
        self,
        patient: str,
        *,
        types: Sequence[str] = (),
        since: datetime | None = None,
        start: str | None = None,
        end: str | None = None,
        count: int = 1000,
        cursor: str | None = None,
    ) -> Page:
        async with self._reading() as connection:
            here = (connection, self._sealer, self._indexer.hash, self._scope)
            wish = everything.Wish(patient, tuple(types), since, start, end, count, cursor)
            return await everything.everything(*here, wish)

    async def moment(self) -> Moment:
        async with self._translated():
            return await moment.now(self._database)

    async def export(self, extract: Extract, *, after: str | None = None) -> AsyncIterator[Portion]:
        async with self._translated():
            async with self._database.connection() as connection:
                known = [await self._definitions.resolve(connection, self._scope, query) for query in extract.queries]
            extract = replace(extract, queries=tuple(known))
            async for portion in Walk(self._database, self._sealer, self._indexer.hash, self._scope, extract).portions(
                after
            ):
                yield portion

    # -- writing ------------------------------------------------------------------------------------------------------

    async def create(self, type: str, parsed: Parsed, *, if_none_exist: Query | None = None) -> Written:
        return await self._one(Entry("POST", type, parsed=parsed, condition=if_none_exist))

    async def update(
        self, type: str, id: str, parsed: Parsed, *, if_match: int | None = None, if_none_match: str | None = None
    ) -> Written:
        return await self._one(Entry("PUT", type, id, parsed=parsed, if_match=if_match, if_none_match=if_none_match))

    async def update_where(self, query: Query, parsed: Parsed, *, if_match: int | None = None) -> Written:
        return await self._one(Entry("PUT", str(query.type), parsed=parsed, if_match=if_match, condition=query))

    async def patch(
        self, type: str, id: str, change: Callable[[bytes], Parsed], *, if_match: int | None = None
    ) -> Written:
        return await self._one(Entry("PATCH", type, id, patch=change, if_match=if_match))

    async def patch_where(
        self, query: Query, change: Callable[[bytes], Parsed], *, if_match: int | None = None
    ) -> Written:
        return await self._one(Entry("PATCH", str(query.type), patch=change, if_match=if_match, condition=query))

    async def delete(self, type: str, id: str, *, if_match: int | None = None) -> Written | None:
        return (await self.transaction([Entry("DELETE", type, id, if_match=if_match)]))[0]

    async def delete_where(self, query: Query, *, limit: int = 1) -> list[Written]:
        check_writable(self._scope, str(query.type))
        async with self._reading() as connection:
            found = await self._first(connection, query, limit + 1)
        if len(found) > limit:
            raise PreconditionFailed(f"More than {limit} {query.type} meet the criterion.")
        entries = [Entry("DELETE", one.type, one.id) for one in found]
        return [written for written in await self.transaction(entries) if written is not None]

    async def _one(self, entry: Entry) -> Written:
        return (await self.transaction([entry]))[0]

    async def transaction(
        self, entries: Sequence[Entry], *, source: str | None = None, message_id: str | None = None
    ) -> list[Any]:
        """See the contract. Lost races start again from the beginning; nothing of a failed try remains."""
        if message_id is not None and source is None:
            raise Incorrect("A message id needs a source, for two senders may use the same id.")
        fresh = suits(entries)
        for _ in range(_TRIES):
            try:
                if not fresh:
                    return await self._attempt(entries, source, message_id)
                return await self._attempt_fresh(entries, source, message_id)
            except NotFresh:
                fresh = False
            except _RACES:
                fresh = False
        raise Conflict("Others keep changing the same resources; try again.")

    async def _attempt(self, entries: Sequence[Entry], source: str | None, message_id: str | None) -> list[Any]:
        async with self._translated(), self._database.transaction() as connection:
            await self._parameters.keep(connection)
            write = Write(connection, self._sealer, self._indexer, self._actor, self._scope)
            await transaction.open(write, entries, f"{source} {message_id}" if message_id is not None else None)
            if message_id is not None:
                answered = await self._answered(connection, source, message_id)
                if answered is not None:
                    return answered
            fresh = [_copy(entry) for entry in entries]
            answers: list[Any] = await transaction.perform(
                write, fresh, lambda query: self._first(connection, query, 2)
            )
            answer = self._seal_answer(answers) if message_id is not None else None
            await write.flush(source, message_id, answer)
            return await self._answer_reads(connection, entries, answers)

    async def _attempt_fresh(self, entries: Sequence[Entry], source: str | None, message_id: str | None) -> list[Any]:
        """In one statement. Raises NotFresh; a message that was answered before shows as a race."""
        async with self._translated(), self._database.connection() as connection:
            await self._parameters.keep(connection)
            write = FreshWrite(connection, self._sealer, self._indexer, self._actor, self._scope)
            await write.look(entries)
            await transaction.open(write, entries, f"{source} {message_id}" if message_id is not None else None)
            answers: list[Any] = await transaction.perform(
                write, [_copy(entry) for entry in entries], lambda query: self._first(connection, query, 2)
            )
            await write.flush(source, message_id, self._seal_answer(answers) if message_id is not None else None)
            return answers

    async def _answer_reads(
        self, connection: Connection[Any], entries: Sequence[Entry], answers: list[Any]
    ) -> list[Any]:
        if any(entry.read for entry in entries):
            bound = (self._definitions, self._frequencies, self._parameters, self._actor, self._scope)
            inside = PostgresRepository(self._database, self._sealer, self._indexer, *bound, slow=self._slow)
            inside._inside = connection
            for place, entry in enumerate(entries):
                if entry.read is not None:
                    answers[place] = await entry.read(inside)
        return answers

    def _seal_answer(self, answers: Sequence[Written | None]) -> bytes:
        """What the first sending was told, so that a second one can be told the same."""
        told = [one and [one.did, one.stored.type, one.stored.id, one.stored.version] for one in answers]
        return self._sealer.seal(json.dumps(told).encode(), b"answer")

    async def _answered(self, connection: Connection[Any], source: str | None, message_id: str) -> list[Any] | None:
        row = await connection.fetchrow(SQL["answered"], source, message_id)
        if row is None:
            return None
        told = json.loads(self._sealer.open(row["answer"], b"answer"))
        return [one and await self._told(connection, row["updated"], *one) for one in told]

    async def _told(
        self, connection: Connection[Any], updated: datetime, did: str, type: str, id: str, version: int
    ) -> Written:
        if did == "deleted":
            return Written(Stored(type, id, version, updated, b"", deleted=True, method="DELETE"), did)
        return Written(await read.vread(connection, self._sealer, self._scope, type, id, version), did)

    async def expunge(self, type: str, id: str) -> int:
        check_writable(self._scope, type)
        async with self._translated(), self._database.transaction() as connection:
            shard = await read.locate(connection, type, id)
            last = await connection.fetchrow(SQL["custodian"], shard, NUMBERS[type], id)
            if last is None or not admits(self._scope, shard, last["org"], last["region"]):
                return 0
            return await connection.fetchval(SQL["expunge"], shard, NUMBERS[type], id)

    # -- edges --------------------------------------------------------------------------------------------------------

    async def _first(self, connection: Connection[Any], query: Query, count: int) -> list[Stored]:
        """The first hits of a criterion, without includes."""
        query = await self._definitions.resolve(connection, self._scope, query)
        here = (connection, self._sealer, self._indexer.hash, self._scope)
        found = await page.search(*here, page.bare(query, count), self._frequencies)
        return [hit.stored for hit in found.hits]

    @asynccontextmanager
    async def _reading(self) -> AsyncGenerator[Connection[Any]]:
        if self._inside is not None:
            yield self._inside
            return
        async with self._translated(), self._database.connection() as connection:
            yield connection

    @asynccontextmanager
    async def _translated(self) -> AsyncGenerator[None]:
        try:
            yield
        except Unavailable as error:
            raise Busy("The database does not answer; try again shortly.") from error
        except asyncpg.QueryCanceledError as error:
            raise Busy("The database took too long; try again, or narrow the request.") from error
        except asyncpg.DiskFullError as error:
            raise Busy("The database's disk is full; nothing was written.") from error


_SLOTS: tuple[str, ...] = Entry.__slots__  # type: ignore[attr-defined]


def _copy(entry: Entry) -> Entry:
    """Entries are filled in while they are carried out; a second try must start from what was sent."""
    made = object.__new__(Entry)
    for name in _SLOTS:
        setattr(made, name, getattr(entry, name))
    return made
