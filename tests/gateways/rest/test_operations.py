"""$validate, $everything, $meta, Binary, /metadata, and what happens when something breaks."""

from __future__ import annotations

import asyncio
import base64
from typing import Any

import pytest

from minkang.fhir.definitions.structures import resource_types
from minkang.fhir.problem import Busy, Forbidden, Unauthenticated
from minkang.fhir.search import grammar
from minkang.fhir.search.parameters import parameter
from minkang.fhir.validation import check
from minkang.gateways.rest.gateway import build
from minkang.gateways.rest.router import OPERATIONS, TABLE
from minkang.store.memory import MemoryStore
from tests.lib.asgi import Client

pytestmark = pytest.mark.anyio

PATIENT: dict[str, Any] = {"resourceType": "Patient", "name": [{"text": "张丽"}]}


def parameters(**values: Any) -> dict[str, Any]:
    return {"resourceType": "Parameters", "parameter": [{"name": k, **v} for k, v in values.items()]}


async def test_validate_tells_all_faults_and_stores_nothing(store: MemoryStore, door: Client) -> None:
    good = await door.post("/Patient/$validate", PATIENT)
    assert good.status == 200
    assert [issue["severity"] for issue in good.json["issue"]] == ["information"]
    bad = await door.post("/Patient/$validate", PATIENT | {"gender": "x", "colour": 1})
    assert bad.status == 200
    assert len([issue for issue in bad.json["issue"] if issue["severity"] == "error"]) == 2
    wrapped = await door.post("/Patient/$validate", parameters(resource={"resource": PATIENT | {"gender": "x"}}))
    assert [issue["severity"] for issue in wrapped.json["issue"]] == ["error"]
    other = await door.post("/Group/$validate", PATIENT)
    assert other.json["issue"][0]["severity"] == "error"
    assert list((await store.repository().history()).versions) == []


async def test_validate_knows_what_it_is_for(door: Client) -> None:
    await door.put("/Patient/p", PATIENT | {"id": "p"})
    assert (await door.get("/Patient/p/$validate")).json["issue"][0]["severity"] == "information"
    changed = parameters(resource={"resource": PATIENT | {"id": "q"}}, mode={"valueCode": "update"})
    assert (await door.post("/Patient/p/$validate", changed)).json["issue"][0]["expression"] == ["id"]
    assert (await door.post("/Patient/$validate?mode=update", PATIENT)).status == 400
    assert (await door.post("/Patient/$validate?mode=guess", PATIENT)).status == 400
    assert (await door.post("/Patient/$validate", parameters(mode={"valueCode": "create"}))).status == 400
    assert (await door.post("/Patient/p/$validate", parameters(mode={"valueCode": "delete"}))).status == 200
    profiled = await door.post("/Patient/$validate?profile=http://example.org/p", PATIENT)
    assert "warning" in [issue["severity"] for issue in profiled.json["issue"]]


@pytest.fixture
async def record(door: Client) -> Client:
    """One patient with two dated observations, and somebody else's."""
    for patient in ("p", "q"):
        await door.put(f"/Patient/{patient}", PATIENT | {"id": patient})
    for name, patient, date in (("o1", "p", "2024-01-05"), ("o2", "p", "2025-01-05"), ("o3", "q", "2024-01-05")):
        await door.put(
            f"/Observation/{name}",
            {
                "resourceType": "Observation",
                "id": name,
                "status": "final",
                "code": {"text": "x"},
                "subject": {"reference": f"Patient/{patient}"},
                "effectiveDateTime": date,
            },
        )
    return door


async def everything(door: Client, query: str = "") -> set[str]:
    answer = await door.get(f"/Patient/p/$everything{query}")
    assert answer.status == 200, answer.body
    return {entry["resource"]["id"] for entry in answer.json.get("entry", [])}


async def test_everything_is_the_patient_and_the_record_of_nobody_else(record: Client) -> None:
    assert await everything(record) == {"p", "o1", "o2"}
    assert "o1" in await everything(record, "?_type=Observation")
    assert "o3" not in await everything(record, "?_type=Observation")
    assert "o1" not in await everything(record, "?start=2024-06-01")
    assert "o2" not in await everything(record, "?end=2024-06-01")
    assert await everything(record, "?_since=2999-01-01T00:00:00%2B08:00") == set()
    posted = await record.post("/Patient/p/$everything", parameters(start={"valueDate": "2024-06-01"}))
    assert {entry["resource"]["id"] for entry in posted.json["entry"]} == await everything(record, "?start=2024-06-01")
    assert (await record.request("POST", "/Patient/p/$everything")).status == 200
    assert (await record.get("/Patient/never/$everything")).status == 404


