"""The queue as operators see it: which jobs there are, how far they have come, another try, an end."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

import orjson

from minkang.fhir.problem import Busy, Conflict, NotFound
from minkang.kit.db import Connection, Database, Unavailable
from minkang.store.seal import Sealer
from minkang.store.sql import SQL

OVER = ("succeeded", "failed", "cancelled", "aborted")


@dataclass(frozen=True, slots=True)
class Standing:
    """`status`: todo, doing, or one of OVER (cancelled before it began, aborted in the middle). `rate`: done a second,
    in this attempt; `left`: seconds, once that can be told. `trouble` is not for everybody's eyes."""

    id: int
    name: str
    queue: str
    status: str
    attempts: int
    args: dict[str, Any]
    not_before: datetime | None
    began: datetime | None
    done: int
    total: int | None
    words: str
    rate: float | None
    left: float | None
    result: dict[str, Any] | None
    trouble: str | None

    def json(self) -> dict[str, Any]:
        """Without what is not there; times in ISO 8601, `rate` a second, `left` in seconds."""
        told = asdict(self)
        for name in ("not_before", "began"):
            told[name] = told[name].isoformat(timespec="seconds") if told[name] else None
        return {name: value for name, value in told.items() if value not in (None, "")}


class JobDesk:
    """The queue for whoever asks over a door. `cancel`: ends a job wherever it was ordered; False when it is over."""

    def __init__(
        self, database: Database, sealer: Sealer, cancel: Callable[[Connection[Any], int], Awaitable[bool]]
    ) -> None:
        self._database, self._sealer, self._cancel = database, sealer, cancel

    async def listed(self, status: str | None, most: int) -> list[Standing]:
        """Newest first, without troubles. Raises Busy."""
        try:
            async with self._database.connection() as connection:
                return await listed(connection, None, status=status, most=most)
        except Unavailable as error:
            raise Busy("The database does not answer; try again shortly.") from error

    async def one(self, id: int) -> Standing:
        """With its trouble. Raises NotFound, Busy."""
        try:
            async with self._database.connection() as connection:
                found = await listed(connection, self._sealer, id=id)
        except Unavailable as error:
            raise Busy("The database does not answer; try again shortly.") from error
        if not found:
            raise NotFound(f"There is no job {id}.")
        return found[0]

    async def again(self, id: int) -> Standing:
        """Raises Conflict for one that has not failed."""
        return await self._changed(id, again, "has not failed, so there is nothing to try again")

    async def cancel(self, id: int) -> Standing:
        """Raises Conflict for one that is over."""
        return await self._changed(id, self._cancel, "is over")

    async def _changed(self, id: int, change: Callable[[Connection[Any], int], Awaitable[bool]], why: str) -> Standing:
        await self.one(id)
        try:
            async with self._database.connection() as connection:
                done = await change(connection, id)
        except Unavailable as error:
            raise Busy("The database does not answer; try again shortly.") from error
        if not done:
            raise Conflict(f"Job {id} {why}.")
        return await self.one(id)


async def listed(
    connection: Connection[Any],
    sealer: Sealer | None,
    *,
    id: int | None = None,
    status: str | None = None,
    most: int = 100,
) -> list[Standing]:
    """Newest first. Without a sealer the troubles stay shut."""
    return [_standing(row, sealer) for row in await connection.fetch(SQL["queue_list"], id, status, most)]


def _standing(row: Any, sealer: Sealer | None) -> Standing:
    rate, left = _pace(row)
    return Standing(
        id=row["id"],
        name=row["task_name"],
        queue=row["queue_name"],
        status=row["status"],
        attempts=row["attempts"],
        args=orjson.loads(row["args"]),
        not_before=row["scheduled_at"],
        began=row["began"],
        done=row["done"] or 0,
        total=row["total"],
        words=row["words"] or "",
        rate=rate,
        left=left,
        result=None if row["result"] is None else orjson.loads(row["result"]),
        trouble=None if row["trouble"] is None or sealer is None else trouble_of(sealer, row["id"], row["trouble"]),
    )


def _pace(row: Any) -> tuple[float | None, float | None]:
    """What an earlier attempt did tells nothing of this one's rate."""
    if row["told"] is None:
        return None, None
    seconds = (row["updated"] - row["told"]).total_seconds()
    rate = (row["done"] - row["first"]) / seconds if seconds > 0 else 0.0
    left = (row["total"] - row["done"]) / rate if rate > 0 and row["total"] is not None else None
    return (rate, left) if rate > 0 else (None, None)


def seal_trouble(sealer: Sealer, id: int, words: str) -> bytes:
    return sealer.seal(words.encode(), f"job trouble:{id}".encode())


def trouble_of(sealer: Sealer, id: int, sealed: bytes) -> str:
    return sealer.open(sealed, f"job trouble:{id}".encode()).decode()


async def again(connection: Connection[Any], id: int) -> bool:
    """Let a job that failed be tried once more. False when there is none of that number that failed."""
    async with connection.transaction():
        if await connection.fetchval(SQL["queue_failed"], id) is None:
            return False
        await connection.execute(SQL["queue_again"], id)
    return True


async def cancel(connection: Connection[Any], id: int) -> bool:
    """One that waits will not begin, one that is being carried out is broken off. False when it is over, or none."""
    return await connection.fetchval(SQL["queue_cancel"], id) is not None


async def forget(connection: Connection[Any], older: timedelta, most: int) -> int:
    """Drop jobs that ended so long ago; how many."""
    return await connection.fetchval(SQL["queue_forget"], older, most)
