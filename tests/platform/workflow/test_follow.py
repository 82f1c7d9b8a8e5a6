"""A follower takes every change in order, whatever fails and whoever leads; what it cannot take lies aside."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import timedelta
from typing import Any

import asyncpg
import pytest

from minkang.fhir.resource import parse
from minkang.kit.db import Connection
from minkang.platform.workflow import follow, letters
from minkang.platform.workflow.follow import Following
from minkang.store.contract import Entry
from minkang.store.feed import Change
from minkang.store.keys import generate
from minkang.store.scope import EVERYTHING, Actor
from minkang.store.sql import SQL
from minkang.store.store import Store

pytestmark = pytest.mark.anyio


class Writing:
    """Writes what it is told of into a table of its own; cannot take what `poison` says."""

    name = "writing"
    from_now = False

    def __init__(self, poison: str = "none") -> None:
        self.poison = poison
        self.calls = 0

    async def wants(self, _: Connection[Any]) -> None:
        return None

    async def take(self, connection: Connection[Any], changes: Sequence[Change]) -> None:
        self.calls += 1
        for change in changes:
            await connection.execute("INSERT INTO taken (id, version) VALUES ($1, $2)", change.id, change.version)
            if change.id == self.poison:
                raise ValueError("王小明 cannot be taken")


@pytest.fixture
async def store(fresh_database_url: str) -> AsyncIterator[Store]:
    opened = await Store.open(fresh_database_url, generate())
    async with opened.database.connection() as connection:
        await connection.execute("CREATE TABLE taken (n serial, id text, version integer)")
    yield opened
    await opened.close()


@pytest.fixture
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """What failed is tried again at once, and nobody rests."""
    monkeypatch.setattr(follow, "FIRST_PAUSE", timedelta(0))
    monkeypatch.setattr(follow, "PAUSE", 0.001)
    monkeypatch.setattr(follow, "STANDBY", 0.001)


async def write(store: Store, *ids: str, together: bool = False) -> None:
    repository = store.repository(Actor("Device/test"), EVERYTHING)
    entries = [
        Entry("PUT", "Basic", id, parsed=parse(b'{"resourceType":"Basic","id":"%b","code":{"text":"x"}}' % id.encode()))
        for id in ids
    ]
    for group in [entries] if together else [[entry] for entry in entries]:
        await repository.transaction(group)
    await store.sequence()


async def taken(store: Store) -> list[str]:
    async with store.database.connection() as connection:
        return [row["id"] for row in await connection.fetch("SELECT id FROM taken ORDER BY n")]


async def come(store: Store, count: int) -> None:
    """Returns when so many were taken."""
    for _ in range(5_000):
        if len(await taken(store)) == count:
            return
        await asyncio.sleep(0.005)
    raise AssertionError("they are not taken")


async def steps(store: Store, follower: Writing, at_most: int = 200) -> int:
    """Drives it until there is nothing to do; how many steps that took."""
    following = Following(store.database, store.sealer, follower)
    async with store.database.connection() as connection:
        await connection.execute(SQL["cursor_open"], follower.name, follower.from_now)
        for number in range(at_most):
            if not await following.step(connection):
                return number
    raise AssertionError("it does not come to an end")


async def aside(store: Store) -> list[letters.Told]:
    async with store.database.connection() as connection:
        return await letters.told(connection, store.sealer, "writing")


async def test_everything_is_taken_once_and_in_order(store: Store) -> None:
    await write(store, "a", "b", "c")
    assert await steps(store, Writing()) == 1
    await write(store, "d", "e", together=True)
    await steps(store, Writing())
    assert await taken(store) == ["a", "b", "c", "d", "e"]


@pytest.mark.usefixtures("hurried")
async def test_what_cannot_be_taken_lies_aside_and_the_rest_goes_on(store: Store) -> None:
    await write(store, "a", "b", "poison", "c")
    await write(store, "d", "e", together=True)
    await steps(store, Writing("poison"))
    assert await taken(store) == ["a", "b", "c", "d", "e"]
    [letter] = await aside(store)
    assert letter.name == "Basic/poison/1"
    assert letter.failures == follow.TRIES
    assert letter.words == "ValueError: 王小明 cannot be taken"


@pytest.mark.usefixtures("hurried")
async def test_the_words_of_an_error_are_sealed(store: Store) -> None:
    await write(store, "poison")
    await steps(store, Writing("poison"))
    async with store.database.connection() as connection:
        row = await connection.fetchrow("SELECT * FROM feed_letter")
    assert row is not None
    assert "王小明".encode() not in row["words"]
    assert all("王小明" not in str(value) for name, value in row.items() if name != "words")


async def test_what_failed_waits_and_so_does_all_behind_it(store: Store) -> None:
    await write(store, "a", "poison", "b")
    failing = Writing("poison")
    await steps(store, failing)
    assert await taken(store) == ["a"]
    async with store.database.connection() as connection:
        row = await connection.fetchrow(
            "SELECT failures, retry > now() AS later FROM cursor WHERE consumer = 'writing'"
        )
    assert row is not None
    assert (row["failures"], row["later"]) == (1, True)


async def test_pauses_grow_and_stay_below_the_longest(store: Store) -> None:
    await write(store, "poison")
    pauses: list[float] = []
    for _ in range(follow.TRIES - 1):
        await steps(store, Writing("poison"))
        async with store.database.connection() as connection:
            row = await connection.fetchrow(
                "SELECT extract(epoch FROM retry - updated)::float8 AS pause FROM cursor WHERE consumer = 'writing'"
            )
            assert row is not None
            pauses.append(row["pause"])
            await connection.execute("UPDATE cursor SET retry = NULL")
    assert pauses == sorted(pauses)
    async with store.database.connection() as connection:
        longest = await connection.fetchval("SELECT max(failures) FROM cursor WHERE consumer = 'writing'")
    assert longest == follow.TRIES - 1


@pytest.mark.usefixtures("hurried")
async def test_replay_takes_what_lies_aside(store: Store) -> None:
    await write(store, "poison", "a")
    await steps(store, Writing("poison"))
    async with store.database.connection() as connection:
        assert await letters.replay(connection, "writing") == 1
        assert await letters.replay(connection, "nobody") == 0
    await steps(store, Writing("poison"))  # it still cannot
    [letter] = await aside(store)
    assert letter.failures == follow.TRIES + 1
    assert letter.again is False
    async with store.database.connection() as connection:
        assert await letters.replay(connection, "writing", letter.id) == 1
    await steps(store, Writing())
    assert await aside(store) == []
    assert await taken(store) == ["a", "poison"]


@pytest.mark.usefixtures("hurried")
async def test_what_was_expunged_meanwhile_needs_no_replay(store: Store) -> None:
    await write(store, "poison")
    await steps(store, Writing("poison"))
    await store.repository(Actor("Device/test"), EVERYTHING).expunge("Basic", "poison")
    async with store.database.connection() as connection:
        await letters.replay(connection, "writing")
    await steps(store, Writing("poison"))
    assert await aside(store) == []


async def test_a_follower_of_what_is_written_from_now_on_begins_at_the_end(store: Store) -> None:
    await write(store, "a", "b")
    new = Writing()
    new.from_now = True
    await steps(store, new)
    await write(store, "c")
    await steps(store, new)
    assert await taken(store) == ["c"]


@pytest.mark.usefixtures("hurried")
async def test_of_two_that_drive_one_follower_one_leads_and_the_other_takes_over(store: Store) -> None:
    both = [Writing(), Writing()]
    driven = [asyncio.create_task(Following(store.database, store.sealer, one).run()) for one in both]
    try:
        async with asyncio.timeout(30):
            await write(store, *(f"a{n}" for n in range(20)))
            await come(store, 20)
            [leads, waits] = [0, 1] if both[0].calls else [1, 0]
            assert both[waits].calls == 0
            driven[leads].cancel()
            await write(store, *(f"b{n}" for n in range(20)))
            await come(store, 40)
            assert both[waits].calls > 0
        found = await taken(store)
        assert found == sorted(found, key=lambda id: (id[0], int(id[1:])))
        assert len(set(found)) == 40
    finally:
        for one in driven:
            one.cancel()
        await asyncio.gather(*driven, return_exceptions=True)


@pytest.mark.usefixtures("hurried")
async def test_a_lost_connection_is_nobodys_failure(store: Store) -> None:
    """The session of the leader is ended in the middle of a step: nothing half done, nothing aside, and it goes on."""

    class Interrupted(Writing):
        async def take(self, connection: Connection[Any], changes: Sequence[Change]) -> None:
            await super().take(connection, changes)
            if self.calls == 1:
                other = await asyncpg.connect(store.database._dsn)
                await other.execute("SELECT pg_terminate_backend($1)", connection.get_server_pid())
                await other.close()
                await connection.fetchval("SELECT 1")

    await write(store, "a", "b")
    follower = Interrupted()
    driven = asyncio.create_task(Following(store.database, store.sealer, follower).run())
    try:
        async with asyncio.timeout(30):
            await come(store, 2)
    finally:
        driven.cancel()
        await asyncio.gather(driven, return_exceptions=True)
    assert await taken(store) == ["a", "b"]
    assert follower.calls == 2
    assert await aside(store) == []
