"""Writes that expected nothing to be there, where something is: the ordinary way gives the right answer."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from minkang.fhir.resource import Parsed, parse
from minkang.kit import clock
from minkang.store import shards
from minkang.store.contract import Entry
from minkang.store.keys import generate
from minkang.store.scope import EVERYTHING, Actor
from minkang.store.store import Store
from minkang.store.types import NUMBERS

pytestmark = pytest.mark.anyio


@pytest.fixture
async def store(fresh_database_url: str) -> AsyncIterator[Store]:
    opened = await Store.open(fresh_database_url, generate())
    yield opened
    await opened.close()


@pytest.fixture
def repository(store: Store):
    return store.repository(Actor("Device/test"), EVERYTHING)


def resource(type: str, **elements: Any) -> Parsed:
    return parse(json.dumps({"resourceType": type, **elements}).encode())


def visit(*, sex: str = "female") -> list[Entry]:
    """A patient under a client's id and something of hers under an id made here."""
    return [
        Entry("PUT", "Patient", "p1", parsed=resource("Patient", id="p1", gender=sex)),
        Entry("POST", "Condition", parsed=resource("Condition", subject={"reference": "Patient/p1"})),
    ]


async def test_a_visit_of_somebody_new(repository):
    patient, condition = await repository.transaction(visit())
    assert (patient.did, condition.did) == ("created", "created")
    assert (await repository.read("Condition", condition.stored.id)).content == condition.stored.content


async def test_a_name_that_is_taken_is_updated(repository):
    await repository.transaction(visit())
    patient, condition = await repository.transaction(visit(sex="male"))
    assert (patient.did, patient.stored.version, condition.did) == ("updated", 2, "created")


async def test_a_name_that_was_deleted_goes_on_counting(repository):
    await repository.transaction(visit())
    await repository.delete("Patient", "p1")
    patient, _ = await repository.transaction(visit())
    assert (patient.did, patient.stored.version) == ("created", 3)


async def test_what_belongs_to_a_resident_who_has_moved_lands_with_her(store, repository):
    elsewhere = shards.of_patient("another registration")
    async with store.database.connection() as connection:
        await connection.execute("INSERT INTO locator VALUES ($1, 'p1', $2)", NUMBERS["Patient"], elsewhere)
        await repository.transaction(visit())
        where = await connection.fetch("SELECT DISTINCT shard FROM resource")
    assert [row["shard"] for row in where] == [elsewhere]


async def test_a_clock_that_is_wrong_dates_nothing(repository, monkeypatch):
    monkeypatch.setattr(clock, "now", lambda: datetime(2020, 1, 1, tzinfo=UTC))
    _, condition = await repository.transaction(visit())
    monkeypatch.undo()
    assert abs(condition.stored.updated - clock.now()) < timedelta(minutes=1)


async def test_a_version_is_never_older_than_the_one_it_follows(store, repository):
    await repository.transaction(visit())
    ahead = clock.now() + timedelta(hours=1)
    async with store.database.connection() as connection:
        await connection.execute("UPDATE resource SET updated = $1", ahead)
    patient, _ = await repository.transaction(visit(sex="male"))
    assert patient.stored.updated >= ahead
