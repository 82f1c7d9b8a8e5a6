"""The door of the master index: matching, cross references, and what people decide, with what cannot be done."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from minkang.gateways.identity.gateway import build, is_mine
from minkang.platform.identity.desk import IdentityDesk
from minkang.store.keys import generate
from minkang.store.store import Store
from tests.lib.asgi import Client
from tests.platform.identity.test_index import CARD, DOCTOR, OTHER, House, registration

pytestmark = pytest.mark.anyio

SYSTEM = "urn:oid:2.16.156.10011.1.3"


class Door:
    def __init__(self, house: House) -> None:
        self.house = house
        desk = IdentityDesk(house.store.database, house.index, DOCTOR.reference)
        app = build(lambda: desk, lambda: house.repository, base_url="http://door.test/fhir", max_body=100_000)
        self.client = Client(app, mount="")

    async def ask(self, method: str, path: str, body: Any = b"", *, status: int = 200) -> Any:
        answer = await self.client.request(method, path, body)
        assert answer.status == status, answer.body
        return json.loads(answer.body)


@pytest.fixture
async def door(fresh_database_url: str) -> AsyncIterator[Door]:
    store = await Store.open(fresh_database_url, generate())
    house = House(store)
    await house.come("r1")
    await house.come("r2", "王晓明", local="7")
    await house.come("r3", "李秀英", gender="female", born="1960-01-02")
    await house.come("r4", "赵四海", card=OTHER, born="1985-03-14")
    yield Door(house)
    await store.close()


def parameters(**told: Any) -> dict[str, Any]:
    kinds = {bool: "valueBoolean", int: "valueInteger", str: "valueString"}
    parts: list[dict[str, Any]] = []
    for name, value in told.items():
        key = (
            "resource"
            if isinstance(value, dict) and "resourceType" in value
            else kinds.get(type(value), "valueReference")
        )
        parts.append({"name": name.replace("_", "-") if key == "valueReference" else name, key: value})
    return {"resourceType": "Parameters", "parameter": parts}


async def test_a_person_is_matched_with_grades(door: Door) -> None:
    asked = registration("new", "王小明")
    del asked["id"]
    found = await door.ask("POST", "/fhir/Patient/$match", parameters(resource=asked))
    grades = {one["resource"]["id"]: one["search"]["extension"][0]["valueCode"] for one in found["entry"]}
    assert grades == {"r1": "certain", "r2": "certain", "r3": "probable"}
    assert found["entry"][0]["fullUrl"] == "http://door.test/fhir/Patient/r1"
    certain = await door.ask("POST", "/fhir/Patient/$match", parameters(resource=asked, onlyCertainMatches=True))
    assert [one["resource"]["id"] for one in certain["entry"]] == ["r1", "r2"]
    assert (await door.ask("POST", "/fhir/Patient/$match", parameters(resource=asked, count=1)))["total"] == 1
    nobody = await door.ask("POST", "/fhir/Patient/$match", parameters(resource={"resourceType": "Patient"}))
    assert nobody == {"resourceType": "Bundle", "type": "searchset", "total": 0}


async def test_an_identifier_leads_to_all_others_of_the_person(door: Door) -> None:
    await door.house.write(
        registration("r2", "王晓明")
        | {"identifier": [{"system": SYSTEM, "value": CARD}, {"system": "urn:h2", "value": "77"}]}
    )
    await door.house.follow()
    path = "/fhir/Patient/$ihe-pix?sourceIdentifier="
    found = await door.ask("GET", f"{path}urn:h2|77")
    values = [one["valueIdentifier"]["value"] for one in found["parameter"] if "valueIdentifier" in one]
    ids = [one["valueReference"]["reference"] for one in found["parameter"] if "valueReference" in one]
    assert (values, ids) == ([CARD], ["Patient/r1", "Patient/r2"])
    alone = await door.ask("GET", f"{path}urn:h2|77&targetSystem=urn:other")
    assert all("valueIdentifier" not in one for one in alone["parameter"])
    await door.ask("GET", f"{path}urn:h2|none", status=404)
    await door.ask("GET", f"{path}77", status=400)
    await door.ask("POST", f"{path}urn:h2|77", b"{}", status=405)


async def test_people_look_and_decide(door: Door) -> None:
    told = await door.ask("GET", "/identity/reviews")
    assert {(one["a"], one["b"], one["reason"]) for one in told["reviews"]} == {("r1", "r3", "borrowed")} | {
        ("r2", "r3", "borrowed")
    }
    decision = {"decision": "apart", "reason": "her husband's card"}
    decided = await door.ask("POST", "/identity/reviews/r3/r1", decision)
    assert (decided["state"], decided["actor"]) == ("apart", DOCTOR.reference)
    await door.ask("POST", "/identity/reviews/r1/r3", decision, status=409)
    assert len((await door.ask("GET", "/identity/reviews?state=apart"))["reviews"]) == 1


async def test_merged_looked_at_parted_and_undone(door: Door) -> None:
    body = parameters(
        source_patient={"reference": "Patient/r4"}, target_patient={"reference": "Patient/r1"}, reason="same hands"
    )
    merged = await door.ask("POST", "/fhir/Patient/$merge", body)
    assert merged["parameter"][1]["resource"]["id"] == "r1"
    shown = await door.ask("GET", "/identity/Patient/r4")
    assert shown["together"] == ["r1", "r2", "r4"]
    assert [one["kind"] for one in shown["events"]] == ["merge", "link"]
    assert {one["text"] for one in shown["person"]["name"]} == {"王小明", "王晓明", "赵四海"}
    event = shown["events"][0]["id"]
    undone = await door.ask("POST", f"/identity/events/{event}/$undo", {"reason": "two people after all"})
    assert undone["event"] > event
    assert (await door.ask("GET", "/identity/Patient/r4"))["together"] == ["r4"]
    await door.ask("POST", "/identity/Patient/r2/$part", {"reason": "wrong card"})
    assert (await door.ask("GET", "/identity/Patient/r2"))["together"] == ["r2"]


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("POST", "/fhir/Patient/$match", b"{", 400),
        ("POST", "/fhir/Patient/$match", parameters(count=3), 400),
        ("POST", "/fhir/Patient/$match", parameters(resource={"resourceType": "Patient"}, count=0), 400),
        ("POST", "/fhir/Patient/$match", b"x" * 200_000, 413),
        ("GET", "/fhir/Patient/$match", b"", 405),
        ("POST", "/fhir/Patient/$merge", parameters(source_patient={"reference": "Patient/r1"}), 400),
        ("POST", "/identity/Patient/r1/$part", b"", 400),
        ("POST", "/identity/Patient/none/$part", b'{"reason":"x"}', 404),
        ("POST", "/identity/events/99/$undo", b'{"reason":"x"}', 404),
        ("POST", "/identity/events/x/$undo", b'{"reason":"x"}', 404),
        ("POST", "/identity/reviews/r1/r2", b'{"decision":"apart","reason":"x"}', 404),
        ("GET", "/identity/reviews?state=lost", b"", 400),
        ("GET", "/identity/reviews?count=0", b"", 400),
        ("GET", "/identity/Patient/none", b"", 404),
        ("GET", "/identity", b"", 404),
    ],
)
async def test_what_cannot_be_done_is_said(door: Door, method: str, path: str, body: Any, status: int) -> None:
    told = await door.ask(method, path, body, status=status)
    assert told.get("error") or told["issue"][0]["diagnostics"] or told["issue"][0]["details"]


def test_only_its_own_paths_are_answered() -> None:
    assert is_mine("/identity/reviews")
    assert is_mine("/fhir/Patient/$match")
    assert not is_mine("/fhir/Patient/r1")
    assert not is_mine("/identitys")
