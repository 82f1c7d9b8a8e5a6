"""Imports: what goes in is there as if the door had written it, whatever the lines and whatever was there before."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from io import BytesIO
from typing import Any

import pytest

from minkang.fhir.resource import parse
from minkang.fhir.search import grammar
from minkang.store import keys
from minkang.store.bulk import imports
from minkang.store.bulk.lines import Chunk, chunks
from minkang.store.bulk.loading import Counts, Loader, Place
from minkang.store.scope import EVERYTHING, Actor
from minkang.store.store import Store
from synth import bundles as city

pytestmark = pytest.mark.anyio
ACTOR = Actor("Device/import", "hospital-1", 390101)


@pytest.fixture
async def store(fresh_database_url: str) -> AsyncIterator[Store]:
    opened = await Store.open(fresh_database_url, keys.generate())
    yield opened
    await opened.close()


@pytest.fixture
def repository(store: Store):
    return store.repository(ACTOR, EVERYTHING)


@pytest.fixture
async def load(store: Store):
    """Loads lines as one chunk of a new import."""
    loader = Loader(store.sealer, store.parameters, ACTOR, "test")

    async def run(*lines: Any) -> tuple[Counts, list[dict]]:
        data = b"\n".join(line if isinstance(line, bytes) else json.dumps(line).encode() for line in lines) + b"\n"
        async with store.database.connection() as connection:
            job = await imports.open_or_resume(connection, "[]", "test", again=True)
            counts = await loader.load(connection, Place(job.id, 0), Chunk(0, 1, data))
            return counts, [one async for one in imports.rejected(connection, job.id)]

    return run


def patient(id: str = "p1", name: str = "张丽") -> dict[str, Any]:
    return {"resourceType": "Patient", "id": id, "name": [{"text": name}]}


def condition(id: str | None = "c1", of: str = "p1", code: str = "I10") -> dict[str, Any]:
    own = {"id": id} if id else {}
    about = {"code": {"coding": [{"code": code}]}, "subject": {"reference": f"Patient/{of}"}}
    return {"resourceType": "Condition", **own, **about}


async def found(repository, search: str) -> list[str]:
    type, _, query = search.partition("?")
    pairs = [tuple(pair.split("=", 1)) for pair in query.split("&")]
    page = await repository.search(grammar.parse(type, pairs, strict=True))  # type: ignore[arg-type]
    return sorted(hit.stored.id for hit in page.hits)


async def test_what_was_imported_is_found_and_read(repository, load):
    counts, rejected = await load(patient(), condition())
    assert (counts, rejected) == (Counts(created=2), [])
    assert await found(repository, "Condition?patient=p1&code=I10") == ["c1"]
    assert await found(repository, "Patient?name=zhangli") == ["p1"]
    stored = await repository.read("Condition", "c1")
    assert (stored.version, json.loads(stored.content)["meta"]["versionId"]) == (1, "1")


async def test_the_rows_are_those_that_the_door_writes(store, repository, load):
    """Same keys, flags, dates, shards and places for a whole city's bundle, whichever way it came."""
    resources = [entry["resource"] for bundle in city.bundles(3, seed=8) for entry in bundle["entry"]]
    for number, resource in enumerate(resources):
        resource["id"] = f"x{number}"
    document = {"resourceType": "DocumentReference", "id": "d1", "status": "current", "description": "出院小结"}
    document["content"] = [{"attachment": {"title": "胃炎"}}]
    await load(*resources, document)
    by_import = await _rows(store)
    async with store.database.connection() as connection:
        await connection.execute("TRUNCATE resource, locator, resource_text")
    for resource in (*resources, document):
        await repository.update(resource["resourceType"], resource["id"], parse(json.dumps(resource).encode()))
    by_door = await _rows(store)
    assert by_import[0] == by_door[0]
    assert by_import[1] <= by_door[1]  # the door claims also what its id would tell
    assert by_import[2] == by_door[2]


async def _rows(store: Store) -> tuple[list, set, list]:
    async with store.database.connection() as connection:
        rows = await connection.fetch(
            "SELECT shard, type, id, version, org, region, date, keys, flags FROM resource ORDER BY type, id"
        )
        places = await connection.fetch("SELECT type, id, shard FROM locator")
        words = await connection.fetch("SELECT shard, type, id, words FROM resource_text ORDER BY type, id")
    plain = [(*tuple(row)[:7], sorted(row["keys"]), sorted(row["flags"])) for row in rows]
    return plain, {tuple(one) for one in places}, [(*tuple(one)[:3], sorted(one["words"])) for one in words]


