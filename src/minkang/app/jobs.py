"""The jobs of this platform: which there are, when, and what each does. Wiring only."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import asdict
from datetime import timedelta
from typing import Any

import structlog

from minkang.fhir.problem import Busy
from minkang.kit import clock
from minkang.kit.db import Connection, Database, Unavailable
from minkang.platform.intake.forgetting import Forgetting
from minkang.platform.workflow import queue
from minkang.platform.workflow.jobs import GivenUp, Job, Later, Retry, Work
from minkang.store.bulk.desk import QUEUE
from minkang.store.bulk.running import Runner
from minkang.store.sql import SQL

LATER = timedelta(seconds=15)
"""Until an order that could not go on (a full disk, a database that is away) is tried again."""

TELL = 1.0
"""Seconds between two notes of how far an order has come."""

KEEP = timedelta(days=30)
"""How long ended jobs are shown."""

FOR_EVER = Retry(most=None, first=LATER, longest=timedelta(minutes=10))

SCHEDULE = {"bulk-sweep": "*/5 * * * *", "jobs-forget": "17 19 * * *", "intake-forget": "37 18 * * *"}
"""When each scheduled job is put in the queue: minute, hour, day, month, weekday in UTC."""

log = structlog.get_logger(__name__)


async def cancelled(connection: Connection[Any], id: int) -> bool:
    """End a job; what was ordered at the bulk door is cancelled there, too. False when it is over, or none."""
    async with connection.transaction():
        if not await queue.cancel(connection, id):
            return False
        [found] = await queue.listed(connection, None, id=id)
        if found.name == QUEUE:
            await connection.execute(SQL["job_cancel"], found.args["order"])
        return True


def jobs(runner: Runner, database: Database, forgetting: Forgetting) -> list[Job]:
    async def sweep(_: Work) -> Mapping[str, Any]:
        return {"folders": await runner.sweep()}

    async def forget(_: Work) -> Mapping[str, Any]:
        async with database.connection() as connection:
            return {"jobs": await queue.forget(connection, KEEP, 10_000)}

    async def forget_messages(_: Work) -> Mapping[str, Any]:
        return asdict(await forgetting.run(clock.now()))

    async def bulk(work: Work) -> Mapping[str, Any]:
        return await carry_out(runner, work)

    return [
        Job(QUEUE, bulk, queue=QUEUE, retry=FOR_EVER),
        Job("bulk-sweep", sweep, cron=SCHEDULE["bulk-sweep"]),
        Job("jobs-forget", forget, cron=SCHEDULE["jobs-forget"]),
        Job("intake-forget", forget_messages, cron=SCHEDULE["intake-forget"]),
    ]


async def carry_out(runner: Runner, work: Work) -> Mapping[str, Any]:
    """An export, an import or a removal that was ordered at the bulk door."""
    id = str(work.args["order"])

    async def tell() -> None:
        found = await runner.standing(id)
        if found is not None:
            total = round(found.rows / found.done) if found.done > 0 else None
            await work.tell(found.rows, total, found.kind)

    running = asyncio.create_task(runner.run(id))
    try:
        while not (await asyncio.wait([running], timeout=TELL))[0]:
            await tell()
        did = running.result()
        await tell()
    except (Busy, Unavailable):
        raise Later(LATER) from None
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
    found = await runner.standing(id)
    if found is None or found.status in ("cancelled", "expired"):
        return {"status": "cancelled"}
    if found.status == "failed":
        raise GivenUp(f"The {found.kind} failed; its status says why. Order it again.")
    if not did and found.status != "finished":
        raise Later(timedelta(seconds=1))  # the session of a process that has just gone still holds it
    return {"kind": found.kind, "rows": found.rows}