@pytest.mark.parametrize("query", ["start=x", "_since=x", "_type=Human", "_count=0", "colour=red"])
async def test_everything_refuses_what_it_does_not_know(record: Client, query: str) -> None:
    assert (await record.get(f"/Patient/p/$everything?{query}")).status == 400


async def test_everything_comes_in_pages_that_add_up(record: Client) -> None:
    seen: list[str] = []
    url: str | None = "/Patient/p/$everything?_count=2"
    while url:
        page = (await record.get(url)).json
        seen += [entry["resource"]["id"] for entry in page["entry"]]
        following = [link["url"] for link in page["link"] if link["relation"] == "next"]
        url = following[0].removeprefix("http://door.test/fhir") if following else None
    assert sorted(seen) == ["o1", "o2", "p"]


async def test_tags_are_added_and_taken_away_by_system_and_code(door: Client) -> None:
    await door.put("/Patient/p", PATIENT | {"id": "p"})
    tag = {"system": "urn:oid:1.2", "code": "a"}
    given = parameters(meta={"valueMeta": {"tag": [tag], "profile": ["http://example.org/p"]}})
    added = await door.post("/Patient/p/$meta-add", given)
    assert added.status == 200
    again = await door.post("/Patient/p/$meta-add", given)
    for answer in (added, again, await door.get("/Patient/p/$meta")):
        meta = answer.json["parameter"][0]["valueMeta"]
        assert meta["tag"] == [tag]
        assert meta["profile"] == ["http://example.org/p"]
    removed = await door.post(
        "/Patient/p/$meta-delete", parameters(meta={"valueMeta": {"tag": [tag | {"display": "A"}]}})
    )
    assert "tag" not in removed.json["parameter"][0]["valueMeta"]
    assert "tag" not in (await door.get("/Patient/p")).json["meta"]
    assert (await door.get("/Patient/p")).json["meta"]["profile"] == ["http://example.org/p"]
    assert (await door.post("/Patient/p/$meta-add", parameters(other={"valueString": "x"}))).status == 400
    assert (await door.get("/Patient/never/$meta")).status == 404


async def test_a_binary_is_itself_to_whoever_names_another_media_type_and_a_resource_otherwise(door: Client) -> None:
    picture = bytes(range(256))
    made = await door.post("/Binary", picture, content_type="image/png")
    assert made.status == 201
    path = "/Binary/" + made.headers["location"].split("/Binary/")[1].split("/")[0]
    for accept in ({}, {"accept": "*/*"}):
        assert (await door.get(path, **accept)).json["resourceType"] == "Binary"
    for accept in ({"accept": "image/png"}, {"accept": "text/html,*/*;q=0.8"}):
        raw = await door.get(path, **accept)
        assert (raw.body, raw.headers["content-type"]) == (picture, "image/png")
        assert raw.headers["content-disposition"] == "attachment"
        assert raw.headers["content-security-policy"].startswith("sandbox")
        assert raw.headers["etag"] == 'W/"1"'
    fhir = await door.get(path, accept="application/fhir+json")
    assert base64.b64decode(fhir.json["data"]) == picture
    assert (await door.get(path + "?_format=json")).json["resourceType"] == "Binary"
    assert (await door.get(path + "?_format=xml")).status == 406
    assert (await door.get(path, if_none_match='W/"1"')).status == 304


async def test_a_binary_is_put_raw_under_an_id_and_as_a_resource(door: Client) -> None:
    raw = await door.put("/Binary/b", b"%PDF-", content_type="application/pdf", x_security_context="Patient/p")
    assert raw.status == 201
    tree = (await door.get("/Binary/b", accept="application/json")).json
    assert tree["securityContext"] == {"reference": "Patient/p"}
    resource = {"resourceType": "Binary", "id": "b", "contentType": "text/html", "data": "PGI+"}
    assert (await door.put("/Binary/b", resource)).status == 200
    page = await door.get("/Binary/b", accept="text/html")
    assert (page.body, page.headers["content-type"]) == (b"<b>", "text/html")
    assert (await door.post("/Binary", b"x", content_type="not a type")).status in (400, 415)
    assert (await door.post("/Binary", b"<Binary/>", content_type="application/fhir+xml")).status == 415
    odd = {"resourceType": "Binary", "id": "c", "contentType": "text/html\r\nx-evil: 1", "data": "PGI+"}
    assert (await door.put("/Binary/c", odd)).status in (201, 400)
    header = (await door.get("/Binary/c", accept="text/html")).headers["content-type"]
    assert header in ("application/octet-stream", "application/fhir+json; charset=utf-8")