async def test_a_broken_line_in_the_middle_spoils_itself_alone(repository, load):
    lines = (
        patient(),
        b'{"resourceType":"Patient"',
        {"resourceType": "Patient", "gender": "?"},
        b"\xff\xfe",
        condition(),
    )
    counts, rejected = await load(*lines, b"", b"[]", {"resourceType": "Patient", "id": "no blanks"})
    assert counts == Counts(created=2, rejected=5)
    assert [one["line"] for one in rejected] == [2, 3, 4, 7, 8]
    assert all(one["outcome"]["resourceType"] == "OperationOutcome" for one in rejected)


async def test_what_is_there_already_is_updated_or_left_alone(repository, load):
    await load(patient(), condition())
    again, _ = await load(patient(), condition(code="E11"), condition("c2"))
    assert again == Counts(created=1, updated=1, unchanged=1)
    assert (await repository.read("Condition", "c1")).version == 2
    assert await found(repository, "Condition?code=I10") == ["c2"]


async def test_what_was_deleted_goes_on_counting(repository, load):
    await load(patient(), condition())
    await repository.delete("Condition", "c1")
    await repository.delete("Patient", "p1")
    counts, _ = await load(patient(), condition())
    assert counts.created == 2
    assert (await repository.read("Patient", "p1")).version == 3
    assert (await repository.read("Condition", "c1")).version == 3


async def test_a_name_that_comes_several_times_has_as_many_versions(repository, load):
    counts, _ = await load(patient(name="一"), patient(name="二"), condition(), patient(name="三"))
    assert counts == Counts(created=2, updated=2)
    assert (await repository.read("Patient", "p1")).version == 3
    assert await found(repository, "Patient?name=三") == ["p1"]


async def test_one_id_under_two_patients_is_one_resource(repository, load):
    await load(condition(of="p1"))
    counts, _ = await load(condition(of="p2"))
    assert counts == Counts(updated=1)
    assert await found(repository, "Condition?patient=p1") == []
    assert await found(repository, "Condition?patient=p2") == ["c1"]


async def test_lines_without_an_id_get_the_same_one_when_they_are_read_again(store, repository):
    data = json.dumps(condition(None)).encode() + b"\n"
    loader = Loader(store.sealer, store.parameters, ACTOR, "test")
    async with store.database.connection() as connection:
        job = await imports.open_or_resume(connection, "[]", "test", again=True)
        first = await loader.load(connection, Place(job.id, 0), Chunk(0, 1, data))
        await connection.execute("DELETE FROM import_chunk")
        second = await loader.load(connection, Place(job.id, 0), Chunk(0, 1, data))
    assert (first, second) == (Counts(created=1), Counts(unchanged=1))
    assert len(await found(repository, "Condition?patient=p1")) == 1


async def test_patients_who_live_elsewhere_are_asked_for(store, repository, load):
    await load(patient())
    async with store.database.connection() as connection:
        await connection.execute("INSERT INTO locator SELECT type, id, 77 FROM resource")
        await connection.execute("UPDATE resource SET shard = 77")
    await load(condition())
    assert await found(repository, "Condition?patient=p1") == ["c1"]
    async with store.database.connection() as connection:
        assert [row["shard"] for row in await connection.fetch("SELECT DISTINCT shard FROM resource")] == [77]


async def test_an_import_is_gone_on_with_until_it_is_finished(store):
    async with store.database.connection() as connection:
        first = await imports.open_or_resume(connection, '[{"a":1}]', "x", again=False)
        assert (await imports.open_or_resume(connection, '[{"a":1}]', "x", again=False)).id == first.id
        assert (await imports.open_or_resume(connection, '[{"a":2}]', "x", again=False)).id != first.id
        assert (await imports.open_or_resume(connection, '[{"a":1}]', "x", again=True)).id != first.id
        await imports.finish(connection, first.id)


def test_chunks_end_with_lines_and_lose_nothing():
    text = b"\xef\xbb\xbf" + b"".join(b"%d %s\n" % (number, b"x" * (number % 50)) for number in range(1000)) + b"last"
    for size in (10, 64, 1000, 10**6):
        cut = list(chunks(BytesIO(text), size))
        assert b"".join(one.data for one in cut) == text[3:]
        assert all(one.data.endswith(b"\n") for one in cut[:-1])
        assert [one.line for one in cut] == [1 + text[: one.begin].count(b"\n") for one in cut]


@pytest.mark.parametrize("end", [b"\n", b"", b"\nafter\n"])
def test_an_endless_line_is_told_and_left_out(end):
    cut = list(chunks(BytesIO(b"before\n" + b"y" * 5000 + end), 100, longest=1000))
    assert [one.line for one in cut if one.overlong] == [2]
    kept = b"".join(one.data for one in cut)
    assert kept == b"before\n" + end.removeprefix(b"\n")
