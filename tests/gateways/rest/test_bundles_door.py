"""batch and transaction through the door: http://hl7.org/fhir/R4/http.html#transaction."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from minkang.store.memory import MemoryStore
from tests.lib.asgi import Answer, Client

pytestmark = pytest.mark.anyio

PATIENT: dict[str, Any] = {"resourceType": "Patient", "name": [{"text": "张丽"}]}
MARKED = PATIENT | {"identifier": [{"system": "urn:oid:1.2.3", "value": "7"}]}
URN = "urn:uuid:0b1f6a6e-5a3f-4b0e-9a52-1d1a5d2a7c01"


def observation(subject: str) -> dict[str, Any]:
    return {
        "resourceType": "Observation",
        "status": "final",
        "code": {"text": "血压"},
        "subject": {"reference": subject},
    }


def entry(method: str, url: str, resource: Any = None, full_url: str | None = None, **request: str) -> dict[str, Any]:
    made: dict[str, Any] = {"request": {"method": method, "url": url, **request}}
    if resource is not None:
        made["resource"] = resource
    if full_url is not None:
        made["fullUrl"] = full_url
    return made


def bundle(kind: str, *entries: dict[str, Any]) -> dict[str, Any]:
    return {"resourceType": "Bundle", "type": kind} | ({"entry": list(entries)} if entries else {})


def statuses(answer: Answer) -> list[str]:
    assert answer.status == 200, answer.body
    return [one["response"]["status"][:3] for one in answer.json["entry"]]


async def written(store: MemoryStore) -> int:
    return len((await store.repository().history(count=1000)).versions)


async def test_a_transaction_writes_all_and_links_what_it_made(door: Client) -> None:
    answer = await door.post(
        "/",
        bundle(
            "transaction",
            entry("POST", "Observation", observation(URN), "urn:uuid:0b1f6a6e-5a3f-4b0e-9a52-1d1a5d2a7c02"),
            entry("POST", "Patient", PATIENT, URN),
            entry("PUT", "Patient/chosen", PATIENT | {"id": "chosen"}),
            entry("GET", "Patient/chosen"),
            entry("DELETE", "Patient/never"),
        ),
    )
    assert answer.json["type"] == "transaction-response"
    assert statuses(answer) == ["201", "201", "201", "200", "204"]
    first, second, third, fourth, _ = answer.json["entry"]
    assert first["response"]["status"] == "201 Created"
    assert second["response"]["location"].startswith("Patient/")
    assert second["response"]["location"].endswith("/_history/1")
    assert third["response"]["etag"] == 'W/"1"'
    assert third["response"]["lastModified"].endswith("Z")
    assert "resource" not in third
    assert fourth["resource"]["id"] == "chosen"
    made = await door.get("/" + first["response"]["location"])
    assert made.json["subject"]["reference"] == second["response"]["location"].removesuffix("/_history/1")


async def test_a_transaction_shows_what_it_wrote_when_preferred(door: Client) -> None:
    asked = bundle("transaction", entry("POST", "Patient", PATIENT))
    answer = await door.post("/", asked, prefer="return=representation")
    assert answer.json["entry"][0]["resource"]["name"] == [{"text": "张丽"}]


@pytest.mark.parametrize(
    ("bad", "status", "place"),
    [
        (entry("POST", "Patient", PATIENT | {"gender": "x"}), 400, "Bundle.entry[1].resource"),
        (entry("POST", "Group", PATIENT), 400, "Bundle.entry[1]"),
        (entry("POST", "Human", PATIENT), 404, "Bundle.entry[1]"),
        (entry("PUT", "Patient/other", PATIENT | {"id": "one"}), 400, "Bundle.entry[1]"),
        (entry("PUT", "Patient?gendre=male", PATIENT), 400, "Bundle.entry[1]"),
        (entry("DELETE", "Patient"), 400, "Bundle.entry[1]"),
        (entry("POST", "Patient"), 400, "Bundle.entry[1]"),
        (entry("PATCH", "Patient/first", PATIENT), 400, "Bundle.entry[1]"),
        (entry("POST", "/", bundle("batch")), 400, "Bundle.entry[1]"),
        (entry("PUT", "Patient/a%zz", PATIENT), 400, "Bundle.entry[1]"),
        (entry("PUT", "Patient/first", PATIENT | {"id": "first"}, ifMatch='W/"9"'), 412, ""),
        (entry("GET", "Patient/never"), 404, ""),
        (entry("POST", "Observation", observation("Patient?identifier=urn:oid:9|9")), 412, ""),
        ({"resource": PATIENT}, 400, "Bundle.entry[1]"),
    ],
)
async def test_one_bad_entry_spoils_the_whole_transaction(
    store: MemoryStore, door: Client, bad: dict[str, Any], status: int, place: str
) -> None:
    answer = await door.post("/", bundle("transaction", entry("POST", "Patient", PATIENT), bad))
    assert answer.status == status, answer.body
    assert answer.json["resourceType"] == "OperationOutcome"
    told = answer.json["issue"][0]
    assert told.get("expression", [""])[0].startswith(place)
    assert await written(store) == 0


async def test_conditional_forms_work_inside_a_transaction(door: Client) -> None:
    await door.put("/Patient/p7", MARKED | {"id": "p7"})
    answer = await door.post(
        "/",
        bundle(
            "transaction",
            entry("POST", "Patient", MARKED, URN, ifNoneExist="identifier=urn:oid:1.2.3|7"),
            entry("POST", "Observation", observation(URN)),
            entry("POST", "Observation", observation("Patient?identifier=urn:oid:1.2.3|7")),
            entry("PUT", "Patient?identifier=urn:oid:1.2.3|8", PATIENT),
            entry("DELETE", "Patient?identifier=urn:oid:1.2.3|9"),
        ),
        prefer="return=representation",
    )
    assert statuses(answer) == ["200", "201", "201", "201", "204"]
    for number in (1, 2):
        assert answer.json["entry"][number]["resource"]["subject"]["reference"] == "Patient/p7"


DOCTOR = "urn:uuid:8d9a3b1e-7a0c-4c3e-9a35-0f1f2b6a7c11"


async def test_a_patch_rides_in_a_bundle_as_a_binary(door: Client) -> None:
    await door.put("/Patient/p", PATIENT | {"id": "p"})
    change = base64.b64encode(json.dumps([{"op": "add", "path": "/active", "value": True}]).encode()).decode()
    carrier = {"resourceType": "Binary", "contentType": "application/json-patch+json", "data": change}
    for version, kind in enumerate(("transaction", "batch"), start=2):
        if kind == "batch":
            await door.put("/Patient/p", PATIENT | {"id": "p"})
            version += 1
        answer = await door.post("/", bundle(kind, entry("PATCH", "Patient/p", carrier)))
        assert statuses(answer) == ["200"]
        assert answer.json["entry"][0]["response"]["etag"] == f'W/"{version}"'
        assert (await door.get("/Patient/p")).json["active"] is True


@pytest.mark.parametrize("kind", ["transaction", "batch"])
async def test_a_fhirpath_patch_rides_in_a_bundle_as_it_is(door: Client, kind: str) -> None:
    await door.put("/Patient/p", PATIENT | {"id": "p"})
    parts = [
        {"name": "type", "valueCode": "add"},
        {"name": "path", "valueString": "Patient"},
        {"name": "name", "valueString": "generalPractitioner"},
        {"name": "value", "valueReference": {"reference": DOCTOR if kind == "transaction" else "Practitioner/x"}},
    ]
    change = {"resourceType": "Parameters", "parameter": [{"name": "operation", "part": parts}]}
    doctor = {"fullUrl": DOCTOR, **entry("POST", "Practitioner", {"resourceType": "Practitioner"})}
    answer = await door.post("/", bundle(kind, entry("PATCH", "Patient/p", change), doctor))
    assert statuses(answer) == ["200", "201"]
    (named,) = (await door.get("/Patient/p")).json["generalPractitioner"]
    made = answer.json["entry"][1]["response"]["location"].partition("/_history")[0]
    assert made.endswith(named["reference"]) if kind == "transaction" else named["reference"] == "Practitioner/x"


async def test_the_same_message_is_done_once_and_answered_twice(store: MemoryStore, door: Client) -> None:
    asked = bundle("transaction", entry("POST", "Patient", PATIENT))
    first = await door.post("/", asked, x_source="his-1", x_message_id="m1")
    again = await door.post("/", asked, x_source="his-1", x_message_id="m1")
    assert first.json == again.json
    assert await written(store) == 1
    await door.post("/", asked, x_source="his-2", x_message_id="m1")
    assert await written(store) == 2
    assert (await door.post("/", asked, x_message_id="m2")).status == 400
    assert (await door.post("/", asked, x_source="his", x_message_id="x" * 201)).status == 400
    assert (await door.post("/", bundle("batch"), x_source="his", x_message_id="m3")).status == 400
    assert await written(store) == 2


async def test_each_entry_of_a_batch_stands_for_itself(door: Client) -> None:
    answer = await door.post(
        "/",
        bundle(
            "batch",
            entry("POST", "Patient", PATIENT),
            entry("POST", "Patient", PATIENT | {"gender": "x"}),
            entry("PUT", "Patient/p", PATIENT | {"id": "p"}),
            entry("GET", "Patient/never"),
            entry("GET", "Patient?_id=p"),
            entry("GET", "Human/1"),
            entry("DELETE", "Patient/never"),
            entry("POST", "Patient/$validate", PATIENT),
            entry("POST", "/", bundle("batch")),
        ),
    )
    assert statuses(answer) == ["201", "400", "201", "404", "200", "404", "204", "200", "400"]
    assert answer.json["type"] == "batch-response"
    assert answer.json["entry"][1]["response"]["outcome"]["resourceType"] == "OperationOutcome"
    assert answer.json["entry"][4]["resource"]["entry"][0]["resource"]["id"] == "p"


async def test_conditions_of_entries_work_like_headers(door: Client) -> None:
    made = await door.put("/Patient/p", PATIENT | {"id": "p"})
    updated = made.json["meta"]["lastUpdated"]
    answer = await door.post(
        "/",
        bundle(
            "batch",
            entry("GET", "Patient/p", ifNoneMatch='W/"1"'),
            entry("GET", "Patient/p", ifModifiedSince=updated),
            entry("GET", "Patient/p", ifModifiedSince="2000-01-01T00:00:00Z"),
            entry("PUT", "Patient/p", PATIENT | {"id": "p", "active": True}, ifMatch='W/"9"'),
        ),
    )
    assert statuses(answer)[0] == "304"
    assert statuses(answer)[2:] == ["200", "412"]


@pytest.mark.parametrize("kind", ["batch", "transaction"])
async def test_an_empty_bundle_is_answered_by_an_empty_one(door: Client, kind: str) -> None:
    answer = await door.post("/", bundle(kind))
    assert answer.status == 200
    assert answer.json == {"resourceType": "Bundle", "type": f"{kind}-response"}


@pytest.mark.parametrize(
    "body",
    [
        {"resourceType": "Bundle"},
        {"resourceType": "Bundle", "type": "searchset"},
        {"resourceType": "Bundle", "type": "collection", "entry": [{"resource": PATIENT}]},
        {"resourceType": "Bundle", "type": "transaction", "entry": {}},
        {"resourceType": "Bundle", "type": "transaction", "entry": [5]},
        {"resourceType": "Bundle", "type": "batch", "entry": [5]},
        {"resourceType": "Bundle", "type": "batch", "entry": [{"request": {"method": 5, "url": 6}}]},
        {"resourceType": "Bundle", "type": "batch", "entry": [{"request": {"method": "GET"}}]},
        {
            "resourceType": "Bundle",
            "type": "batch",
            "entry": [{"request": {"method": "POST", "url": "Patient"}, "resource": 5}],
        },
        {"resourceType": "Bundle", "type": "batch", "colour": 1, "entry": []},
        {"resourceType": "Parameters"},
    ],
)
async def test_what_is_no_batch_or_transaction_is_refused(store: MemoryStore, door: Client, body: Any) -> None:
    answer = await door.post("/", body)
    assert answer.status == 400, answer.body
    assert await written(store) == 0


async def test_a_bundle_can_be_stored_like_any_other_resource(door: Client) -> None:
    kept = bundle("collection", {"fullUrl": "http://example.org/Patient/1", "resource": PATIENT | {"id": "1"}})
    made = await door.post("/Bundle", kept)
    assert made.status == 201, made.body
    assert (await door.get(f"/Bundle/{made.json['id']}")).json["entry"] == kept["entry"]
