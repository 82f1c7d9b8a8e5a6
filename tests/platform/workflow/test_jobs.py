"""A job is done once it is ordered, whatever ends in the middle; what cannot be done says so and can be tried again."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from datetime import timedelta
from typing import Any

import asyncpg
import pytest
from procrastinate.schema import SchemaManager

from minkang.platform.workflow import carrying, queue
from minkang.platform.workflow.carrying import Carrying
from minkang.platform.workflow.jobs import GivenUp, Job, Later, Retry, Work, defer
from minkang.platform.workflow.queue import Standing
from minkang.store import migrate
from minkang.store.keys import generate
from minkang.store.store import Store

pytestmark = pytest.mark.anyio

SOON = Retry(most=2, first=timedelta(0), longest=timedelta(0))


class Desk:
    """One job, `does`, and a process that carries it out when a test says so."""

    def __init__(self, url: str, store: Store) -> None:
        self.url = url
        self.store = store
        self.does: Callable[[Work], Awaitable[Mapping[str, Any] | None]] = self._nothing
        self.job = Job("one", lambda work: self.does(work), retry=SOON)
        self.outcomes: list[str] = []
        self.running: list[asyncio.Task[None]] = []

    async def _nothing(self, _: Work) -> None:
        return None

    def start(self, *more: Job) -> None:
        jobs = [self.job, *more]
        made = Carrying(
            self.url, self.store.database, self.store.sealer, jobs, lambda _, end: self.outcomes.append(end)
        )
        self.running.append(asyncio.create_task(made.run()))

    async def stop(self) -> None:
        for task in self.running:
            task.cancel()
        await asyncio.gather(*self.running, return_exceptions=True)
        self.running = []

    async def order(self, job: Job | None = None, **args: Any) -> int:
        async with self.store.database.transaction() as connection:
            return await defer(connection, job or self.job, args)

    async def look(self, id: int) -> Standing:
        async with self.store.database.connection() as connection:
            [found] = await queue.listed(connection, self.store.sealer, id=id)
        return found

    async def becomes(self, id: int, status: str) -> Standing:
        async with asyncio.timeout(30):
            for _ in range(100_000):
                if (found := await self.look(id)).status == status:
                    return found
                await asyncio.sleep(0.01)
        raise AssertionError(status)

    async def do(self, statement: str, *arguments: Any) -> Any:
        async with self.store.database.connection() as connection:
            return await connection.fetchval(statement, *arguments)


@pytest.fixture
async def desk(fresh_database_url: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Desk]:
    monkeypatch.setattr(carrying, "PAUSE", 0.02)
    monkeypatch.setattr(carrying, "STANDBY", 0.05)
    store = await Store.open(fresh_database_url, generate(), connections=12)
    made = Desk(fresh_database_url, store)
    yield made
    await made.stop()
    await store.close()


def test_the_schema_is_that_of_the_installed_version() -> None:
    [ours] = [one.sql for one in migrate.migrations() if one.name == "0010_pre_jobs"]
    inside = ours.split("-- >>> procrastinate", 1)[1].split("\n", 1)[1].split("-- <<< procrastinate")[0]
    assert inside.strip() == SchemaManager.get_schema().strip()


def test_who_answers_requests_does_not_load_the_second_driver() -> None:
    look = "import sys, minkang.app.asgi; print(*({'procrastinate', 'psycopg'} & sys.modules.keys()))"
    done = subprocess.run([sys.executable, "-c", look], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.strip() == ""


async def test_it_is_ordered_with_the_transaction_or_not_at_all(desk: Desk) -> None:
    async with desk.store.database.connection() as connection:
        ordering = connection.transaction()
        await ordering.start()
        await defer(connection, desk.job)
        await ordering.rollback()
    assert await desk.do("SELECT count(*) FROM procrastinate_jobs") == 0
    done: list[Any] = []

    async def note(work: Work) -> Mapping[str, Any]:
        done.append(work.args)
        return {"rows": 3}

    desk.does = note
    desk.start()
    id = await desk.order(file="a")
    assert (await desk.becomes(id, "succeeded")).result == {"rows": 3}
    assert done == [{"file": "a"}]


async def test_how_far_it_has_come_can_be_seen(desk: Desk) -> None:
    told, go_on = asyncio.Event(), asyncio.Event()

    async def tell(work: Work) -> None:
        await work.tell(100, 1000, "reading")
        await work.tell(200, 1000, "writing")
        told.set()
        await go_on.wait()

    desk.does = tell
    desk.start()
    id = await desk.order()
    await asyncio.wait_for(told.wait(), 30)
    found = await desk.look(id)
    assert (found.status, found.done, found.total, found.words) == ("doing", 200, 1000, "writing")
    await desk.do("UPDATE job_progress SET told = updated - interval '10 s' RETURNING 1")
    found = await desk.look(id)
    assert (found.rate, found.left) == (10.0, 80.0)
    go_on.set()
    await desk.becomes(id, "succeeded")


async def test_what_fails_is_tried_again_so_often_and_then_by_hand(desk: Desk) -> None:
    tries: list[int] = []

    async def fail(work: Work) -> None:
        tries.append(work.attempts)
        raise ValueError("王小明 cannot be taken")

    desk.does = fail
    desk.start()
    id = await desk.order()
    found = await desk.becomes(id, "failed")
    assert tries == [0, 1, 2]
    assert found.trouble == "ValueError: 王小明 cannot be taken"
    assert desk.outcomes == ["retried", "retried", "failed"]
    sealed = await desk.do("SELECT trouble FROM job_progress")
    assert "王小明".encode() not in sealed
    desk.does = desk._nothing
    async with desk.store.database.connection() as connection:
        assert await queue.again(connection, id)
        assert not await queue.again(connection, id + 1)
    assert (await desk.becomes(id, "succeeded")).trouble is None


async def test_what_would_fail_again_is_not_tried_again_and_what_waits_is_no_failure(desk: Desk) -> None:
    waits = 5

    async def wait_then_give_up(_: Work) -> None:
        nonlocal waits
        waits -= 1
        raise GivenUp("there is no such file") if waits == 0 else Later(timedelta(0))

    desk.does = wait_then_give_up
    desk.start()
    found = await desk.becomes(await desk.order(), "failed")
    assert (waits, found.trouble) == (0, "there is no such file")


@pytest.mark.parametrize(("attempts", "seconds"), [(0, 2), (1, 4), (4, 32), (5, None)])
def test_each_pause_is_twice_the_one_before(attempts: int, seconds: int | None) -> None:
    expected = None if seconds is None else timedelta(seconds=seconds)
    assert Retry().pause(attempts) == expected
    assert Retry(most=None).pause(10**6) == timedelta(minutes=10)


async def test_one_that_waits_and_one_that_runs_can_be_cancelled(desk: Desk) -> None:
    began, ended = asyncio.Event(), asyncio.Event()

    async def forever(_: Work) -> None:
        began.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    desk.does = forever
    waiting = await desk.order()
    async with desk.store.database.connection() as connection:
        assert await queue.cancel(connection, waiting)
    assert (await desk.look(waiting)).status == "cancelled"
    desk.start()
    running = await desk.order()
    await asyncio.wait_for(began.wait(), 30)
    async with desk.store.database.connection() as connection:
        assert await queue.cancel(connection, running)
    await desk.becomes(running, "aborted")
    assert ended.is_set()
    async with desk.store.database.connection() as connection:
        assert not await queue.cancel(connection, running)


async def test_an_orderly_end_begins_it_again(desk: Desk) -> None:
    began = asyncio.Event()

    async def forever(_: Work) -> None:
        began.set()
        await asyncio.Event().wait()

    desk.does = forever
    desk.start()
    id = await desk.order()
    await asyncio.wait_for(began.wait(), 30)
    await desk.stop()
    assert (await desk.look(id)).status == "todo"
    desk.does = desk._nothing
    desk.start()
    await desk.becomes(id, "succeeded")


@pytest.mark.parametrize(("attempts", "status"), [(0, "succeeded"), (2, "failed")])
async def test_what_a_process_left_in_the_middle_is_begun_again_but_not_for_ever(
    desk: Desk, attempts: int, status: str
) -> None:
    id = await desk.order()
    await desk.do("UPDATE procrastinate_jobs SET status = 'doing', attempts = $1 RETURNING 1", attempts)
    desk.start()
    found = await desk.becomes(id, status)
    assert ("3 times" in (found.trouble or "")) is (status == "failed")


async def test_of_two_processes_one_carries_out(desk: Desk) -> None:
    seen: list[int] = []

    async def note(work: Work) -> None:
        seen.append(work.id)

    desk.does = note
    desk.start()
    desk.start()
    ids = [await desk.order() for _ in range(10)]
    for id in ids:
        await desk.becomes(id, "succeeded")
    assert sorted(seen) == ids


async def test_of_one_lock_one_at_a_time(desk: Desk) -> None:
    inside, most = 0, 0

    async def note(_: Work) -> None:
        nonlocal inside, most
        inside += 1
        most = max(most, inside)
        await asyncio.sleep(0)
        inside -= 1

    locked = Job("locked", note, lock="l")
    ids = [await desk.order(locked) for _ in range(6)]
    desk.start(locked)
    for id in ids:
        await desk.becomes(id, "succeeded")
    assert most == 1


async def test_it_goes_on_when_the_database_was_away(desk: Desk) -> None:
    desk.start()
    await desk.becomes(await desk.order(), "succeeded")
    other = await asyncpg.connect(desk.url)
    await other.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )
    await other.close()
    await desk.becomes(await _ordered(desk), "succeeded")


async def _ordered(desk: Desk) -> int:
    connection = await asyncpg.connect(desk.url)
    try:
        return await defer(connection, desk.job)
    finally:
        await connection.close()


async def test_a_schedule_puts_it_in_the_queue_once(desk: Desk) -> None:
    seen: list[Mapping[str, Any]] = []
    came = asyncio.Event()

    async def note(work: Work) -> None:
        seen.append(work.args)
        came.set()

    desk.start(Job("daily", note, cron="* * * * *"))
    await asyncio.wait_for(came.wait(), 90)
    await desk.stop()  # in the middle of it, perhaps: it may be begun again, but is not ordered again
    desk.start(Job("daily", note, cron="* * * * *"))
    await desk.becomes(await desk.order(), "succeeded")
    put = await desk.do("SELECT count(*) FROM procrastinate_jobs WHERE task_name = 'daily'")
    assert len({one["timestamp"] for one in seen}) == put


async def test_what_ended_long_ago_goes(desk: Desk) -> None:
    desk.start()
    old, new = await desk.order(), await desk.order()
    for id in (old, new):
        await desk.becomes(id, "succeeded")
    await desk.do("UPDATE procrastinate_events SET at = now() - interval '40 d' WHERE job_id = $1 RETURNING 1", old)
    async with desk.store.database.connection() as connection:
        assert await queue.forget(connection, timedelta(days=30), 10) == 1
        assert [one.id for one in await queue.listed(connection, None)] == [new]
