"""The feed: a follower beside many writers misses nothing, repeats nothing, and sees rows only when they are there."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from minkang.fhir.resource import parse
from minkang.store import feed
from minkang.store.keys import generate
from minkang.store.scope import EVERYTHING, Actor
from minkang.store.store import Store

pytestmark = pytest.mark.anyio

WRITERS, EACH = 12, 15
BASIC = b'{"resourceType":"Basic","code":{"text":"feed"}}'


@pytest.fixture
async def store(fresh_database_url: str) -> AsyncIterator[Store]:
    opened = await Store.open(fresh_database_url, generate(), connections=WRITERS + 4)
    yield opened
    await opened.close()


async def test_a_follower_beside_many_writers_sees_every_commit_once(store: Store) -> None:
    written: set[str] = set()
    running = asyncio.Event()

    async def write() -> None:
        repository = store.repository(Actor("Device/test"), EVERYTHING)
        for _ in range(EACH):
            written.add((await repository.create("Basic", parse(BASIC))).stored.id)
            running.set()

    async def follow() -> list[str]:
        seen: list[str] = []
        position = 0
        await running.wait()
        while len(seen) < WRITERS * EACH:
            await store.sequence()
            async with store.database.connection() as connection:
                batches = await feed.after(connection, store.sealer, position, limit=7)
            seen += [change.id for batch in batches for change in batch.changes]
            position = batches[-1].position if batches else position
            await asyncio.sleep(0)
        return seen

    async with asyncio.timeout(60), asyncio.TaskGroup() as group:
        follower = group.create_task(follow())
        for _ in range(WRITERS):
            group.create_task(write())
    seen = follower.result()
    assert len(seen) == len(set(seen))
    assert set(seen) == written


async def test_a_slow_transaction_comes_after_the_quick_ones_and_is_not_missed(store: Store) -> None:
    repository = store.repository(Actor("Device/test"), EVERYTHING)
    async with store.database.connection() as slow:
        transaction = slow.transaction()
        await transaction.start()
        early = await slow.fetchval("SELECT nextval('batch_id')")
        await slow.execute("INSERT INTO batch (id, updated, actor, rows) VALUES ($1, now(), 'Device/slow', 0)", early)
        quick = (await repository.create("Basic", parse(BASIC))).stored.id
        await store.sequence()
        async with store.database.connection() as connection:
            first = await feed.after(connection, store.sealer, 0)
        await transaction.commit()
    await store.sequence()
    async with store.database.connection() as connection:
        then = await feed.after(connection, store.sealer, first[-1].position)
    assert [change.id for batch in first for change in batch.changes] == [quick]
    assert [batch.id for batch in then] == [early]


async def test_two_sequencers_at_once_give_each_batch_one_position(store: Store) -> None:
    repository = store.repository(Actor("Device/test"), EVERYTHING)
    for _ in range(20):
        await repository.create("Basic", parse(BASIC))
    await asyncio.gather(*(store.sequence() for _ in range(4)))
    await store.sequence()
    async with store.database.connection() as connection:
        positions = [row["position"] for row in await connection.fetch("SELECT position FROM batch ORDER BY position")]
    assert positions == list(range(1, 21))


async def test_a_deletion_and_a_superseded_version_are_told(store: Store) -> None:
    repository = store.repository(Actor("Device/test"), EVERYTHING)
    made = await repository.create("Basic", parse(BASIC))
    changed = parse(BASIC.replace(b"feed", b"fed"))
    await repository.update("Basic", made.stored.id, changed)
    await repository.delete("Basic", made.stored.id)
    await store.sequence()
    async with store.database.connection() as connection:
        batches = await feed.after(connection, store.sealer, 0)
        await feed.advance(connection, "test", batches[-1].position)
        assert await feed.position_of(connection, "test") == 3
    told = [(change.version, change.deleted) for batch in batches for change in batch.changes]
    assert told == [(1, False), (2, False), (3, True)]
