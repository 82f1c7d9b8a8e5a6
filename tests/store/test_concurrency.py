"""Many writers at once: one wins, the others are told, and nothing is there twice."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from minkang.fhir.problem import PreconditionFailed
from minkang.fhir.resource import Parsed, parse
from minkang.fhir.search import grammar
from minkang.store.contract import Entry
from minkang.store.keys import generate
from minkang.store.repository import PostgresRepository
from minkang.store.scope import EVERYTHING, Actor
from minkang.store.store import Store

pytestmark = pytest.mark.anyio
MANY = 16


@pytest.fixture
async def store(fresh_database_url: str) -> AsyncIterator[Store]:
    opened = await Store.open(fresh_database_url, generate(), connections=MANY)
    yield opened
    await opened.close()


@pytest.fixture
def repository(store: Store) -> PostgresRepository:
    return store.repository(Actor("Device/test"), EVERYTHING)


def resource(type: str, **elements: Any) -> Parsed:
    return parse(json.dumps({"resourceType": type, **elements}).encode())


def observation(patient: str, value: int) -> Parsed:
    return resource(
        "Observation",
        status="final",
        code={"text": "heart rate"},
        subject={"reference": f"Patient/{patient}"},
        valueInteger=value,
    )


async def test_one_client_id_put_by_many_under_different_patients_is_one_resource(
    store: Store, repository: PostgresRepository
) -> None:
    puts = (repository.update("Observation", "same", observation(f"p{n}", n)) for n in range(MANY))
    written = await asyncio.gather(*puts)
    assert sorted(one.stored.version for one in written) == list(range(1, MANY + 1))
    assert sorted(one.did for one in written).count("created") == 1
    async with store.database.connection() as connection:
        assert await connection.fetchval("SELECT count(*) FROM resource WHERE id = 'same'") == 1
        assert await connection.fetchval("SELECT count(*) FROM locator WHERE id = 'same'") == 1
        assert await connection.fetchval("SELECT count(*) FROM resource_version WHERE id = 'same'") == MANY - 1
    assert (await repository.read("Observation", "same")).version == MANY
    history = await repository.history("Observation", "same", count=MANY)
    assert [one.version for one in history.versions] == list(range(MANY, 0, -1))


async def test_of_many_updates_of_one_version_exactly_one_wins(repository: PostgresRepository) -> None:
    first = await repository.create("Observation", observation("p", 0))
    tries = (repository.update("Observation", first.stored.id, observation("p", n), if_match=1) for n in range(1, MANY))
    results = await asyncio.gather(*tries, return_exceptions=True)
    assert sum(not isinstance(one, BaseException) for one in results) == 1
    assert sum(isinstance(one, PreconditionFailed) for one in results) == MANY - 2
    assert (await repository.read("Observation", first.stored.id)).version == 2


async def test_conditional_creates_of_one_identifier_make_one_patient(repository: PostgresRepository) -> None:
    patient = resource("Patient", identifier=[{"system": "urn:x", "value": "1"}])
    query = grammar.parse("Patient", [("identifier", "urn:x|1")], strict=True)
    made = await asyncio.gather(*(repository.create("Patient", patient, if_none_exist=query) for _ in range(MANY)))
    assert sorted(one.did for one in made) == ["created"] + ["unchanged"] * (MANY - 1)
    assert len({one.stored.id for one in made}) == 1


async def test_a_message_sent_many_times_at_once_is_stored_once(repository: PostgresRepository) -> None:
    async def send() -> list[Any]:
        entries = [Entry("POST", "Basic", parsed=resource("Basic", code={"text": "m"}))]
        return await repository.transaction(entries, source="Organization/h1", message_id="42")

    answers = await asyncio.gather(*(send() for _ in range(MANY)))
    assert len({answer[0].stored.id for answer in answers}) == 1
    found = await repository.search(grammar.parse("Basic", [("_total", "accurate")], strict=True))
    assert found.total == 1


async def test_updates_beside_deletes_lose_no_version(repository: PostgresRepository) -> None:
    made = await repository.create("Observation", observation("p", 0))
    id = made.stored.id
    changes = [repository.update("Observation", id, observation("p", n)) for n in range(1, MANY)]
    deletes = [repository.delete("Observation", id) for _ in range(4)]
    results = [one for one in await asyncio.gather(*changes, *deletes) if one is not None]
    history = await repository.history("Observation", id, count=100)
    assert [one.version for one in history.versions] == list(range(len(results) + 1, 0, -1))


async def test_a_cancelled_write_leaves_neither_half_a_transaction_nor_a_spoiled_connection(
    store: Store, repository: PostgresRepository
) -> None:
    for _ in range(MANY):
        task = asyncio.ensure_future(repository.create("Observation", observation("p", 1)))
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    async with store.database.connection() as connection:
        batches = await connection.fetchval("SELECT coalesce(sum(rows), 0) FROM batch")
        assert batches == await connection.fetchval("SELECT count(*) FROM resource")
    assert (await repository.create("Observation", observation("p", 2))).did == "created"
