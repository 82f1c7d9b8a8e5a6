"""Search parameters that somebody adds: what they find on both stores, and that nobody misses a record meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import pytest

from minkang.fhir.problem import Incorrect
from minkang.fhir.search.grammar import parse
from minkang.fhir.search.parameters import ADDING
from minkang.store import keys, parameters, reindex
from minkang.store.contract import Repository
from minkang.store.memory import MemoryStore
from minkang.store.scope import EVERYTHING, Actor
from minkang.store.store import Store
from tests.lib.builders import an_observation, parsed

pytestmark = pytest.mark.anyio

ACTOR = Actor("Device/test")
FLOOR = "http://minkang.example/floor"
AT_ONCE = timedelta(0)


def a_parameter(code: str = "floor", **more: Any) -> dict[str, Any]:
    return {
        "resourceType": "SearchParameter",
        "url": f"http://minkang.example/SearchParameter/{code}",
        "name": code,
        "status": "active",
        "description": "on which floor a patient lies",
        "code": code,
        "base": ["Observation"],
        "type": "token",
        "expression": f"Observation.extension('{FLOOR}').value",
    } | more


def at_floor(floor: str, **more: Any) -> dict[str, Any]:
    return an_observation(extension=[{"url": FLOOR, "valueCode": floor}], **more)


class House:
    """A store with whoever makes it know what was added."""

    def __init__(self, repository: Repository, settle: Callable[[], Awaitable[None]], adding: Any) -> None:
        self.repository = repository
        self.settle = settle
        self.adding = adding

    async def put(self, tree: dict[str, Any], id: str) -> None:
        await self.repository.update(tree["resourceType"], id, parsed(tree | {"id": id}))

    async def found(self, search: str, type: str = "Observation") -> set[str]:
        pairs = [tuple(pair.split("=", 1)) for pair in search.split("&")]
        page = await self.repository.search(parse(type, pairs, strict=True))  # type: ignore[arg-type]
        return {hit.stored.id for hit in page.hits}


async def settled(store: Store) -> None:
    """All that can be indexed is."""
    reindexing = store.reindexing(AT_ONCE)
    while await reindexing.step():
        pass
    await store.read_parameters()


@pytest.fixture
def url(request: pytest.FixtureRequest) -> str:
    return request.getfixturevalue("fresh_database_url")


@asynccontextmanager
async def opened(url: str) -> AsyncIterator[Store]:
    store = await Store.open(url, keys.generate())
    try:
        yield store
    finally:
        await store.close()


@pytest.fixture(params=["memory", "postgres"])
def dsn(request: pytest.FixtureRequest) -> str | None:
    return request.getfixturevalue("fresh_database_url") if request.param == "postgres" else None


@pytest.fixture
async def house(dsn: str | None) -> AsyncIterator[House]:
    if dsn is None:
        memory = MemoryStore()

        async def at_once() -> None:
            pass

        yield House(memory.repository(ACTOR, EVERYTHING), at_once, memory.parameters)
        return
    async with opened(dsn) as store:
        yield House(store.repository(ACTOR, EVERYTHING), lambda: settled(store), store.parameters)


async def test_what_was_there_and_what_comes_is_found(house: House) -> None:
    ADDING.set(house.adding)
    await house.put(at_floor("7"), "before")
    await house.put(a_parameter(), "floor")
    await house.settle()
    await house.put(at_floor("7"), "after")
    await house.put(at_floor("8"), "elsewhere")
    assert await house.found("floor=7") == {"before", "after"}
    assert await house.found("floor:not=7") == {"elsewhere"}
    assert await house.found("floor:missing=true") == set()
    assert await house.found("floor=7,8&_sort=-floor") == {"before", "after", "elsewhere"}


@pytest.mark.parametrize(
    ("more", "found", "search"),
    [
        ({"type": "date", "expression": "Observation.issued"}, {"a"}, "x=2026-05"),
        ({"type": "number", "expression": "Observation.component.value.ofType(integer)"}, {"a"}, "x=gt4"),
        ({"type": "quantity", "expression": "Observation.referenceRange.low"}, {"a"}, "x=lt5"),
        ({"type": "string", "expression": "Observation.note.text"}, {"a"}, "x=窗"),
        ({"type": "uri", "expression": "Observation.implicitRules"}, {"a"}, "x=http://minkang.example/r"),
        ({"type": "reference", "expression": "Observation.note.author", "target": ["Practitioner"]}, {"a"}, "x=q"),
        ({"type": "reference", "expression": "Observation.note.author"}, {"a"}, "x:Practitioner.identifier=9"),
    ],
)
async def test_every_type(house: House, more: dict[str, Any], found: set[str], search: str) -> None:
    ADDING.set(house.adding)
    rich = an_observation(
        issued="2026-05-03T08:00:00Z",
        component=[{"code": {"text": "beds"}, "valueInteger": 5}],
        referenceRange=[{"low": {"value": 4}}],
        note=[{"text": "窗边", "authorReference": {"reference": "Practitioner/q"}}],
        implicitRules="http://minkang.example/r",
    )
    await house.put({"resourceType": "Practitioner", "identifier": [{"value": "9"}]}, "q")
    await house.put(rich, "a")
    await house.put(an_observation(), "b")
    await house.put(a_parameter("x", **more), "x")
    await house.settle()
    assert await house.found(search) == found
    assert await house.found("x:missing=true") == {"b"}


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"code": "status"}, "has a parameter 'status' by the standard"),
        ({"code": "_floor"}, "cannot stand in an address"),
        ({"expression": "Observation.("}, "not FHIRPath at character"),
        ({"expression": None}, "expression is missing"),
        ({"expression": "Observation.descendants()"}, "name the path instead"),
        ({"type": "composite"}, "of type composite cannot be added"),
        ({"base": ["Resource"]}, "name each type"),
    ],
)
async def test_what_cannot_be_used_says_why(house: House, more: dict[str, Any], words: str) -> None:
    ADDING.set(house.adding)
    tree = {name: value for name, value in a_parameter(**more).items() if value is not None}
    await house.put(tree, "floor")
    await house.settle()
    if tree["code"] == "status":
        await house.put(an_observation(), "a")
        assert await house.found("status=final") == {"a"}  # the standard's goes on
        return
    with pytest.raises(Incorrect, match=words if tree["base"] == ["Observation"] else "Unknown parameter"):
        parse("Observation", [(tree["code"], "7")], strict=True)


async def test_a_draft_a_retired_and_a_deleted_one_are_unknown(house: House) -> None:
    ADDING.set(house.adding)
    await house.put(at_floor("7"), "a")
    for last in ("retired", "deleted"):
        await house.put(a_parameter(status="draft"), "floor")
        await house.settle()
        with pytest.raises(Incorrect, match="Unknown parameter 'floor'"):
            await house.found("floor=7")
        await house.put(a_parameter(), "floor")
        await house.settle()
        assert await house.found("floor=7") == {"a"}
        if last == "deleted":
            await house.repository.delete("SearchParameter", "floor")
        else:
            await house.put(a_parameter(status="retired"), "floor")
        await house.settle()
        with pytest.raises(Incorrect, match="Unknown parameter 'floor'"):
            await house.found("floor=7")


async def test_the_former_edition_answers_until_the_new_one_is_ready(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reindex, "PORTION", 2)
    async with opened(url) as store:
        ADDING.set(store.parameters)
        house = House(store.repository(ACTOR, EVERYTHING), lambda: settled(store), store.parameters)
        for number in range(9):
            await house.put(at_floor("7", note=[{"text": "eight"}]), f"o{number}")
        await house.put(a_parameter(), "floor")
        await house.settle()
        everyone = {f"o{number}" for number in range(9)}
        assert await house.found("floor=7") == everyone
        await house.put(a_parameter(type="string", expression="Observation.note.text"), "floor")
        reindexing = store.reindexing(AT_ONCE)
        steps = 0
        while await reindexing.step():
            steps += 1
            await store.read_parameters()
            old, new = await house.found("floor=7"), await house.found("floor=eight")
            assert (old, new) in ((everyone, set()), (set(), everyone)), "one edition or the other, whole"
        assert steps >= 4
        assert await house.found("floor=eight") == everyone


async def test_who_asks_too_early_hears_how_far_it_is(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reindex, "PORTION", 1)
    async with opened(url) as store:
        ADDING.set(store.parameters)
        house = House(store.repository(ACTOR, EVERYTHING), lambda: settled(store), store.parameters)
        for number in range(4):
            await house.put(at_floor("7"), f"o{number}")
        await house.put(a_parameter(), "floor")
        await store.reindexing(AT_ONCE).step()
        await store.read_parameters()
        with pytest.raises(Incorrect, match=r"SearchParameter/floor is being indexed, \d+% done"):
            await house.found("floor=7")


async def test_two_of_one_code_are_one_too_many(url: str) -> None:
    async with opened(url) as store:
        ADDING.set(store.parameters)
        house = House(store.repository(ACTOR, EVERYTHING), lambda: settled(store), store.parameters)
        await house.put(a_parameter(), "first")
        await house.settle()
        await house.put(a_parameter(expression="Observation.method"), "second")
        await house.settle()
        await house.put(at_floor("7"), "a")
        assert await house.found("floor=7") == {"a"}
        async with store.database.connection() as connection:
            refused = [one.why for one in await parameters.editions(connection) if one.state == "refused"]
        assert refused == ["SearchParameter/first gives Observation the code 'floor' already."]


async def test_a_writer_that_had_not_looked_looks_before_it_writes(url: str) -> None:
    """Another process has put the edition down; this one's knowledge is older than its lease."""
    async with opened(url) as here:
        elsewhere = await Store.open(url, here.keys)
        there = House(elsewhere.repository(ACTOR, EVERYTHING), lambda: settled(elsewhere), elsewhere.parameters)
        await there.put(a_parameter(), "floor")
        await there.settle()
        here.parameters._read_at = -parameters.LEASE * 2  # as if it had been asleep
        await here.repository(ACTOR, EVERYTHING).update("Observation", "late", parsed(at_floor("7") | {"id": "late"}))
        ADDING.set(elsewhere.parameters)
        assert await there.found("floor=7") == {"late"}
        await elsewhere.close()