async def test_metadata_says_what_the_router_does(door: Client) -> None:
    answer = await door.get("/metadata")
    assert answer.status == 200
    check(answer.json, "CapabilityStatement")
    rest = answer.json["rest"][0]
    assert {resource["type"] for resource in rest["resource"]} == resource_types()
    named = {i.name for methods in TABLE.values() for i in methods.values()}
    patient = next(resource for resource in rest["resource"] if resource["type"] == "Patient")
    for code in [i["code"] for i in patient["interaction"]] + [i["code"] for i in rest["interaction"]]:
        assert code in named | {"batch"}, code
    known = {name.removeprefix("$") for level, name in OPERATIONS if level.split("/")[0] in ("", "type", "Patient")}
    assert {operation["name"] for operation in patient["operation"]} == known | {"export"}  # the bulk door's
    assert answer.json["implementation"]["url"] == "http://door.test/fhir"
    assert answer.json["patchFormat"] == [
        "application/fhir+json",
        "application/json-patch+json",
        "application/merge-patch+json",
    ]


async def test_every_search_parameter_promised_is_understood(door: Client) -> None:
    samples = {"date": "2024", "number": "1", "quantity": "1", "reference": "Patient/1", "uri": "urn:x"}
    rest = (await door.get("/metadata")).json["rest"][0]
    promised = [(r["type"], p["name"], p["type"]) for r in rest["resource"] for p in r["searchParam"]]
    assert len(promised) > 2000
    for type_name, code, kind in promised:
        value = "30.5|114.3" if code == "near" else samples.get(kind, "x")
        if kind == "composite":
            parts = parameter(type_name, code).components
            value = "$".join(samples.get(part.kind, "x") for part in parts)
        grammar.parse(type_name, [(code, value)], strict=True)


class Broken:
    """A repository whose every method raises what it was given."""

    def __init__(self, error: BaseException):
        self.error = error

    def __getattr__(self, name: str) -> Any:
        async def method(*_: Any, **__: Any) -> Any:
            raise self.error

        return method


def broken(error: BaseException) -> Client:
    return Client(build(lambda request: Broken(error)))  # type: ignore[arg-type, return-value]


async def test_a_bug_is_a_500_that_tells_a_number_and_nothing_else(capfd: pytest.CaptureFixture[str]) -> None:
    door = broken(RuntimeError("secret 张丽"))
    asked = {"resourceType": "Bundle", "type": "batch", "entry": [{"request": {"method": "GET", "url": "Patient/p"}}]}
    direct, in_batch = await door.get("/Patient/p", x_request_id="r-1"), await door.post("/", asked, x_request_id="r-2")
    assert direct.status == 500
    assert "r-1" in direct.text
    assert in_batch.json["entry"][0]["response"]["status"].startswith("500")
    for answer in (direct, in_batch):
        assert b"secret" not in answer.body
        assert b"RuntimeError" not in answer.body


async def test_a_database_that_is_away_is_503_with_a_time_to_come_back() -> None:
    answer = await broken(Busy()).get("/Patient/p")
    assert answer.status == 503
    assert int(answer.headers["retry-after"]) > 0
    assert answer.json["issue"][0]["code"] == "transient"


async def test_a_cancelled_request_stays_cancelled() -> None:
    with pytest.raises(asyncio.CancelledError):
        await broken(asyncio.CancelledError()).get("/Patient/p")


@pytest.mark.parametrize(("problem", "status"), [(Unauthenticated(), 401), (Forbidden(), 403)])
async def test_who_may_not_enter_sees_the_capabilities_only(problem: Exception, status: int) -> None:
    def refuse(request: Any) -> Any:
        raise problem

    door = Client(build(refuse))
    for method, path in (("GET", "/Patient/p"), ("POST", "/"), ("GET", "/_history"), ("POST", "/Patient/$validate")):
        answer = await door.request(method, path)
        assert answer.status == status
        assert ("www-authenticate" in answer.headers) == (status == 401)
    assert (await door.get("/metadata")).status == 200


async def test_the_base_address_can_be_given(store: MemoryStore) -> None:
    door = Client(
        build(lambda request: store.repository(), base_url="https://fhir.example.org/r4/", mount=""), mount=""
    )
    made = await door.post("/Patient", PATIENT)
    assert made.headers["location"].startswith("https://fhir.example.org/r4/Patient/")


async def test_what_is_not_below_the_mount_is_not_found(store: MemoryStore) -> None:
    door = Client(build(lambda request: store.repository()), mount="")
    assert (await door.get("/fhirs/Patient")).status == 404
    assert (await door.get("/elsewhere")).status == 404
    assert (await door.get("/fhir")).status == 200
