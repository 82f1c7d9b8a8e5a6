"""Who carries jobs out: Procrastinate's workers, in one process at a time.

That process holds a lock of its database session, so whatever stands as being carried out when another takes over was
left by a process that is gone: it is begun again at once, without waiting for a heartbeat to be missed. A
job that ends its process each time is given up like one that fails.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import Any

import orjson
import structlog
from procrastinate import App, PsycopgConnector
from procrastinate.exceptions import JobAborted
from procrastinate.job_context import AbortReason, JobContext
from procrastinate.jobs import Job as Queued
from procrastinate.retry import BaseRetryStrategy, RetryDecision

from minkang.kit.db import Connection, Database, Unavailable
from minkang.platform.workflow.jobs import GivenUp, Job, Later, Retry, Work
from minkang.platform.workflow.queue import seal_trouble
from minkang.store.seal import Sealer
from minkang.store.sql import SQL

AT_ONCE = 2
"""Jobs of one queue carried out at the same time: a short one need not wait for a long one."""

PAUSE = 0.5
"""Seconds between two looks into the queue; new jobs and cancellations are told at once besides."""

STANDBY = 1.0
"""Seconds between two tries to be the one who carries jobs out, and two looks whether we still are."""

log = structlog.get_logger(__name__)

Ended = Callable[[str, str], None]
"""Told the name of a job and its outcome: succeeded, failed, retried, aborted, interrupted."""


class Interrupted(Exception):
    """The process ends, in order, in the middle of the job."""


class _Again(BaseRetryStrategy):
    def __init__(self, retry: Retry):
        self._retry = retry

    def get_retry_decision(self, *, exception: BaseException, job: Queued) -> RetryDecision | None:
        pause = pause_after(self._retry, exception, job.attempts)
        return None if pause is None else RetryDecision(retry_in={"seconds": max(0, round(pause.total_seconds()))})


def pause_after(retry: Retry, error: BaseException, attempts: int) -> timedelta | None:
    """Until the next try; None: it has failed for good."""
    if isinstance(error, Interrupted):
        return timedelta(0)
    if isinstance(error, Later):
        return error.pause
    return None if isinstance(error, GivenUp) else retry.pause(attempts)


class Carrying:
    """In one process. `url`: of the same database as `database`, for Procrastinate's own driver."""

    def __init__(self, url: str, database: Database, sealer: Sealer, jobs: Sequence[Job], ended: Ended):
        self._url = url
        self._database = database
        self._sealer = sealer
        self._jobs = {job.name: job for job in jobs}
        self._ended = ended
        # It would log arguments and the words of errors, which may quote what they met.
        logging.getLogger("procrastinate").setLevel(logging.CRITICAL)

    async def run(self) -> None:
        """Until it is cancelled. Waits while the database is away or another process does it."""
        while True:
            try:
                await self._lead()
            except Unavailable:
                log.warning("jobs wait for the database")
            except Exception as error:
                log.warning("jobs are taken up anew", error=type(error).__name__)
            await asyncio.sleep(STANDBY)

    async def _lead(self) -> None:
        async with self._database.connection() as connection:
            if not await connection.fetchval("SELECT pg_try_advisory_lock(hashtextextended('carry out jobs', 0))"):
                return
            try:
                await self._take_over(connection)
                await self._work(connection)
            finally:
                connection.terminate()  # the lock goes with it

    async def _take_over(self, connection: Connection[Any]) -> None:
        for row in await connection.fetch(SQL["queue_left"]):
            id, name, job = row["id"], row["task_name"], self._jobs.get(row["task_name"])
            if row["abort_requested"]:
                await connection.execute(SQL["queue_finish"], id, "aborted")
            elif job is not None and job.retry.pause(row["attempts"]) is None:
                words = f"The process ended in the middle of it, {row['attempts'] + 1} times in all."
                await connection.execute(SQL["queue_trouble"], id, seal_trouble(self._sealer, id, words))
                await connection.execute(SQL["queue_finish"], id, "failed")
                self._ended(name, "failed")
            else:
                await connection.execute(SQL["queue_again"], id)
                self._ended(name, "interrupted")
            log.warning("a job was left in the middle", job=name, id=id)

    async def _work(self, connection: Connection[Any]) -> None:
        """Until the lock's session or a worker ends."""
        queues = sorted({job.queue for job in self._jobs.values()})
        connector = PsycopgConnector(conninfo=self._url, min_size=1, max_size=2 * len(queues) + 2)
        await connector.open_async()
        try:
            parts = [self._worker(connector, queue) for queue in queues]
            tasks = [asyncio.create_task(part) for part in [*parts, _hold(connection)]]
            try:
                done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)
            for task in done:
                task.result()
        finally:
            await _closed(connector)

    async def _worker(self, connector: PsycopgConnector, queue: str) -> None:
        app = App(connector=connector)
        for job in self._jobs.values():
            if job.queue == queue:
                self._register(app, job)
        await app.run_worker_async(
            queues=[queue],
            concurrency=AT_ONCE,
            fetch_job_polling_interval=PAUSE,
            abort_job_polling_interval=PAUSE,
            shutdown_graceful_timeout=0,
            install_signal_handlers=False,
        )

    def _register(self, app: App, job: Job) -> None:
        async def carry_out(context: JobContext, **args: Any) -> None:
            await self._carry_out(job, context, args)

        waits = job.name if job.cron is not None else None
        named: dict[str, Any] = {"name": job.name, "queue": job.queue, "lock": job.lock, "queueing_lock": waits}
        task = app.task(**named, retry=_Again(job.retry), pass_context=True)(carry_out)
        if job.cron is not None:
            app.periodic(cron=job.cron)(task)  # type: ignore[arg-type]

    async def _carry_out(self, job: Job, context: JobContext, args: Mapping[str, Any]) -> None:
        id = int(context.job.id or 0)
        attempts = context.job.attempts
        await self._do("queue_begin", id)

        async def tell(done: int, total: int | None, words: str) -> None:
            await self._do("queue_tell", id, done, total, words)

        try:
            result = await job.run(Work(id, args, attempts, tell))
            text = None if result is None else orjson.dumps(dict(result)).decode()
            await self._do("queue_result", id, text)
        except asyncio.CancelledError:
            asked = context.abort_reason() is AbortReason.USER_REQUEST
            self._ended(job.name, "aborted" if asked else "interrupted")
            raise (JobAborted if asked else Interrupted) from None
        except Exception as error:
            await self._failed(job, id, attempts, error)
            raise
        self._ended(job.name, "succeeded")

    async def _failed(self, job: Job, id: int, attempts: int, error: Exception) -> None:
        over = pause_after(job.retry, error, attempts) is None
        self._ended(job.name, "failed" if over else "retried")
        say = log.error if over else log.warning
        say("a job failed" if over else "a job is tried again", job=job.name, id=id, error=type(error).__name__)
        words = str(error) if isinstance(error, GivenUp | Later) else f"{type(error).__name__}: {error}"
        await self._do("queue_trouble", id, seal_trouble(self._sealer, id, words))

    async def _do(self, statement: str, *arguments: Any) -> None:
        async with self._database.connection() as connection:
            await connection.execute(SQL[statement], *arguments)


async def _closed(connector: PsycopgConnector) -> None:
    """Closed whatever comes: psycopg's pool loses a cancellation that meets one of its workers in the middle of
    something, and that worker would then wait for ever."""
    closing = asyncio.create_task(connector.close_async())
    cancelled = False
    while not closing.done():
        try:
            await asyncio.shield(closing)
        except asyncio.CancelledError:
            cancelled = True
    if cancelled:
        raise asyncio.CancelledError
    closing.result()


async def _hold(connection: Connection[Any]) -> None:
    """Ends with an error when the session that holds the lock does."""
    while True:
        await connection.fetchval("SELECT 1")
        await asyncio.sleep(STANDBY)
