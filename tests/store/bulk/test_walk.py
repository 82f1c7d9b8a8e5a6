"""An export shows one moment, whatever is written meanwhile, in every portion and after every break: on both stores."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from datetime import datetime
from typing import Any

import pytest

from minkang.fhir.problem import Incorrect
from minkang.fhir.search import grammar
from minkang.store.bulk import walk
from minkang.store.contract import Extract, Moment, Portion, Repository, Stored
from minkang.store.keys import generate
from minkang.store.scope import EVERYTHING, Actor, Scope
from minkang.store.store import Store
from tests.lib.both_stores import RepositoryFor
from tests.lib.builders import LOCAL, a_condition, a_patient, an_observation, an_organization, parsed

pytestmark = pytest.mark.anyio
CITY = Actor("Practitioner/city", "city-hospital", 390100)
COUNTY = Actor("Practitioner/county", "county-hospital", 390200)


@pytest.fixture(autouse=True)
def small_portions(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(walk, "PORTION", 3)
    monkeypatch.setattr(walk, "_RESIDENTS", 2)


@pytest.fixture
def repository(repository_for: RepositoryFor) -> Repository:
    return repository_for(CITY, EVERYTHING)


async def all_of(repository: Repository, extract: Extract) -> list[Stored]:
    return [one async for portion in repository.export(extract) for one in portion.versions]


async def names(repository: Repository, extract: Extract) -> list[str]:
    return sorted(f"{one.type}/{one.id}" for one in await all_of(repository, extract))


async def put(repository: Repository, id: str, resource: dict[str, Any]) -> Stored:
    type = resource["resourceType"]
    return (await repository.update(type, id, parsed({**resource, "id": id}))).stored


async def a_city(repository: Repository) -> None:
    for n in range(8):
        await put(repository, f"p{n}", a_patient(f"王{n}"))
        await put(repository, f"o{n}", an_observation(about=f"Patient/p{n}", code="bp" if n % 2 else "hr"))
    await put(repository, "org", an_organization("City Hospital"))
    await put(repository, "nobodys", an_observation(code="water"))


async def test_everything_comes_once_and_as_it_is_stored(repository: Repository) -> None:
    await a_city(repository)
    found = await all_of(repository, Extract(await repository.moment()))
    assert len(found) == 18
    for one in found:
        assert one == (await repository.read(one.type, one.id))._replace(method=one.method)


async def test_nothing_comes_of_an_empty_store(repository: Repository) -> None:
    assert await all_of(repository, Extract(await repository.moment())) == []


async def test_what_was_written_since_the_moment_does_not_show(repository: Repository) -> None:
    await a_city(repository)
    moment = await repository.moment()
    before = await all_of(repository, Extract(moment))
    await put(repository, "p0", a_patient("changed"))
    await repository.delete("Patient", "p1")
    await repository.delete("Observation", "o2")
    await put(repository, "o2", an_observation(about="Patient/p7"))
    await put(repository, "new", a_patient("new"))
    await put(repository, "o3", an_observation(about="Patient/p6"))  # moves to another resident
    await put(repository, "o4", an_observation(about="Patient/p6"))
    await put(repository, "o4", an_observation(about="Patient/p4"))  # and back
    await put(repository, "o5", an_observation(about="Patient/p6"))
    await repository.delete("Observation", "o5")
    after = await all_of(repository, Extract(moment))
    assert sorted(map(text, after)) == sorted(map(text, before))
    assert len(await all_of(repository, Extract(await repository.moment()))) == 17


def text(one: Stored) -> str:
    return f"{one.type}/{one.id}/{one.version} {one.content.decode()}"


async def test_a_walk_goes_on_where_another_ended(repository: Repository) -> None:
    await a_city(repository)
    extract = Extract(await repository.moment())
    whole = [portion async for portion in repository.export(extract)]
    assert len(whole) > 4
    assert [portion.done for portion in whole] == sorted(portion.done for portion in whole)
    assert whole[-1].done == 1.0
    for number, portion in enumerate(whole):
        rest = [one async for one in repository.export(extract, after=portion.place)]
        assert versions(rest) == versions(whole[number + 1 :])


def versions(portions: list[Portion]) -> list[Stored]:
    return [one for portion in portions for one in portion.versions]


async def test_types_times_and_criteria_narrow_it(repository: Repository) -> None:
    await a_city(repository)
    first = await repository.moment()
    assert await names(repository, Extract(first, types=("Organization",))) == ["Organization/org"]
    later = await put(repository, "p3", a_patient("later"))
    moment = await repository.moment()
    assert "Patient/p3" in await names(repository, Extract(moment, since=later.updated))
    assert "Patient/p3" not in await names(repository, Extract(moment, until=later.updated))
    queries = tuple(grammar.parse("Observation", [("code", code)], strict=True) for code in ("bp", "water"))
    assert await names(repository, Extract(moment, types=("Observation", "Organization"), queries=queries)) == [
        *(f"Observation/{name}" for name in ("nobodys", "o1", "o3", "o5", "o7")),
        "Organization/org",
    ]


async def test_criteria_may_name_value_sets_and_lists(repository: Repository) -> None:
    await a_city(repository)
    codes = {"system": LOCAL, "concept": [{"code": "bp"}]}
    value_set = {"resourceType": "ValueSet", "url": "http://minkang.example/vs", "compose": {"include": [codes]}}
    await put(repository, "vs", value_set | {"status": "active"})
    entry = [{"item": {"reference": f"Observation/{name}"}} for name in ("o1", "o2", "gone")]
    await put(repository, "some", {"resourceType": "List", "status": "current", "mode": "working", "entry": entry})
    moment = await repository.moment()
    for criteria, plain in (("code:in=ValueSet/vs", "code=bp"), ("_list=some", "_id=o1,o2")):
        queries = [grammar.parse("Observation", [tuple(one.split("="))], strict=True) for one in (criteria, plain)]
        asked = [Extract(moment, types=("Observation",), queries=(query,)) for query in queries]
        found = await names(repository, asked[0])
        assert found == await names(repository, asked[1])
        assert found
    lost = grammar.parse("Observation", [("code:in", "ValueSet/lost")], strict=True)
    with pytest.raises(Incorrect, match="not stored here"):
        await names(repository, Extract(moment, queries=(lost,)))


async def test_the_record_of_some_patients_and_of_all(repository: Repository) -> None:
    await a_city(repository)
    await put(repository, "both", a_condition(about="Patient/p1"))
    moment = await repository.moment()
    some = Extract(moment, patients=("p1", "p2", "p5", "p6", "unknown"))
    assert await names(repository, some) == [
        "Condition/both", *(f"Observation/o{n}" for n in (1, 2, 5, 6)), *(f"Patient/p{n}" for n in (1, 2, 5, 6)),
    ]  # fmt: skip
    assert await names(repository, Extract(moment, patients=())) == []
    await put(repository, "twins", {**an_observation(about="Patient/p0"), "performer": [{"reference": "Patient/p2"}]})
    members = [{"entity": {"reference": f"Patient/p{n}"}} for n in (0, 5, 6)]
    await put(repository, "g", {"resourceType": "Group", "type": "person", "actual": True, "member": members})
    linked = {"other": {"reference": "Patient/p1"}, "type": "seealso"}
    await put(repository, "p7", {**a_patient("twin"), "link": [linked]})
    more = Extract(await repository.moment(), patients=some.patients)
    wanted = sorted([*(await names(repository, some)), "Group/g", "Observation/twins", "Patient/p7"])
    assert await names(repository, more) == wanted
    await put(repository, "twins", an_observation(about="Patient/p0"))
    await put(repository, "p7", a_patient("nobody's twin"))
    whole = [portion async for portion in repository.export(more)]
    for number, portion in enumerate(whole):
        rest = [one async for one in repository.export(more, after=portion.place)]
        assert versions(rest) == versions(whole[number + 1 :])
    owned = await names(repository, Extract(moment, owned=True))
    assert owned == ["Condition/both", *(f"{type}{n}" for type in ("Observation/o", "Patient/p") for n in range(8))]
    assert await names(repository, Extract(moment, owned=True, types=("Organization",))) == []


async def test_deletions_are_told_when_a_time_is_given(repository: Repository) -> None:
    await a_city(repository)
    since = (await repository.moment()).time
    for id in ("p0", "p1", "p2", "p3", "p4"):
        await repository.delete("Patient", id)
    await put(repository, "p1", a_patient("back again"))
    moment = await repository.moment()
    await put(repository, "p2", a_patient("back again, but later"))
    await repository.delete("Patient", "p5")
    await repository.delete("Patient", "p1")
    assert await told(repository, moment, since) == {"p0", "p2", "p3", "p4"}
    assert all(not one.deleted for one in await all_of(repository, Extract(moment)))
    back = [one for one in await all_of(repository, Extract(moment, since=since)) if one.id == "p1"]
    assert [one.deleted for one in back] == [False]


async def told(repository: Repository, moment: Moment, since: datetime) -> set[str]:
    found = await all_of(repository, Extract(moment, since=since, types=("Patient",)))
    return {one.id for one in found if one.deleted}


async def test_others_rows_do_not_show(repository_for: RepositoryFor) -> None:
    city, county = repository_for(CITY, EVERYTHING), repository_for(COUNTY, EVERYTHING)
    await a_city(city)
    await put(county, "theirs", a_patient("theirs"))
    await put(county, "taken", a_patient("taken"))
    seen = repository_for(COUNTY, Scope(divisions=frozenset({390200})))
    moment = await seen.moment()
    await put(city, "taken", a_patient("taken over"))  # since the moment it is somebody else's
    await put(county, "p1", a_patient("theirs now"))
    assert await names(seen, Extract(moment)) == ["Patient/taken", "Patient/theirs"]


async def test_beside_writers_every_portion_is_of_the_same_moment(
    fresh_database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between any two portions resources change, go, come back and move to other residents."""
    monkeypatch.setattr(walk, "PORTION", 7)
    dice = random.Random(5)  # noqa: S311 - the same dice every time
    store = await Store.open(fresh_database_url, generate())
    repository = store.repository(CITY, EVERYTHING)
    for n in range(40):
        await put(repository, f"o{n}", an_observation(about=f"Patient/p{n % 9}", code="0"))
    extract = Extract(await repository.moment(), since=(await repository.moment()).time.replace(year=2020))
    wanted = sorted(map(text, await all_of(repository, extract)))
    found: list[str] = []
    async for portion in stepping(repository, extract):
        found += map(text, portion.versions)
        for _ in range(15):
            id = f"o{dice.randrange(45)}"
            if dice.random() < 0.3:
                await repository.delete("Observation", id)
            else:
                await put(
                    repository, id, an_observation(about=f"Patient/p{dice.randrange(9)}", code=dice.choice("123"))
                )
    await store.close()
    assert sorted(found) == wanted


async def stepping(repository: Repository, extract: Extract) -> AsyncIterator[Portion]:
    """Each portion by a walk of its own, as after a restart."""
    place: str | None = None
    while True:
        one = await anext(aiter(repository.export(extract, after=place)), None)
        if one is None or one.place == place:
            return
        yield one
        place = one.place


async def test_the_moment_holds_what_was_committed_and_not_what_is_under_way(fresh_database_url: str) -> None:
    store = await Store.open(fresh_database_url, generate())
    repository = store.repository(CITY, EVERYTHING)
    await put(repository, "there", a_patient("there"))
    async with store.database.transaction() as slow:
        begun = await slow.fetchval("SELECT date_trunc('milliseconds', clock_timestamp())")
        await put(repository, "meanwhile", a_patient("meanwhile"))
        moment = await asyncio.wait_for(repository.moment(), 10)
    assert moment.time <= begun
    assert await names(repository, Extract(moment)) == ["Patient/meanwhile", "Patient/there"]
    await store.close()
