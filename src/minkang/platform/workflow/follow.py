"""The one consumer of the feed: whoever does something when records have changed is a `Follower` and is driven here.

A step is one transaction: hold the cursor, take the next portion, have its effects, advance the cursor. So effects (on
this database) and cursor commit together, and a process that dies has done nothing or all of it. Of the processes that
drive a follower one leads, by a lock of its session; should two believe they do, the held cursor keeps them apart.

What fails in a portion is found by taking its changes one by one. A change that fails alone is tried again with growing
pauses, and everything behind it waits, so the order is kept. After `TRIES` it is put aside as a letter (`letters.py`)
and the follower goes on.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from typing import Any, NamedTuple, Protocol

import structlog

from minkang.kit.db import Connection, Database, Unavailable
from minkang.platform.workflow import letters
from minkang.store import feed
from minkang.store.feed import Change, Place, Portion
from minkang.store.seal import Sealer
from minkang.store.sql import SQL

PAUSE = 0.25
"""Seconds between two looks when there was nothing; the feed is numbered as often."""

STANDBY = 1.0
"""Seconds between two tries to lead."""

TRIES = 8
FIRST_PAUSE, LONGEST_PAUSE = timedelta(seconds=1), timedelta(seconds=60)
"""Until a change that failed is tried again; eight tries take some two minutes."""

log = structlog.get_logger(__name__)


class Follower(Protocol):
    """`name` is that of its cursor and must stay. `most`, if it has that: how many rows it takes in one transaction.
    `from_now`: a new one begins with what is written next, not with everything there is."""

    @property
    def name(self) -> str: ...

    @property
    def from_now(self) -> bool: ...

    async def wants(self, connection: Connection[Any]) -> frozenset[str] | None:
        """Types of resources whose contents it needs; None: all. Asked before each portion."""
        ...

    async def take(self, connection: Connection[Any], changes: Sequence[Change]) -> None:
        """Have the effects of some changes, in their order, by this connection, which is in a transaction. May be
        called again with the same ones after an error. Whatever it raises is a failure of these changes."""
        ...


class Failed(Exception):
    """A follower could not take some changes; the error is the cause."""

    def __init__(self, changes: Sequence[Change], end: Place):
        super().__init__()
        self.changes = changes
        self.end = end


class _Held(NamedTuple):
    """The cursor. `waits`: what comes next has failed and its pause is not over."""

    place: Place
    failures: int
    waits: bool


class Following:
    """One follower being driven by this process."""

    def __init__(self, database: Database, sealer: Sealer, follower: Follower):
        self._database = database
        self._sealer = sealer
        self._follower = follower
        self._most = min(getattr(follower, "most", feed.MOST_ROWS), feed.MOST_ROWS)
        self._one_by_one = 0
        self.behind = 0
        """Batches that this process's follower has still to take, while it leads."""
        self.aside = 0
        """Changes that were put aside."""

    async def run(self) -> None:
        """Until it is cancelled. Waits while the database is away or another process leads."""
        while True:
            try:
                await self._lead()
            except Unavailable:
                log.warning("a follower waits for the database", follower=self._follower.name)
            except Exception as error:  # not of a change: those are dealt with; its words may quote what it met
                log.error("a follower broke and begins anew", follower=self._follower.name, error=type(error).__name__)
            self.behind = self.aside = 0
            await asyncio.sleep(STANDBY)

    async def _lead(self) -> None:
        """Returns when another process leads; else goes on until the connection with the lock is lost."""
        name = f"follow {self._follower.name}"
        async with self._database.connection() as connection:
            if not await connection.fetchval("SELECT pg_try_advisory_lock(hashtextextended($1, 0))", name):
                return
            try:
                await connection.execute(SQL["cursor_open"], self._follower.name, self._follower.from_now)
                while True:
                    if not await self.step(connection):
                        await self._look(connection)
                        await asyncio.sleep(PAUSE)
            finally:
                connection.terminate()  # the lock goes with it, in the middle of whatever we were interrupted

    async def step(self, connection: Connection[Any]) -> bool:
        """Take what comes next. False when there is nothing to do now. The cursor must have been opened."""
        try:
            async with connection.transaction():
                held = await self._hold(connection)
                if await self._retake(connection):
                    return True
                if held.waits:
                    return False
                portion = await self._next(connection, held.place)
                if portion is None:
                    return False
                await self._take(connection, portion.changes, portion.end)
                await feed.advance(connection, self._follower.name, portion.end)
        except Failed as failed:
            await self._fail(connection, failed)
        else:
            self._one_by_one = max(0, self._one_by_one - 1)
        return True

    async def _hold(self, connection: Connection[Any]) -> _Held:
        row = await connection.fetchrow(SQL["cursor_hold"], self._follower.name)
        assert row is not None, "cursor_open comes first"  # noqa: S101
        return _Held(Place(row["position"], row["place"]), row["failures"], row["waits"])

    async def _next(self, connection: Connection[Any], place: Place) -> Portion | None:
        rows = 1 if self._one_by_one else self._most
        return await feed.portion(connection, place, self._follower.wants, rows=rows)

    async def _take(self, connection: Connection[Any], changes: Sequence[Change], end: Place) -> None:
        if not changes:
            return
        try:
            await self._follower.take(connection, changes)
        except Exception as error:
            if connection.is_closed():  # the database's failure, not the change's
                raise
            raise Failed(changes, end) from error

    async def _fail(self, connection: Connection[Any], failed: Failed) -> None:
        name, error = self._follower.name, failed.__cause__
        if len(failed.changes) > 1:
            self._one_by_one = len(failed.changes)
            return
        change = failed.changes[0]
        async with connection.transaction():
            failures = (await self._hold(connection)).failures + 1
            # The words of the error may quote what it met: they are sealed in the letter and not logged.
            about = {"follower": name, "batch": change.batch, "type": change.type, "error": type(error).__name__}
            if failures < TRIES:
                pause = min(FIRST_PAUSE * 2 ** (failures - 1), LONGEST_PAUSE)
                log.warning("a follower failed and tries again", **about, failures=failures)
                await connection.execute(SQL["cursor_failed"], name, failures, pause)
            else:
                log.error("a change is put aside", **about, failures=failures)
                await letters.put(connection, self._sealer, name, change, failures, error)
                await feed.advance(connection, name, failed.end)

    async def _retake(self, connection: Connection[Any]) -> bool:
        """Take one change that was put aside and is wanted again. False when there is none."""
        letter = await letters.wanted(connection, self._follower.name)
        if letter is None:
            return False
        change = await letters.change_of(connection, letter)
        try:
            if change is not None:
                async with connection.transaction():
                    await self._follower.wants(connection)
                    await self._follower.take(connection, [change])
        except Exception as error:
            if connection.is_closed() or change is None:
                raise
            log.warning("a change that was put aside failed again", follower=self._follower.name, letter=letter.id)
            await letters.put(connection, self._sealer, self._follower.name, change, letter.failures + 1, error)
        else:
            await letters.taken(connection, letter)
        return True

    async def _look(self, connection: Connection[Any]) -> None:
        """For the metrics."""
        for one in await letters.followers(connection):
            if one.name == self._follower.name:
                self.behind, self.aside = one.behind, one.aside
