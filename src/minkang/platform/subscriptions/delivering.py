"""Whom to tell now: looks for Subscriptions that are due and visits them, many at once, each by one visit at a time.

One process does (a lock of its session). Targets that fail have slots of their own, so that however many never answer,
those that do are told at once; nothing but ids waits in memory.
"""

from __future__ import annotations

import asyncio
import contextlib
from datetime import timedelta
from typing import Any

import structlog

from minkang.fhir.problem import Busy
from minkang.kit.db import Connection, Unavailable
from minkang.platform.subscriptions import telling
from minkang.platform.subscriptions.telling import House
from minkang.store.sql import SQL

SLOTS = 8
"""Visits at once to targets that answer, and as many to targets that did not last time."""

ROUNDS = 50
"""Notifications one after the other to a target that takes them; then whoever waits has its turn."""

PAUSE = 0.25
STANDBY = 1.0
"""Seconds: between two looks for who is due; between two tries to be the one who tells."""

KEEP = timedelta(days=7)
"""How long events that were taken can be asked for ($events)."""

SWEEP = 60.0
_AT_ONCE = 10_000

LATER = timedelta(seconds=10)
"""Until a visit that broke on our side is tried again."""

log = structlog.get_logger(__name__)


class Delivering:
    """In one process."""

    def __init__(self, house: House):
        self._house = house
        self._visits: dict[bool, dict[str, asyncio.Task[None]]] = {False: {}, True: {}}
        self._swept = 0.0

    async def run(self) -> None:
        """Until it is cancelled. Waits while the database is away or another process does it."""
        while True:
            try:
                await self._lead()
            except Unavailable:
                log.warning("subscriptions wait for the database")
            await asyncio.sleep(STANDBY)

    async def _lead(self) -> None:
        async with self._house.database.connection() as connection:
            if not await connection.fetchval(
                "SELECT pg_try_advisory_lock(hashtextextended('deliver subscriptions', 0))"
            ):
                return
            try:
                while True:
                    await self._look(connection)
                    await asyncio.sleep(PAUSE)
            finally:
                await self._stop()
                connection.terminate()  # the lock goes with it, in the middle of whatever we were interrupted

    async def _look(self, connection: Connection[Any]) -> None:
        for failing, visits in self._visits.items():
            free = SLOTS - len(visits)
            busy = [id for group in self._visits.values() for id in group]
            for row in await connection.fetch(SQL["subscriptions_due"], failing, busy, free) if free else ():
                visits[row["id"]] = asyncio.create_task(self._visit(row["id"], visits))
        now = asyncio.get_running_loop().time()
        if now - self._swept > SWEEP:
            await connection.execute(SQL["subscription_events_old"], KEEP, _AT_ONCE)
            self._swept = now

    async def _visit(self, id: str, visits: dict[str, asyncio.Task[None]]) -> None:
        try:
            for _ in range(ROUNDS):
                if not await telling.visit(self._house, id):
                    return
        except (Unavailable, Busy):
            log.warning("a subscription waits for the database", subscription=id)
        except Exception as error:
            # Its words may quote a resource or a header.
            log.error("a subscription could not be told", subscription=id, error=type(error).__name__)
            with contextlib.suppress(Unavailable):
                async with self._house.database.connection() as connection:
                    await connection.execute(SQL["subscription_later"], id, LATER)
        finally:
            del visits[id]

    async def _stop(self) -> None:
        tasks = [task for group in self._visits.values() for task in group.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
