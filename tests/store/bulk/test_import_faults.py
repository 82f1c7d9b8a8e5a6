"""What can go wrong with a chunk of an import: it is wholly in or not at all, once, and what is refused is told.

That its rows are those that the door writes is the matter of test_loading.py.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import pytest

from minkang.fhir.resource import Resource, parse
from minkang.fhir.search import grammar
from minkang.store import feed, shards
from minkang.store.bulk import imports
from minkang.store.bulk.lines import Chunk
from minkang.store.bulk.loading import Counts, Loader, Place
from minkang.store.contract import Entry
from minkang.store.keys import generate
from minkang.store.repository import PostgresRepository
from minkang.store.scope import EVERYTHING, Actor
from minkang.store.store import Store
from minkang.store.types import NUMBERS
from tests.lib.builders import a_patient, an_observation, an_organization

pytestmark = pytest.mark.anyio

ACTOR = Actor("Device/operator")
KEYS = generate()


class Imports:
    """A store, and one import into it whose chunks are given one by one."""

    def __init__(self, store: Store, connection: Any, job: str) -> None:
        self.store, self.connection, self.job = store, connection, job
        self.repository: PostgresRepository = store.repository(Actor("Device/door"), EVERYTHING)
        self.loader = Loader(store.sealer, store.parameters, ACTOR, "hospital")
        self._next = 0

    async def load(self, *lines: Resource | bytes) -> Counts:
        """The lines as the next chunk."""
        texts = [line if isinstance(line, bytes) else json.dumps(line, ensure_ascii=False).encode() for line in lines]
        return await self.give(self.next(b"\n".join(texts) + b"\n"))

    def next(self, data: bytes, **more: Any) -> Chunk:
        begin, self._next = self._next, self._next + len(data) + 1
        return Chunk(begin, 1, data, **more)

    async def give(self, chunk: Chunk, connection: Any = None) -> Counts:
        return await self.loader.load(connection or self.connection, Place(self.job, 0), chunk)

    async def rows(self, sql: str, *values: Any) -> list[tuple[Any, ...]]:
        return [tuple(row) for row in await self.connection.fetch(sql, *values)]

    async def refused(self) -> list[dict[str, Any]]:
        return [one async for one in imports.rejected(self.connection, self.job)]


@pytest.fixture
async def importing(fresh_database_url: str) -> AsyncIterator[Imports]:
    store = await Store.open(fresh_database_url, KEYS, connections=4)
    connection = await asyncpg.connect(fresh_database_url)
    begun = await imports.open_or_resume(connection, "[]", "hospital", again=False)
    yield Imports(store, connection, begun.id)
    await connection.close()
    await store.close()


async def test_what_comes_back_is_what_was_sent_to_the_digit(importing: Imports) -> None:
    line = '{"resourceType":"Observation","id":"o1","status":"final","code":{"text":"体温"},"subject":{"reference":"Patient/p1"},"valueQuantity":{"value":36.50,"unit":"°C"}}'.encode()  # noqa: E501
    await importing.load(line)
    stored = await importing.repository.read("Observation", "o1")
    assert b'"value":36.50' in stored.content
    assert json.loads(stored.content)["meta"]["versionId"] == "1"
    page = await importing.repository.search(grammar.parse("Observation", [("patient", "p1")], strict=True))
    assert [hit.stored.id for hit in page.hits] == ["o1"]


async def test_the_feed_tells_of_an_import_under_its_source(importing: Imports) -> None:
    await importing.load(a_patient("王小明", id="p1"), an_observation(about="Patient/p1", id="o1"))
    await importing.store.sequence()
    portion = await feed.portion(importing.connection, feed.Place(0))
    assert portion is not None
    assert sorted((change.source, change.id) for change in portion.changes) == [
        ("import:hospital", "o1"),
        ("import:hospital", "p1"),
    ]


# --- once


async def test_a_chunk_whose_answer_was_lost_is_not_loaded_twice(importing: Imports) -> None:
    lines = (a_patient("王小明", id="p1"), an_observation(about="Patient/p1"), b"broken")
    chunk = importing.next(b"\n".join(one if isinstance(one, bytes) else json.dumps(one).encode() for one in lines))
    first = await importing.give(chunk)
    assert first == Counts(created=2, rejected=1)
    assert await importing.give(chunk) == first
    assert await importing.rows("SELECT count(*) FROM resource") == [(2,)]
    assert await importing.rows("SELECT count(*) FROM batch") == [(1,)]


async def test_lines_without_an_id_get_one_that_tells_where_they_live(importing: Imports) -> None:
    await importing.load(an_observation(about="Patient/p1"), an_organization("云州市人民医院"), a_patient("王小明"))
    found = await importing.rows("SELECT id, shard, type FROM resource")
    assert len({id for id, _, _ in found}) == 3
    observation = next((id, shard) for id, shard, type in found if type == NUMBERS["Observation"])
    assert shards.carried(observation[0]) == observation[1] == shards.of_patient("p1")
    assert await importing.rows("SELECT count(*) FROM locator") == [(0,)]


@pytest.mark.parametrize("about", ["Patient/p1", "Patient/p2", None])
async def test_one_id_written_by_the_door_meanwhile_is_one_resource(importing: Imports, about: str | None) -> None:
    """The door has the id in a transaction that is not over when the import comes to it."""
    line = an_observation(about="Patient/p1", id="o1", value=2)
    holding, going = asyncio.Event(), asyncio.Event()

    async def hold(_: Any) -> None:
        holding.set()
        await going.wait()

    entries = [
        Entry("PUT", "Observation", "o1", parsed=parse(json.dumps(an_observation(about=about, id="o1")).encode())),
        Entry("GET", "Observation", "o1", read=hold),
    ]
    async with asyncio.timeout(60), asyncio.TaskGroup() as group:
        door = group.create_task(importing.repository.transaction(entries))
        await holding.wait()
        loading = group.create_task(importing.load(line))
        pid = importing.connection.get_server_pid()
        async with importing.store.database.connection() as watching:
            while not await watching.fetchval("SELECT cardinality(pg_blocking_pids($1)) > 0", pid):
                assert not loading.done(), "the import did not wait for the door"
                await asyncio.sleep(0)
        going.set()
    assert door.result()[0].did == "created"
    assert loading.result() == Counts(updated=1)
    assert await importing.rows("SELECT id, version FROM resource") == [("o1", 2)]
    assert await importing.rows("SELECT count(*) FROM locator") == [(1,)]


# --- what is refused


async def test_broken_lines_are_told_with_their_numbers_and_stop_nothing(importing: Imports) -> None:
    good = a_patient("王小明", id="p1")
    counts = await importing.load(
        good,
        b'{"resourceType":"Patient","id":"p2"',
        b"",
        b'{"resourceType":"Patient","id":"p3","gender":"f"}',
        '{"resourceType":"Patient","id":"p4","name":[{"text":"王小明"}]}'.encode("gbk"),
        b'["Patient"]',
        b'{"resourceType":"Patinet","id":"p5"}',
        b'{"resourceType":"Patient","id":"a b"}',
        b'{"resourceType":"Patient","id":"p6","id":"p7"}',
        b'{"resourceType":"Patient","id":"p8","name":[{"text":"a\\u0000b"}]}',
        b'{"a":' * 400 + b"1" + b"}" * 400,
        a_patient("李丽", id="p9"),
    )
    assert counts == Counts(created=2, rejected=9)
    told = {one["line"]: one["outcome"]["issue"][0] for one in await importing.refused()}
    assert sorted(told) == [2, 4, 5, 6, 7, 8, 9, 10, 11]
    assert "GBK" in told[5]["diagnostics"]
    assert told[4]["expression"] == ["Patient.gender"]
    assert await importing.rows("SELECT count(*) FROM resource") == [(2,)]


async def test_a_bundle_that_is_a_request_is_refused(importing: Imports) -> None:
    message = {"resourceType": "Bundle", "id": "b", "type": "transaction", "entry": []}
    kept = {"resourceType": "Bundle", "id": "b", "type": "collection"}
    counts = await importing.load({**message, "entry": [{"request": {"method": "DELETE", "url": "Patient/p1"}}]}, kept)
    assert counts == Counts(created=1, rejected=1)
    words = [one["outcome"]["issue"][0]["diagnostics"] for one in await importing.refused()]
    assert "FHIR door" in words[0]


async def test_a_line_that_is_too_long_is_told(importing: Imports) -> None:
    assert await importing.give(importing.next(b"", overlong=True)) == Counts(rejected=1)
    assert "longer than" in (await importing.refused())[0]["outcome"]["issue"][0]["diagnostics"]


# --- faults


class _Full:
    """A connection whose server finds its disk full while rows come in."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)

    async def copy_to_table(self, table: str, **how: Any) -> None:
        await self._connection.copy_to_table(table, **how)
        if table == "resource":
            raise asyncpg.DiskFullError("could not extend file")


async def test_a_full_disk_leaves_nothing_of_the_chunk_and_it_can_come_again(importing: Imports) -> None:
    chunk = importing.next(json.dumps(an_observation(about="Patient/p1", id="o1")).encode())
    with pytest.raises(asyncpg.DiskFullError):
        await importing.give(chunk, _Full(importing.connection))
    for table in ("resource", "locator", "batch", "import_chunk"):
        assert await importing.rows(f"SELECT count(*) FROM {table}") == [(0,)]
    assert await importing.give(chunk) == Counts(created=1)


async def test_what_is_done_is_remembered_until_the_end(importing: Imports) -> None:
    await importing.load(a_patient("王小明", id="p1"))
    await importing.load(b"broken")
    connection, job = importing.connection, importing.job
    begun = await imports.open_or_resume(connection, "[]", "hospital", again=False)
    assert (begun.id, begun.begun_before, len(begun.done)) == (job, True, 2)
    found = await imports.counts(connection, job)
    assert (found["created"], found["rejected"]) == (1, 1)
    for files, source, again in (("[1]", "hospital", False), ("[]", "clinic", False), ("[]", "hospital", True)):
        assert (await imports.open_or_resume(connection, files, source, again=again)).id != job
    await imports.finish(connection, job)