async def test_the_walk_waits_for_whoever_began_to_write_before(url: str) -> None:
    async with opened(url) as store:
        ADDING.set(store.parameters)
        house = House(store.repository(ACTOR, EVERYTHING), lambda: settled(store), store.parameters)
        async with store.database.transaction() as slow:
            await slow.fetchval("SELECT 1")
            await house.put(a_parameter(), "floor")
            reindexing = store.reindexing(AT_ONCE)
            for _ in range(3):
                assert not await reindexing.step()
        assert await reindexing.step()


async def test_writes_meanwhile_are_found(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reindex, "PORTION", 3)
    async with opened(url) as store:
        ADDING.set(store.parameters)
        house = House(store.repository(ACTOR, EVERYTHING), lambda: settled(store), store.parameters)
        for number in range(30):
            await house.put(at_floor("7"), f"o{number}")
        await house.put(a_parameter(), "floor")

        async def write() -> None:
            for number in range(30):
                await house.put(at_floor("8"), f"o{number}")
                await house.put(at_floor("9"), f"n{number}")

        await asyncio.gather(write(), house.settle())
        await house.settle()
        assert len(await house.found("floor=8&_count=100")) == 30
        assert len(await house.found("floor=9&_count=100")) == 30
        assert await house.found("floor=7") == set()


async def test_all_rows_can_be_indexed_anew(url: str) -> None:
    """As after an upgrade whose rules give other terms: here the terms are taken away by hand."""
    async with opened(url) as store:
        ADDING.set(store.parameters)
        house = House(store.repository(ACTOR, EVERYTHING), lambda: settled(store), store.parameters)
        await house.put(a_parameter(), "floor")
        await house.put(at_floor("7", about="Patient/p"), "a")
        await house.settle()
        async with store.database.connection() as connection:
            await connection.execute("UPDATE resource SET keys = '{}', flags = '{}', date = 0")
            await connection.execute("UPDATE store_fact SET value = 'older' WHERE name = 'index_rules'")
        assert await house.found("floor=7") == set()
        assert not await store.is_indexed()
        await reindex.again(store.database)
        await house.settle()
        assert await house.found("floor=7") == {"a"}
        assert await store.is_indexed()
        assert await house.found("code=bp&status=final&date:missing=true") == {"a"}
