"""The process that carries out what was ordered at the bulk door and follows the feed, so that the workers that answer
requests never do.

Started by the supervisor (`bulk_process.py`) as `python -m minkang.app.bulk_worker` with the settings in its
environment and the database's URL as the first line of its standard input, which closes when the supervisor is gone.
Whatever it is at when it ends, however it ends, the next one goes on with.
"""

from __future__ import annotations

import asyncio
import signal
import sys
import time
from dataclasses import replace

import structlog

from minkang.app import followers, import_jobs
from minkang.app.prepare import key_file
from minkang.fhir.problem import Busy
from minkang.fhir.search.parameters import ADDING
from minkang.kit import log as logs
from minkang.kit import processes, settings
from minkang.kit.db import Unavailable
from minkang.kit.folders import DataFolder
from minkang.kit.settings import Settings
from minkang.store import keys
from minkang.store.bulk.running import Runner
from minkang.store.store import Store

AT_ONCE = 2
"""Jobs carried out at the same time: a short one need not wait for a long one."""

PAUSE = 0.5
"""Seconds between two looks for new orders."""

LATER = 15.0
"""Seconds until a job that could not go on (a full disk, a database that is away) is tried again."""

SWEEP = 300.0
"""Seconds between two removals of expired files."""

REINDEX_PAUSE = 1.0
"""Seconds between two looks for search parameters that are new."""

GRACE = 5.0

log = structlog.get_logger(__name__)


def main() -> None:
    chosen = settings.load()
    logs.set_up(chosen.log_level)
    url = sys.stdin.buffer.readline().decode().strip()
    if url:
        processes.end_with_parent(grace=GRACE)
        asyncio.run(_until_told(replace(chosen, database_url=url)))


async def _until_told(chosen: Settings) -> None:
    working = asyncio.create_task(work(chosen))
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, working.cancel)
    await asyncio.gather(working, return_exceptions=True)
    if not working.cancelled():
        working.result()


async def work(chosen: Settings) -> None:
    """Takes orders and follows the feed until it is cancelled. The next process goes on where this one was."""
    folder = DataFolder(chosen.data)
    connections = 3 * AT_ONCE + 2 + followers.CONNECTIONS
    store = await Store.open(str(chosen.database_url), keys.load(key_file(folder)), connections=connections)
    try:
        kinds = {"import": import_jobs.kind(chosen, key_file(folder).absolute())}
        ADDING.set(store.parameters)
        async with asyncio.TaskGroup() as group:
            group.create_task(_reindex(store))
            group.create_task(_Orders(store.runner(folder.bulk, chosen.bulk_files_keep, kinds)).take())
            group.create_task(followers.run(chosen, store))
    finally:
        await store.close()


async def _reindex(store: Store) -> None:
    """Index what is there by search parameters that somebody added."""
    reindexing = store.reindexing()
    if not await store.is_indexed():
        log.warning("rows were indexed by other rules; minkang reindex --all does it anew")
    while True:
        try:
            busy = await reindexing.step()
        except Unavailable:
            log.warning("indexing waits for the database")
            busy = False
        except Exception:
            log.exception("rows could not be indexed anew")
            busy = False
        await asyncio.sleep(0 if busy else REINDEX_PAUSE)


class _Orders:
    """Which jobs are being carried out, and which have to wait until when."""

    def __init__(self, runner: Runner) -> None:
        self._runner = runner
        self._running: dict[str, asyncio.Task[None]] = {}
        self._not_before: dict[str, float] = {}
        self._swept = -SWEEP

    async def take(self) -> None:
        try:
            while True:
                try:
                    await self._look()
                except Unavailable:
                    log.warning("bulk jobs wait for the database")
                await asyncio.sleep(PAUSE)
        finally:
            for task in self._running.values():
                task.cancel()
            await asyncio.gather(*self._running.values(), return_exceptions=True)

    async def _look(self) -> None:
        now = time.monotonic()
        if now - self._swept > SWEEP:
            await self._runner.sweep()
            self._swept = now
        for id in await self._runner.waiting():
            if len(self._running) < AT_ONCE and id not in self._running and self._not_before.get(id, 0.0) <= now:
                self._running[id] = asyncio.create_task(self._carry_out(id))

    async def _carry_out(self, id: str) -> None:
        try:
            began = time.monotonic()
            if await self._runner.run(id):
                log.info("a bulk job has ended", job=id, seconds=round(time.monotonic() - began, 1))
            self._not_before.pop(id, None)
        except (Busy, Unavailable) as error:
            log.warning("a bulk job waits", job=id, why=str(error))
            self._not_before[id] = time.monotonic() + LATER
        except Exception:
            log.exception("a bulk job could not be carried out", job=id)
            self._not_before[id] = time.monotonic() + LATER
        finally:
            del self._running[id]


if __name__ == "__main__":
    main()
