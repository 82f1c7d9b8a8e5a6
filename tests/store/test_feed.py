"""The feed: a follower beside many writers misses nothing, repeats nothing, and sees rows only when they are there."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator
from typing import Any

import pytest

from minkang.fhir.resource import parse
from minkang.kit.db import Connection
from minkang.store import feed
from minkang.store.contract import Entry
from minkang.store.feed import Place, Portion
from minkang.store.keys import generate
from minkang.store.scope import EVERYTHING, Actor
from minkang.store.store import Store
from tests.lib.builders import an_observation, parsed

pytestmark = pytest.mark.anyio

WRITERS, EACH = 12, 15
BEGIN = Place(0)
BASIC = b'{"resourceType":"Basic","code":{"text":"feed"}}'


@pytest.fixture
async def store(fresh_database_url: str) -> AsyncIterator[Store]:
    opened = await Store.open(fresh_database_url, generate(), connections=WRITERS + 4)
    yield opened
    await opened.close()


async def told(connection: Connection[Any]) -> Portion:
    """The first portion of all."""
    found = await feed.portion(connection, BEGIN)
    assert found is not None
    return found


async def wants_nothing(_: Connection[Any]) -> frozenset[str]:
    return frozenset()


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
        place = BEGIN
        await running.wait()
        while len(seen) < WRITERS * EACH:
            await store.sequence()
            async with store.database.connection() as connection:
                portion = await feed.portion(connection, place, rows=7)
            if portion is not None:
                seen += [change.id for change in portion.changes]
                place = portion.end
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
            first = await told(connection)
        await transaction.commit()
    await store.sequence()
    async with store.database.connection() as connection:
        then = await feed.portion(connection, first.end)
        assert await connection.fetchval("SELECT position FROM batch WHERE id = $1", early) == 2
    assert [change.id for change in first.changes] == [quick]
    assert then == Portion([], Place(2))


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
        portion = await told(connection)
        await feed.advance(connection, "test", portion.end)
        assert await feed.position_of(connection, "test") == 3
    assert [(change.version, change.deleted) for change in portion.changes] == [(1, False), (2, False), (3, True)]
    contents = [change.stored(store.sealer).content for change in portion.changes]
    assert b"feed" in contents[0]
    assert b"fed" in contents[1]
    assert contents[2] == b""


async def test_a_long_batch_comes_in_parts_with_every_row_once(store: Store) -> None:
    repository = store.repository(Actor("Device/test"), EVERYTHING)
    await repository.create("Basic", parse(BASIC))
    await repository.transaction([Entry("POST", "Basic", parsed=parse(BASIC)) for _ in range(23)])
    await repository.create("Basic", parse(BASIC))
    await store.sequence()
    parts: list[list[str]] = []
    place = BEGIN
    async with store.database.connection() as connection:
        while (portion := await feed.portion(connection, place, rows=5)) is not None:
            parts.append([change.id for change in portion.changes])
            place = portion.end
    assert [len(part) for part in parts] == [1, 5, 5, 5, 5, 3, 1]
    assert len({id for part in parts for id in part}) == 25
    assert place == Place(3)


async def test_long_contents_make_short_portions(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feed, "MOST_BYTES", 3000)
    repository = store.repository(Actor("Device/test"), EVERYTHING)
    noise = secrets.token_hex(1000)
    long = parse(b'{"resourceType":"Basic","code":{"text":"%b"}}' % noise.encode())
    await repository.transaction([Entry("POST", "Basic", parsed=long) for _ in range(4)])
    await store.sequence()
    async with store.database.connection() as connection:
        first = await told(connection)
        bare = await feed.portion(connection, BEGIN, wants_nothing)
    assert len(first.changes) == 2
    assert first.end.inside
    assert bare is not None
    assert [change.sealed for change in bare.changes] == [None] * 4


async def test_a_resource_that_moves_to_another_resident_is_not_missed_in_the_middle_of_a_batch(store: Store) -> None:
    repository = store.repository(Actor("Device/test"), EVERYTHING)
    about = [parsed(an_observation(about="Patient/p1")) for _ in range(6)]
    made = await repository.transaction([Entry("POST", "Observation", parsed=one) for one in about])
    await store.sequence()
    async with store.database.connection() as connection:
        first = await feed.portion(connection, BEGIN, rows=3)
        for one in made:
            moved = {**an_observation(about="Patient/p2"), "id": one.stored.id}
            await repository.update("Observation", one.stored.id, parsed(moved))
        assert first is not None
        rest = await feed.portion(connection, first.end, rows=3)
    assert rest is not None
    seen = [(change.id, change.version) for change in [*first.changes, *rest.changes]]
    assert sorted(seen) == sorted((one.stored.id, 1) for one in made)
