"""The naive twin's door: every method of `store/contract.py`."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from typing import Any, TypeVar

from minkang.fhir.problem import Gone, Incorrect, NotFound
from minkang.fhir.resource import Parsed
from minkang.fhir.search.query import Query
from minkang.fhir.terminology.asking import Asking
from minkang.kit import clock
from minkang.store.contract import Entry, Extract, HistoryPage, Hit, Moment, Page, Portion, Stored, Written
from minkang.store.memory.definitions import answer, resolve
from minkang.store.memory.everything import everything, place
from minkang.store.memory.export import portions
from minkang.store.memory.paging import one_page
from minkang.store.memory.parameters import MemoryParameters
from minkang.store.memory.rows import Row, Rows, admits
from minkang.store.memory.searching import search
from minkang.store.memory.transaction import perform
from minkang.store.memory.writing import Writer, living
from minkang.store.scope import EVERYTHING, Actor, Scope

T = TypeVar("T")

NOBODY = Actor("Device/memory")


class MemoryStore:
    """All records of one test. `now` is the clock; give another to test what time does."""

    def __init__(self, now: Callable[[], datetime] = clock.now) -> None:
        self.rows = Rows(now)
        self.writing = asyncio.Lock()
        self.parameters = MemoryParameters(self.rows)
        self.messages: dict[tuple[str, str], list[Written | Any]] = {}

    def repository(self, actor: Actor = NOBODY, scope: Scope = EVERYTHING) -> MemoryRepository:
        return MemoryRepository(self, actor, scope)


class MemoryRepository:
    """`store/contract.py` over lists. Writers take turns; readers see whole transactions only."""

    def __init__(self, store: MemoryStore, actor: Actor, scope: Scope) -> None:
        self._store = store
        self._rows = store.rows
        self._scope = scope
        self._writer = Writer(store.rows, actor, scope)

    async def create(self, type: str, parsed: Parsed, *, if_none_exist: Query | None = None) -> Written:
        async with self._store.writing:
            if if_none_exist is not None:
                return self._writer.create_unless(if_none_exist, type, parsed)
            return self._writer.create(type, parsed)

    async def read(self, type: str, id: str) -> Stored:
        return living(self._rows, self._scope, type, id).stored

    async def read_many(self, names: Iterable[tuple[str, str]]) -> Mapping[tuple[str, str], Stored]:
        found: dict[tuple[str, str], Stored] = {}
        for name in names:
            with suppress(NotFound, Gone):
                found[name] = living(self._rows, self._scope, *name).stored
        return found

    async def vread(self, type: str, id: str, version: int) -> Stored:
        """Any version that was, also of what is deleted now; reading a tombstone itself is Gone."""
        for row in self._visible_versions(type, id):
            if row.stored.version == version:
                if row.stored.deleted:
                    raise Gone(f"{type}/{id} was deleted with version {version}.")
                return row.stored
        raise NotFound(f"There is no version {version} of {type}/{id}.")

    async def update(
        self, type: str, id: str, parsed: Parsed, *, if_match: int | None = None, if_none_match: str | None = None
    ) -> Written:
        async with self._store.writing:
            return self._writer.update(type, id, parsed, if_match=if_match, if_none_match=if_none_match)

    async def update_where(self, query: Query, parsed: Parsed, *, if_match: int | None = None) -> Written:
        async with self._store.writing:
            return self._writer.update_where(query, parsed, if_match=if_match)

    async def patch(
        self, type: str, id: str, change: Callable[[bytes], Parsed], *, if_match: int | None = None
    ) -> Written:
        async with self._store.writing:
            return self._writer.patch(type, id, change, if_match=if_match)

    async def patch_where(
        self, query: Query, change: Callable[[bytes], Parsed], *, if_match: int | None = None
    ) -> Written:
        async with self._store.writing:
            return self._writer.patch_where(query, change, if_match=if_match)

    async def delete(self, type: str, id: str, *, if_match: int | None = None) -> Written | None:
        async with self._store.writing:
            return self._writer.delete(type, id, if_match=if_match)

    async def delete_where(self, query: Query, *, limit: int = 1) -> list[Written]:
        async with self._store.writing:
            return self._writer.delete_where(query, limit=limit)

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
        """Versions, newest first. `since`: written then or later; `at`: current at that moment.

        `total` counts all versions of one resource, whatever `since` and `at` leave of them.
        """
        rows = self._visible_versions(type, id)
        if id is not None and not rows:
            raise NotFound(f"There is no {type}/{id}.")
        total = len(rows) if id is not None else None
        if since is not None:
            rows = [row for row in rows if row.stored.updated >= since]
        if at is not None:
            rows = [row for row in rows if self._was_current(row, at)]
        question = ("history", type, id, since, at, self._scope)
        shown, more = one_page(self._rows, question, rows, lambda row: -row.serial, count, cursor)
        return HistoryPage([row.stored for row in shown], next=more, total=total)

    async def search(self, query: Query) -> Page:
        return search(self._rows, self._scope, query)

    async def ask(self, asking: Asking[T]) -> T:
        return answer(self._rows, self._scope, asking)

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
        living(self._rows, self._scope, "Patient", patient)
        found = everything(self._rows, self._scope, patient, types=types, since=since, start=start, end=end)
        question = ("everything", patient, tuple(types), since, start, end, self._scope)
        shown, more = one_page(self._rows, question, found, place, count, cursor)
        return Page([Hit(row.stored) for row in shown], next=more)

    async def moment(self) -> Moment:
        return Moment(self._rows.serial, self._rows.now())

    async def export(self, extract: Extract, *, after: str | None = None) -> AsyncIterator[Portion]:
        known = tuple(resolve(self._rows, self._scope, query) for query in extract.queries)
        for portion in portions(self._rows, self._scope, replace(extract, queries=known), after):
            yield portion

    async def transaction(
        self, entries: Sequence[Entry], *, source: str | None = None, message_id: str | None = None
    ) -> list[Written | Any]:
        """All or nothing. A pair of source and message id that was answered before is answered the same again.

        What was written is told as it was then, if it is still there for this caller; reads are not repeated.
        """
        if message_id is not None and source is None:
            raise Incorrect("A message id needs a source, for two senders may use the same id.")
        async with self._store.writing:
            if source is not None and message_id is not None and (source, message_id) in self._store.messages:
                return [await self._told(each) for each in self._store.messages[source, message_id]]
            before = self._rows.snapshot()
            try:
                answers = await perform(self._writer, entries, self)
            except BaseException:
                self._rows.restore(before)
                raise
            if source is not None and message_id is not None:
                self._store.messages[source, message_id] = list(answers)
            return answers

    async def _told(self, answer: Written | Any) -> Written | None:
        if not isinstance(answer, Written) or answer.did == "deleted":
            return answer if isinstance(answer, Written) else None
        stored = answer.stored
        return Written(await self.vread(stored.type, stored.id, stored.version), answer.did)

    async def expunge(self, type: str, id: str) -> int:
        """Remove a resource and its whole history; returns how many versions that were (0: it is not there)."""
        self._writer.check_writable(type)
        async with self._store.writing:
            return self._rows.forget(type, id) if self._visible_versions(type, id) else 0

    def _visible_versions(self, type: str | None, id: str | None) -> list[Row]:
        return [
            row
            for row in self._rows.all_versions()
            if (type is None or row.stored.type == type)
            and (id is None or row.stored.id == id)
            and admits(self._scope, row)
        ]

    def _was_current(self, row: Row, at: datetime) -> bool:
        """Written by then, and not yet replaced then."""
        versions = self._rows.versions(row.stored.type, row.stored.id)
        later = [other for other in versions if other.serial > row.serial and other.stored.updated <= at]
        return row.stored.updated <= at and not later
