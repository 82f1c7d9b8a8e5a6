"""Jobs: what is done behind the doors, later, and again until it is done. What one is, and how it is put in the queue.

The queue is Procrastinate's, in the same database (docs/decisions): a job is put there by whoever orders it, in the
same transaction as the order itself, so there is neither an order without its job nor the other way round. Who carries
jobs out is `carrying.py`; who looks at them and cancels them, `queue.py`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import orjson

from minkang.kit.db import Connection
from minkang.store.sql import SQL


class Later(Exception):
    """It cannot be done now, through nobody's fault; `pause` is when to try again. It is no failure, but an
    attempt all the same: a job whose retries are limited may use them up by waiting."""

    def __init__(self, pause: timedelta):
        super().__init__(f"again in {pause.total_seconds():g} s")
        self.pause = pause


class GivenUp(Exception):
    """Another try would end the same way. The words are for operators."""


@dataclass(frozen=True, slots=True)
class Retry:
    """After a failure it is tried again: `most` times (None: for ever), after `first`, then twice as long each time,
    never longer than `longest`."""

    most: int | None = 5
    first: timedelta = timedelta(seconds=2)
    longest: timedelta = timedelta(minutes=10)

    def pause(self, attempts: int) -> timedelta | None:
        """`attempts`: those that ended before the one that failed now. None: no more."""
        if self.most is not None and attempts >= self.most:
            return None
        return min(self.first * 2 ** min(attempts, 30), self.longest)


@dataclass(frozen=True, slots=True)
class Work:
    """One attempt, as the function of the job sees it. `tell(done, total, words)` writes down how far it has come;
    words and result never hold a person's data. It may be broken off at any await (the process ends) and is then begun
    again, so what it does must not mind being done twice."""

    id: int
    args: Mapping[str, Any]
    attempts: int
    tell: Callable[[int, int | None, str], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Job:
    """`lock`: of jobs with the same lock one is carried out at a time. `cron`: minute, hour, day, month, weekday in
    UTC; none is put in the queue while one waits there."""

    name: str
    run: Callable[[Work], Awaitable[Mapping[str, Any] | None]]
    queue: str = "platform"
    retry: Retry = field(default_factory=Retry)
    lock: str | None = None
    cron: str | None = None


async def defer(
    connection: Connection[Any], job: Job, args: Mapping[str, Any] | None = None, *, at: datetime | None = None
) -> int:
    """The number of a new job, in the caller's transaction. `args`: JSON. `at`: not before."""
    text = orjson.dumps(dict(args or {})).decode()
    return await connection.fetchval(SQL["queue_put"], job.queue, job.name, job.lock, text, at)
