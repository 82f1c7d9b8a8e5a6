"""Registrations in the store: linked as they come, merged and parted by people, all of it undone; nothing is lost."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import date
from typing import Any

import orjson
import pytest

from minkang.fhir.problem import Conflict, Incorrect, NotFound
from minkang.fhir.search import grammar
from minkang.platform.identity.index import MasterIndex, Review
from minkang.platform.identity.registering import Registering
from minkang.platform.identity.scoring import standard
from minkang.platform.workflow.follow import Following
from minkang.store.contract import Entry, Extract
from minkang.store.keys import generate
from minkang.store.scope import EVERYTHING, Actor
from minkang.store.sql import SQL
from minkang.store.store import Store
from synth.id_number import id_number
from tests.lib.builders import an_observation, parsed

pytestmark = pytest.mark.anyio

CARD, OTHER = (id_number(380102, date(1985, 3, 14), serial) for serial in (125, 127))
DOCTOR = Actor("Practitioner/dr")
BY: dict[str, Any] = {"actor": DOCTOR.reference, "reason": "looked at both cards"}


class House:
    def __init__(self, store: Store) -> None:
        self.store = store
        self.index = MasterIndex(store.sealer, store.indexer.hash, standard())
        self.following = Following(store.database, store.sealer, Registering(store.sealer, self.index))

    @property
    def repository(self) -> Any:
        return self.store.repository(DOCTOR, EVERYTHING)

    async def write(self, *trees: dict[str, Any]) -> None:
        await self.repository.transaction(
            [Entry("PUT", tree["resourceType"], tree["id"], parsed=parsed(tree)) for tree in trees]
        )

    async def follow(self) -> None:
        """Take all that has been written."""
        await self.store.sequence()
        async with self.store.database.connection() as connection:
            await connection.execute(SQL["cursor_open"], "identity", False)
            while await self.following.step(connection):
                pass

    async def come(self, id: str, name: str = "王小明", **more: Any) -> None:
        await self.write(registration(id, name, **more), an_observation(about=f"Patient/{id}", id=f"o-{id}"))
        await self.follow()

    async def together(self, id: str) -> list[str]:
        async with self.store.database.transaction() as connection:
            return await self.index.together(connection, id)

    async def groups(self, *ids: str) -> set[str]:
        return {"+".join(await self.together(id)) for id in ids}

    async def do(self, what: str, *told: Any) -> Any:
        async with self.store.database.transaction() as connection:
            return await getattr(self.index, what)(connection, *told, **BY)

    async def reviews(self, state: str = "open") -> list[Review]:
        async with self.store.database.transaction() as connection:
            return await self.index.reviews(connection, state, "", 100)

    async def observations(self, id: str) -> list[str]:
        pairs = [("patient", f"Patient/{id}"), ("_count", "100")]
        page = await self.repository.search(grammar.parse("Observation", pairs, strict=True))
        return sorted(hit.stored.id for hit in page.hits)

    async def places(self) -> dict[str, int]:
        """Where every row and every superseded version lies."""
        async with self.store.database.connection() as connection:
            rows = await connection.fetch(
                "SELECT id, version, shard FROM resource UNION ALL SELECT id, version, shard FROM resource_version"
            )
        return {f"{row['id']}/{row['version']}": row["shard"] for row in rows}

    async def everything(self) -> dict[str, bytes]:
        """Every current text, by an export: nothing may be missing, doubled or changed."""
        found: dict[str, bytes] = {}
        async for portion in self.repository.export(Extract(await self.repository.moment())):
            for one in portion.versions:
                name = f"{one.type}/{one.id}"
                assert name not in found
                found[name] = one.content
        return found


def registration(id: str, name: str = "王小明", *, card: str | None = CARD, born: str = "1985-03-14", **more: Any):
    numbers = [{"system": "urn:oid:2.16.156.10011.1.3", "value": card}] if card else []
    told = {"identifier": numbers, "gender": "male", "birthDate": born, **more}
    return {"resourceType": "Patient", "id": id, "name": [{"text": name}]} | {
        key: one for key, one in told.items() if one
    }


@pytest.fixture
async def house(fresh_database_url: str) -> AsyncIterator[House]:
    store = await Store.open(fresh_database_url, generate())
    yield House(store)
    await store.close()


async def test_a_registration_is_linked_with_its_rows_and_reads_as_before(house: House) -> None:
    await house.come("r1")
    await house.come("r2", "王晓明")
    await house.come("r3", "李娜", card=OTHER, born="1990-01-01")
    assert await house.groups("r1", "r2", "r3") == {"r1+r2", "r3"}
    places = await house.places()
    assert places["r1/1"] == places["r2/1"] == places["o-r1/1"] == places["o-r2/1"]
    assert places["r3/1"] != places["r1/1"]
    assert orjson.loads((await house.repository.read("Patient", "r2")).content)["name"] == [{"text": "王晓明"}]
    assert await house.observations("r2") == ["o-r2"]
    assert len(await house.everything()) == 6


async def test_the_whole_record_of_a_person_is_one_call_whichever_registration_is_asked(house: House) -> None:
    await house.come("r1")
    await house.come("r2", "王晓明")
    for id in ("r1", "r2"):
        page = await house.repository.everything(id)
        assert {hit.stored.id for hit in page.hits} == {"r1", "r2", "o-r1", "o-r2"}
    await house.do("part", "r2")
    page = await house.repository.everything("r2")
    assert {hit.stored.id for hit in page.hits} == {"r2", "o-r2"}


async def test_what_comes_later_for_a_linked_registration_lies_with_its_resident(house: House) -> None:
    await house.come("r1")
    await house.come("r2")
    await house.write(an_observation(about="Patient/r2", id="later"))
    await house.write(registration("r2", "王小明", active=True))
    await house.follow()
    places = await house.places()
    assert places["later/1"] == places["r2/2"] == places["r2/1"] == places["r1/1"]
    assert await house.observations("r2") == ["later", "o-r2"]
    assert await house.groups("r1", "r2") == {"r1+r2"}


async def test_a_borrowed_card_is_put_before_people_and_not_linked(house: House) -> None:
    await house.come("r1")
    await house.come("r2", "李秀英", gender="female", born="1960-01-02")
    assert await house.groups("r1", "r2") == {"r1", "r2"}
    [review] = await house.reviews()
    assert (review.a, review.b, review.reason) == ("r1", "r2", "borrowed")
    assert review.why["number"] == "resident-id"
    assert review.why["fields"]["name"]["level"] == "different"


async def test_two_numbers_are_not_linked_through_a_registration_without_one(house: House) -> None:
    home = {"telecom": [{"system": "phone", "value": "10012345678"}], "address": [{"line": ["钟楼街道12号3室"]}]}
    await house.come("r1", **home)
    await house.come("r2", card=None, **home)
    await house.come("r3", card=OTHER, **home)
    assert await house.groups("r1", "r2", "r3") == {"r1+r2", "r3"}
    assert ("r2", "r3", "two-numbers") in {(one.a, one.b, one.reason) for one in await house.reviews()}


async def test_what_people_parted_is_not_linked_again_through_a_third(house: House) -> None:
    home = {"telecom": [{"system": "phone", "value": "10012345678"}], "address": [{"line": ["钟楼街道12号3室"]}]}
    await house.come("r1", **home)
    await house.come("r2", **home)
    await house.do("part", "r2")
    await house.come("r3", **home)
    apart = await house.groups("r1", "r2", "r3")
    assert len(apart) == 2
    for name in ("r1", "r2", "r3"):
        await house.write(registration(name, active=True, **home))
        await house.follow()
    assert await house.groups("r1", "r2", "r3") == apart


async def test_a_name_of_which_only_an_extension_is_said_does_not_stop_the_follower(house: House) -> None:
    name = {
        "family": "王",
        "given": [None, "小明"],
        "_given": [{"extension": [{"url": "urn:x", "valueCode": "y"}]}, None],
    }
    await house.write(registration("r1") | {"name": [name]}, registration("r2"))
    await house.follow()
    assert await house.groups("r1", "r2") == {"r1+r2"}


async def test_people_decide_and_what_they_parted_is_not_linked_again(house: House) -> None:
    await house.come("r1")
    await house.come("r2", "李秀英", gender="female", born="1960-01-02")
    decided = await house.do("decide", "r2", "r1", "apart")
    assert (decided.state, decided.actor) == ("apart", DOCTOR.reference)
    with pytest.raises(Conflict, match="decided already"):
        await house.do("decide", "r1", "r2", "linked")
    await house.write(registration("r2"))  # now it looks the same
    await house.follow()
    assert await house.groups("r1", "r2") == {"r1", "r2"}
    assert await house.reviews() == []


async def test_a_wrong_merge_is_undone_and_everything_is_as_it_was(house: House) -> None:
    await house.come("r1")
    await house.come("r2", "赵四海", card=None, born="1970-01-01")
    await house.write(an_observation(about="Patient/r2", id="o-r2", status="amended"))
    before, there = await house.everything(), await house.places()
    event = await house.do("merge", "r1", "r2")
    assert await house.groups("r1", "r2") == {"r1+r2"}
    places = await house.places()
    assert places["o-r2/1"] == places["o-r2/2"] == places["r1/1"]
    assert await house.everything() == before
    await house.do("undo", event)
    assert await house.groups("r1", "r2") == {"r1", "r2"}
    assert (await house.everything(), await house.places()) == (before, there)
    with pytest.raises(Conflict, match="undone already"):
        await house.do("undo", event)


async def test_a_chain_of_merges_is_undone_in_the_middle(house: House) -> None:
    for id, name, born in (("a", "王小明", "1985-03-14"), ("b", "李大山", "1970-01-01"), ("c", "赵四海", "1960-01-01")):
        await house.come(id, name, card=None, born=born)
    there = await house.places()
    first = await house.do("merge", "b", "a")
    second = await house.do("merge", "c", "b")
    assert await house.groups("a", "b", "c") == {"a+b+c"}
    await house.do("undo", first)
    assert await house.groups("a", "b", "c") == {"a", "b+c"}
    assert (await house.places())["o-a/1"] == there["o-a/1"]
    await house.do("undo", second)
    assert await house.groups("a", "b", "c") == {"a", "b", "c"}
    assert await house.places() == there


async def test_the_first_registration_can_be_parted_from_the_others(house: House) -> None:
    for id in ("r1", "r2", "r3"):
        await house.come(id)
    assert await house.groups("r1") == {"r1+r2+r3"}
    await house.do("part", "r1")
    assert await house.groups("r1", "r2", "r3") == {"r1", "r2+r3"}
    places = await house.places()
    assert places["r1/1"] == places["o-r1/1"] != places["r2/1"] == places["o-r3/1"]
    assert await house.observations("r1") == ["o-r1"]
    await house.write(an_observation(about="Patient/r1", id="after"))
    assert (await house.places())["after/1"] == places["r1/1"]
    await house.write(registration("r1", active=True))
    await house.follow()
    assert await house.groups("r1", "r2") == {"r1", "r2+r3"}, "who was parted by people is not linked again"
    with pytest.raises(Conflict, match="linked with nobody"):
        await house.do("part", "r1")


async def test_a_newborn_gets_a_name(house: House) -> None:
    """Registered as 王丽之女, then by its name with the same certificate of birth."""
    system = "urn:x-minkang:birth-certificate"
    born = {
        "card": None,
        "born": "2026-10-01",
        "gender": "female",
        "identifier": [{"system": system, "value": "S380012"}],
    }
    await house.come("ward", "王丽之女", **born)
    await house.come("clinic", "陈一诺", **born)
    assert await house.groups("ward", "clinic") == {"clinic+ward"}


async def test_two_residents_of_several_registrations_are_merged_by_people_only(house: House) -> None:
    await house.come("a1")
    await house.come("a2")
    await house.come(
        "b1", "王小明", card=None, telecom=[{"system": "phone", "value": "10011112222"}], born="1990-05-05"
    )
    await house.come(
        "b2", "王小明", card=None, telecom=[{"system": "phone", "value": "10011112222"}], born="1990-05-05"
    )
    assert await house.groups("a1", "b1") == {"a1+a2", "b1+b2"}
    await house.write(registration("b2"))  # corrected: it has the number of a1
    await house.follow()
    assert await house.groups("a1", "b1") == {"a1+a2", "b1+b2"}
    assert {one.reason for one in await house.reviews()} >= {"two-residents"}


async def test_merging_while_documents_come_in_leaves_every_row_with_its_resident(house: House) -> None:
    await house.come("r1", card=None)
    await house.come("r2", "赵四海", card=None, born="1960-01-01")

    async def documents(id: str) -> None:
        for number in range(30):
            await house.write(an_observation(about=f"Patient/{id}", id=f"{id}-{number}"))

    async def merging() -> None:
        for _ in range(5):
            await house.do("undo", await house.do("merge", "r1", "r2"))
        await house.do("merge", "r1", "r2")

    await asyncio.gather(documents("r1"), documents("r2"), merging())
    places = await house.places()
    assert len(set(places.values())) == 1, "one shard for all"
    assert len(await house.everything()) == len(places) == 64
    assert len(await house.observations("r2")) == 31


async def test_a_deleted_registration_is_no_candidate(house: House) -> None:
    await house.come("r1")
    await house.repository.delete("Observation", "o-r1")
    await house.repository.delete("Patient", "r1")
    await house.follow()
    await house.come("r2")
    assert await house.groups("r2") == {"r2"}
    with pytest.raises(NotFound):
        await house.together("r1")


async def test_what_cannot_be_done_is_said(house: House) -> None:
    await house.come("r1")
    with pytest.raises(NotFound, match="r9"):
        await house.do("merge", "r1", "r9")
    with pytest.raises(Conflict, match="one person already"):
        await house.do("merge", "r1", "r1")
    with pytest.raises(NotFound, match="event 77"):
        await house.do("undo", 77)
    with pytest.raises(NotFound, match="look at"):
        await house.do("decide", "r1", "r9", "apart")
    async with house.store.database.transaction() as connection:
        with pytest.raises(Incorrect, match="Say why"):
            await house.index.part(connection, "r1", actor="x", reason=" ")


async def test_every_step_is_kept_with_its_reason(house: House) -> None:
    await house.come("r1")
    await house.come("r2")
    await house.do("part", "r2")
    async with house.store.database.transaction() as connection:
        parted, linked = await house.index.events(connection, ["r2"], 10)
    assert (linked.kind, linked.actor, linked.why["rule"]) == ("link", "Device/master-index", "number")
    assert (parted.kind, parted.actor, parted.why) == ("part", DOCTOR.reference, {"reason": "looked at both cards"})
