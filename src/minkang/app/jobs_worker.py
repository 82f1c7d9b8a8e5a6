"""The process that carries out jobs and follows the feed, so that the workers that answer requests never do.

Started by the supervisor (`jobs_process.py`) as `python -m minkang.app.jobs_worker` with the settings in its
environment and the database's URL as the first line of its standard input, which closes when the supervisor is gone.
Whatever it is at when it ends, however it ends, the next one goes on with.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
import sys
from dataclasses import replace

import structlog
from prometheus_client import Counter, Gauge

from minkang.app import followers, hl7v2_sending, import_jobs
from minkang.app.importing import OPERATOR
from minkang.app.jobs import jobs
from minkang.app.prepare import key_file
from minkang.app.watching import Watching
from minkang.fhir.search.parameters import ADDING
from minkang.kit import log as logs
from minkang.kit import processes, settings
from minkang.kit.db import Unavailable
from minkang.kit.folders import DataFolder
from minkang.kit.settings import Settings
from minkang.platform.intake.forgetting import Forgetting, Terms
from minkang.platform.workflow.carrying import AT_ONCE, Carrying
from minkang.store import keys
from minkang.store.scope import EVERYTHING
from minkang.store.sql import SQL
from minkang.store.store import Store

REINDEX_PAUSE = 1.0
"""Seconds between two looks for search parameters that are new."""

GRACE = 5.0

log = structlog.get_logger(__name__)

_ended = Counter("minkang_jobs_ended", "Attempts at jobs that ended.", ("job", "outcome"))
_jobs = Gauge("minkang_jobs", "Jobs in the queue.", ("job", "status"), multiprocess_mode="livemax")


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
    """Carries jobs out and follows the feed until it is cancelled. The next process goes on where this one was."""
    folder = DataFolder(chosen.data)
    receivers = hl7v2_sending.receivers(chosen.hl7v2_receivers)
    connections = 4 * AT_ONCE + 5 + followers.CONNECTIONS
    store = await Store.open(str(chosen.database_url), keys.load(key_file(folder)), connections=connections)
    try:
        kinds = {"import": import_jobs.kind(chosen, key_file(folder).absolute())}
        runner = store.runner(folder.bulk, chosen.bulk_files_keep, kinds)
        sending = hl7v2_sending.job(store, receivers)
        carrying = Carrying(
            str(chosen.database_url),
            store.database,
            store.sealer,
            [*jobs(runner, store.database, forgetting(chosen, store)), sending],
            lambda name, outcome: _ended.labels(name, outcome).inc(),
        )
        ADDING.set(store.parameters)
        async with asyncio.TaskGroup() as group:
            group.create_task(_reindex(store))
            group.create_task(carrying.run())
            group.create_task(_tell(store))
            group.create_task(followers.run(chosen, store, [one.route for one in receivers], sending))
            if chosen.inbox is not None:
                repository = store.repository(OPERATOR, EVERYTHING)
                group.create_task(Watching(chosen.inbox, lambda: repository).run())
    finally:
        await store.close()


def forgetting(chosen: Settings, store: Store) -> Forgetting:
    """Who takes old messages out of the log."""
    terms = Terms(chosen.intake_keep, chosen.intake_keep_errors, chosen.intake_size)
    return Forgetting(store.repository(OPERATOR, EVERYTHING), store.purge(), terms)


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


async def _tell(store: Store) -> None:
    seen: set[tuple[str, str]] = set()
    while True:
        with contextlib.suppress(Unavailable):
            async with store.database.connection() as connection:
                rows = await connection.fetch(SQL["queue_counts"])
            now = {(row["task_name"], row["status"]): row["count"] for row in rows}
            seen |= now.keys()
            for key in seen:
                _jobs.labels(*key).set(now.get(key, 0))
        await asyncio.sleep(followers.TOLD)


if __name__ == "__main__":
    main()
