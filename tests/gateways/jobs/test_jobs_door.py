"""Jobs as JSON: what there is, one with its trouble, another try, an end; and what is refused."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import orjson
import pytest

from minkang.gateways.jobs.gateway import build
from minkang.platform.workflow import queue
from minkang.platform.workflow.jobs import Job, defer
from minkang.platform.workflow.queue import JobDesk, seal_trouble
from minkang.store.keys import generate
from minkang.store.sql import SQL
from minkang.store.store import Store
from tests.lib.asgi import Client

pytestmark = pytest.mark.anyio


async def _nothing(_: Any) -> None:
    return None


@pytest.fixture
async def store(fresh_database_url: str) -> AsyncIterator[Store]:
    made = await Store.open(fresh_database_url, generate())
    yield made
    await made.close()


@pytest.fixture
def door(store: Store) -> Client:
    desk = JobDesk(store.database, store.sealer, queue.cancel)
    return Client(build(lambda: desk, {"sweep": "*/5 * * * *"}), mount="")


async def ask(door: Client, method: str, path: str, status: int = 200) -> Any:
    answer = await door.request(method, path)
    assert answer.status == status, answer.body
    return orjson.loads(answer.body)


async def order(store: Store, *, fails: str = "") -> int:
    async with store.database.transaction() as connection:
        id = await defer(connection, Job("one", _nothing), {"of": "what"})
        if fails:
            await connection.execute("UPDATE procrastinate_jobs SET status = 'doing' WHERE id = $1", id)
            await connection.execute(SQL["queue_begin"], id)
            await connection.execute(SQL["queue_trouble"], id, seal_trouble(store.sealer, id, fails))
            await connection.execute(SQL["queue_finish"], id, "failed")
    return id


async def test_jobs_are_listed_with_the_schedule(store: Store, door: Client) -> None:
    first, second = await order(store), await order(store, fails="the disk is full")
    told = await ask(door, "GET", "/jobs")
    assert [(one["id"], one["status"]) for one in told["jobs"]] == [(second, "failed"), (first, "todo")]
    assert told["schedule"] == {"sweep": "*/5 * * * *"}
    assert "trouble" not in told["jobs"][0]
    assert [one["id"] for one in (await ask(door, "GET", "/jobs?status=todo&count=5"))["jobs"]] == [first]


async def test_one_that_failed_says_why_and_is_tried_again(store: Store, door: Client) -> None:
    id = await order(store, fails="the disk is full")
    assert (await ask(door, "GET", f"/jobs/{id}"))["trouble"] == "the disk is full"
    assert (await ask(door, "POST", f"/jobs/{id}/$retry"))["status"] == "todo"
    await ask(door, "POST", f"/jobs/{id}/$retry", 409)


async def test_one_that_waits_is_cancelled_once(store: Store, door: Client) -> None:
    id = await order(store)
    assert (await ask(door, "POST", f"/jobs/{id}/$cancel"))["status"] == "cancelled"
    await ask(door, "POST", f"/jobs/{id}/$cancel", 409)


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/jobs/999", 404),
        ("GET", "/jobs/x", 404),
        ("GET", "/jobs/1/2", 404),
        ("GET", "/jobs/1/2/3", 404),
        ("POST", "/jobs/999/$retry", 404),
        ("POST", "/jobs", 405),
        ("GET", "/jobs/1/$retry", 405),
        ("GET", "/jobs?status=asleep", 400),
        ("GET", "/jobs?count=0", 400),
        ("GET", "/jobs?count=1001", 400),
    ],
)
async def test_what_cannot_be_answered_says_why(door: Client, method: str, path: str, status: int) -> None:
    assert (await ask(door, method, path, status))["error"]
