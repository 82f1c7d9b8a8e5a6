"""A wrong import is taken out as if it had never been, or deleted for all to see; what others wrote is not lost."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest

from minkang.fhir.bulk import RemovalWish
from minkang.fhir.problem import Conflict, Forbidden, Gone, NotFound
from minkang.fhir.search import grammar
from minkang.store.bulk import removal, walk
from minkang.store.bulk.removal import RemovalState
from minkang.store.contract import Entry, Extract
from minkang.store.keys import generate
from minkang.store.scope import EVERYTHING, Actor, Scope
from minkang.store.store import Store
from tests.lib.builders import LOCAL, a_patient, an_observation, parsed

pytestmark = pytest.mark.anyio

CITY = Actor("Practitioner/city", "city", 390100)
COUNTY = Actor("Practitioner/county", "county", 390200)


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(removal, "PIECE", 4)
    monkeypatch.setattr(removal, "_RESTORED", 1)
    monkeypatch.setattr(walk, "PORTION", 3)


@pytest.fixture
async def store(fresh_database_url: str) -> AsyncIterator[Store]:
    opened = await Store.open(fresh_database_url, generate())
    yield opened
    await opened.close()


async def send(store: Store, source: str, *resources: dict[str, Any], actor: Actor = CITY, message: str | None = None):
    door = store.repository(actor, EVERYTHING)
    entries = [Entry("PUT", one["resourceType"], one["id"], parsed=parsed(one)) for one in resources]
    return await door.transaction(entries, source=source, message_id=message)


async def import_wrongly(store: Store, count: int = 9) -> None:
    for n in range(count):
        patient, observation = a_patient(f"王{n}", id=f"w{n}"), an_observation(about=f"Patient/w{n}", id=f"v{n}")
        await send(store, "wrong", patient, observation, message=f"m{n}")


async def remove(store: Store, wish: RemovalWish, actor: Actor = CITY, scope: Scope = EVERYTHING) -> RemovalState:
    saved: list[dict[str, Any]] = []

    async def save(state: RemovalState) -> None:
        saved.append(state.to_json())

    state = await store.removal(actor, scope).run(wish, save)
    assert saved[-1] == state.to_json()
    assert RemovalState.from_json(saved[0]).over is False
    return state


async def names(store: Store) -> list[str]:
    door = store.repository(CITY, EVERYTHING)
    portions = [one async for one in door.export(Extract(await door.moment()))]
    return sorted(f"{one.type}/{one.id}" for portion in portions for one in portion.versions)


async def rows(store: Store) -> dict[str, int]:
    tables = ("resource", "resource_version", "locator", "resource_text", "resource_moved")
    async with store.database.connection() as connection:
        return {table: await connection.fetchval(f"SELECT count(*) FROM {table}") for table in tables}


async def test_a_source_is_expunged_without_a_trace_and_may_send_again(store: Store) -> None:
    await send(store, "right", a_patient("李", id="r"))
    before = await rows(store)
    await import_wrongly(store)
    await send(store, "wrong", an_observation(about="Patient/w1", id="v0"))  # moves to another resident
    await store.repository(CITY, EVERYTHING).delete("Patient", "w3")
    state = await remove(store, RemovalWish("expunge", source="wrong"))
    assert state.removed == {"Patient": 9, "Observation": 9}
    assert (state.restored, state.kept, state.versions) == (0, 0, 20)
    assert await names(store) == ["Patient/r"]
    assert await rows(store) == before
    with pytest.raises(NotFound):
        await store.repository(CITY, EVERYTHING).history("Patient", "w1")
    await import_wrongly(store)
    assert len(await names(store)) == 19


async def test_delete_leaves_tombstones_and_history(store: Store) -> None:
    await import_wrongly(store, 3)
    door = store.repository(CITY, EVERYTHING)
    state = await remove(store, RemovalWish("delete", source="wrong"))
    assert state.removed == {"Patient": 3, "Observation": 3}
    with pytest.raises(Gone):
        await door.read("Patient", "w1")
    history = await door.history("Patient", "w1")
    assert [one.deleted for one in history.versions] == [True, False]
    assert (await door.update("Patient", "w1", parsed(a_patient("again", id="w1")))).stored.version == 3
    assert await store.sequence() > 0
    again = await remove(store, RemovalWish("delete", source="wrong"))
    assert (again.removed, again.kept) == ({}, 1)
    gone = await remove(store, RemovalWish("expunge", source="wrong"))
    assert gone.removed == {"Patient": 2, "Observation": 3}
    assert [one.version for one in (await door.history("Patient", "w1")).versions] == [3, 2]


@pytest.mark.parametrize("mode", ["delete", "expunge"])
async def test_what_others_had_written_comes_back_and_what_they_wrote_since_stays(store: Store, mode: str) -> None:
    door = store.repository(CITY, EVERYTHING)
    for id in ("before", "dead", "deleted-by-them", "since"):
        await send(store, "right", a_patient("good", id=id))
    await door.delete("Patient", "dead")
    await send(store, "wrong", *(a_patient("bad", id=id) for id in ("before", "dead", "since", "new")))
    await door.transaction([Entry("DELETE", "Patient", "deleted-by-them")], source="wrong")
    await send(store, "right", a_patient("better", id="since"))
    counted = await remove(store, RemovalWish(mode, source="wrong", dry_run=True))
    state = await remove(store, RemovalWish(mode, source="wrong"))
    assert (state.removed, state.restored, state.kept) == ({"Patient": 2}, 2, 1)
    assert (counted.removed, counted.restored, counted.kept) == (state.removed, 2, 1)
    assert await names(store) == ["Patient/before", "Patient/deleted-by-them", "Patient/since"]
    for id, name in (("before", "good"), ("deleted-by-them", "good"), ("since", "better")):
        found = await door.read("Patient", id)
        assert name in found.content.decode()
        assert found.version == 3  # never a number that a client has seen with another content
    query = grammar.parse("Patient", [("name", "good")], strict=True)
    assert sorted(hit.stored.id for hit in (await door.search(query)).hits) == ["before", "deleted-by-them"]
    with pytest.raises(Gone):
        await door.read("Patient", "dead")
    history = [one.version for one in (await door.history("Patient", "since")).versions]
    assert history == ([3, 1] if mode == "expunge" else [3, 2, 1])


async def test_one_batch_alone(store: Store) -> None:
    await import_wrongly(store, 3)
    async with store.database.connection() as connection:
        batch = await connection.fetchval("SELECT batch FROM resource WHERE id = 'w1'")
    state = await remove(store, RemovalWish("expunge", batches=(batch,)))
    assert state.removed == {"Patient": 1, "Observation": 1}
    assert await names(store) == [f"{type}{n}" for type in ("Observation/v", "Patient/w") for n in (0, 2)]
    assert (await remove(store, RemovalWish("expunge", batches=(batch, 10**9)))).removed == {}


async def test_by_search(store: Store) -> None:
    await import_wrongly(store)
    await send(store, "right", a_patient("李", id="r"))
    wish = RemovalWish("expunge", filters=("Patient?name=王1,王2,王3", "Observation?subject=Patient/w1"))
    counted = await remove(store, RemovalWish(wish.mode, filters=wish.filters, dry_run=True))
    assert len(await names(store)) == 19
    state = await remove(store, wish)
    assert state.removed == counted.removed == {"Patient": 3, "Observation": 1}
    assert len(await names(store)) == 15
    deleted = await remove(store, RemovalWish("delete", filters=("Patient?_id=w5",)))
    assert deleted.removed == {"Patient": 1}
    with pytest.raises(Gone):
        await store.repository(CITY, EVERYTHING).read("Patient", "w5")


async def test_what_a_search_names_is_looked_up(store: Store) -> None:
    """An unresolved :not-in would be met by everything."""
    await import_wrongly(store, 3)
    codes = {"resourceType": "ValueSet", "id": "kept", "url": "urn:kept", "status": "active",
             "compose": {"include": [{"system": LOCAL, "concept": [{"code": "bp"}]}]}}  # fmt: skip
    await send(store, "right", codes, an_observation(about="Patient/w1", code="other", id="other"))
    state = await remove(store, RemovalWish("expunge", filters=("Observation?code:not-in=urn:kept",)))
    assert state.removed == {"Observation": 1}
    listed = {"resourceType": "List", "id": "l", "status": "current", "mode": "working",
              "entry": [{"item": {"reference": "Patient/w2"}}]}  # fmt: skip
    await send(store, "right", listed)
    assert (await remove(store, RemovalWish("expunge", filters=("Patient?_list=l",)))).removed == {"Patient": 1}


async def test_a_dry_run_changes_nothing(store: Store) -> None:
    await import_wrongly(store)
    before = await rows(store)
    state = await remove(store, RemovalWish("expunge", source="wrong", dry_run=True))
    assert state.removed == {"Patient": 9, "Observation": 9}
    assert await rows(store) == before
    assert (await send(store, "wrong", a_patient("x", id="w1"), message="m1"))[0].did == "created"  # the first answer


async def test_what_is_not_in_the_scope_is_neither_removed_nor_counted(store: Store) -> None:
    await send(store, "both", a_patient("theirs", id="theirs"), actor=COUNTY)
    await send(store, "both", a_patient("ours", id="ours"))
    county = Scope(divisions=frozenset({390200}))
    for wish in (RemovalWish("expunge", source="both"), RemovalWish("expunge", filters=("Patient?_id=ours,theirs",))):
        state = await remove(
            store, RemovalWish(wish.mode, wish.source, filters=wish.filters, dry_run=True), COUNTY, county
        )
        assert (state.removed, state.kept) == ({"Patient": 1}, 0)
    await remove(store, RemovalWish("expunge", source="both"), COUNTY, county)
    assert await names(store) == ["Patient/ours"]
    with pytest.raises(Forbidden):
        await remove(store, RemovalWish("expunge", source="both"), scope=Scope(writable=frozenset({"Observation"})))


async def test_it_goes_on_after_a_break(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    await import_wrongly(store)
    saved: list[dict[str, Any]] = []

    async def broken(state: RemovalState) -> None:
        if len(saved) == 2:
            raise RuntimeError
        saved.append(state.to_json())

    wish = RemovalWish("expunge", source="wrong")
    with pytest.raises(RuntimeError):
        await store.removal(CITY, EVERYTHING).run(wish, broken)
    assert 0 < len(await names(store)) < 18

    async def keep(_: RemovalState) -> None:
        return None

    state = await store.removal(CITY, EVERYTHING).run(wish, keep, RemovalState.from_json(saved[-1]))
    assert state.over
    assert await names(store) == []


def a_document(id: str, **more: Any) -> dict[str, Any]:
    content = [{"attachment": {"url": "Binary/x"}}]
    return {"resourceType": "DocumentReference", "id": id, "status": "current", "content": content, **more}


async def test_clinical_originals_are_not_expunged_before_their_time(store: Store) -> None:
    await import_wrongly(store, 3)
    await send(store, "wrong", a_document("new"), a_patient("王", id="w9"), message="m9")
    before = await rows(store)
    for wish in (
        RemovalWish("expunge", source="wrong"),
        RemovalWish("expunge", filters=("DocumentReference?status=current",)),
    ):
        with pytest.raises(Conflict, match=r"DocumentReference/new .* must be kept until 20\d\d-.*第二十九条"):
            await remove(store, wish)
        with pytest.raises(Conflict):
            await remove(store, replace(wish, dry_run=True))
        assert await rows(store) == before
    await remove(store, RemovalWish("delete", source="wrong"))
    with pytest.raises(Conflict, match="must be kept"):  # a deletion does not shorten it
        await remove(store, RemovalWish("expunge", source="wrong"))


async def test_an_original_whose_time_is_over_and_one_of_a_test_go(store: Store) -> None:
    old = a_document("old", context={"period": {"end": "1994-05-01T10:00:00+08:00"}})
    trial = {"system": "http://terminology.hl7.org/CodeSystem/v3-ActReason", "code": "HTEST"}
    await send(store, "wrong", old, a_document("trial", meta={"tag": [trial]}), message="m")
    state = await remove(store, RemovalWish("expunge", source="wrong"))
    assert state.removed == {"DocumentReference": 2}
    assert (await rows(store))["resource"] == 0
