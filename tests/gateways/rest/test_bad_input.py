"""What is wrong gets a clear 4xx OperationOutcome, and nothing is written, whatever way it is wrong."""

from __future__ import annotations

import gzip
import json
import zlib

import pytest

from minkang.store.memory import MemoryStore
from tests.gateways.rest.conftest import MAX_BODY
from tests.lib.asgi import JSON, Answer, Client

pytestmark = pytest.mark.anyio

PATIENT = {"resourceType": "Patient"}
DEEP = b'{"resourceType":"Patient","extension":' * 200 + b"1" + b"}" * 200

BODIES = {
    "empty": b"",
    "not JSON": b"{",
    "a comment": b'{"resourceType":"Patient"} // yes',
    "two objects": b'{"resourceType":"Patient"}{"resourceType":"Patient"}',
    "an array": b"[]",
    "a string": b'"Patient"',
    "null": b"null",
    "no type": b"{}",
    "a type that is no text": b'{"resourceType":5}',
    "an unknown type": b'{"resourceType":"Human"}',
    "another type": b'{"resourceType":"Group"}',
    "an unknown element": b'{"resourceType":"Patient","colour":"red"}',
    "a text for a boolean": b'{"resourceType":"Patient","active":"yes"}',
    "an object for a list": b'{"resourceType":"Patient","name":{"text":"x"}}',
    "a list for one value": b'{"resourceType":"Patient","gender":["male"]}',
    "a code that is none": b'{"resourceType":"Patient","gender":"man"}',
    "a month 13": b'{"resourceType":"Patient","birthDate":"2024-13-01"}',
    "the 30th of February": b'{"resourceType":"Patient","birthDate":"2024-02-30"}',
    "an empty object": b'{"resourceType":"Patient","maritalStatus":{}}',
    "an empty list": b'{"resourceType":"Patient","name":[]}',
    "an empty text": b'{"resourceType":"Patient","language":""}',
    "a null": b'{"resourceType":"Patient","active":null}',
    "one key twice": b'{"resourceType":"Patient","active":true,"active":false}',
    "one key twice below": b'{"resourceType":"Patient","name":[{"text":"a","text":"b"}]}',
    "a NUL": b'{"resourceType":"Patient","language":"a\\u0000b"}',
    "a raw NUL": b'{"resourceType":"Patient","language":"a\x00b"}',
    "half a surrogate pair": b'{"resourceType":"Patient","language":"\\ud800"}',
    "GBK": '{"resourceType":"Patient","name":[{"text":"张丽"}]}'.encode("gbk"),
    "UTF-16": '{"resourceType":"Patient"}'.encode("utf-16"),
    "a byte order mark": b'\xef\xbb\xbf{"resourceType":"Patient"}',
    "overlong UTF-8": b'{"resourceType":"Patient","language":"\xc0\x80"}',
    "XML under a JSON label": b'<Patient xmlns="http://hl7.org/fhir"/>',
    "deep nesting": DEEP,
    "very deep nesting": b"[" * 90_000 + b"]" * 90_000,
    "NaN": b'{"resourceType":"Patient","multipleBirthInteger":NaN}',
    "a number beyond 32 bits": b'{"resourceType":"Patient","multipleBirthInteger":99999999999}',
    "a number beyond every float": b'{"resourceType":"Observation","valueQuantity":{"value":1e999999}}',
    "a reference to nothing known": b'{"resourceType":"Patient","managingOrganization":{"reference":"Org/1"}}',
    "a contained in a contained": b'{"resourceType":"Patient","contained":[{"resourceType":"Group","id":"g",'
    b'"contained":[{"resourceType":"Patient","id":"x"}]}]}',
}


@pytest.fixture
def database() -> None:
    """What is refused at the door never reaches a store: the naive one tells whether anything did."""


async def refused(store: MemoryStore, answer: Answer, *statuses: int) -> None:
    assert answer.status in statuses, answer.body
    assert answer.json["resourceType"] == "OperationOutcome"
    assert answer.json["issue"][0]["diagnostics"]
    assert answer.headers["content-type"].startswith(JSON)
    page = await store.repository().history()
    assert list(page.versions) == []


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES.keys())
async def test_a_bad_body_is_refused_everywhere(store: MemoryStore, door: Client, body: bytes) -> None:
    headers = {"content-type": JSON}
    for method, path in (("POST", "/Patient"), ("PUT", "/Patient/p"), ("PUT", "/Patient?_id=p"), ("POST", "/")):
        await refused(store, await door.request(method, path, body, headers), 400)
    validated = await door.request("POST", "/Patient/$validate", body, headers)
    assert validated.status in (200, 400)
    assert any(issue["severity"] == "error" for issue in validated.json["issue"])


async def test_gbk_bytes_are_named_as_such(door: Client) -> None:
    assert "GBK" in (await door.post("/Patient", BODIES["GBK"])).text


async def test_all_faults_are_told_at_once_with_their_places(door: Client) -> None:
    answer = await door.post("/Patient", {"resourceType": "Patient", "gender": "x", "colour": 1, "active": "no"})
    assert len(answer.json["issue"]) == 3
    assert {issue["expression"][0] for issue in answer.json["issue"]} == {
        "Patient.gender",
        "Patient.colour",
        "Patient.active",
    }


IDS = ["a" * 65, "a_b", "a b", "张", "a%00b", "a/../b", "%2e%2e%2f", "a%ffb", "a%zz", "a%", "'; drop table resource"]


@pytest.mark.parametrize("text", IDS)
async def test_what_is_no_id_is_refused(store: MemoryStore, door: Client, text: str) -> None:
    await refused(store, await door.put(f"/Patient/{text}", PATIENT | {"id": text}), 400, 404)
    await refused(store, await door.get(f"/Patient/{text}"), 400, 404)
    await refused(store, await door.delete(f"/Patient/{text}"), 400, 404)


async def test_an_id_of_64_characters_is_taken_and_one_of_65_is_not(door: Client) -> None:
    assert (await door.put(f"/Patient/{'a' * 64}", PATIENT | {"id": "a" * 64})).status == 201
    assert (await door.put(f"/Patient/{'a' * 65}", PATIENT | {"id": "a" * 65})).status == 400


PATHS = [
    ("GET", "/Human", 404),
    ("GET", "/Human/1", 404),
    ("GET", "/patient/1", 404),
    ("GET", "/Resource/1", 404),
    ("GET", "/DomainResource", 404),
    ("GET", "/Patient/1/2/3/4/5", 404),
    ("GET", "/Patient/1/Human", 404),
    ("GET", "/Organization/1/Observation", 404),
    ("GET", "/Patient/1/_history/1/2", 404),
    ("GET", "/Patient//Observation", 400),
    ("GET", "/Patient/$unknown", 404),
    ("GET", "/Patient/1/$unknown", 404),
    ("GET", "/Group/1/$everything", 404),
    ("GET", "/$everything", 404),
    ("GET", "/Patient/_unknown", 400),
    ("GET", "/%00", 400),
    ("GET", "/%ff", 400),
    ("GET", "/Pati%", 400),
]


@pytest.mark.parametrize(("method", "path", "status"), PATHS)
async def test_there_is_nothing_elsewhere(
    store: MemoryStore, door: Client, method: str, path: str, status: int
) -> None:
    await refused(store, await door.request(method, path), status)


METHODS = [
    ("PUT", "/", "GET, HEAD, POST"),
    ("DELETE", "/", "GET, HEAD, POST"),
    ("POST", "/metadata", "GET, HEAD"),
    ("POST", "/Patient/1", "DELETE, GET, HEAD, PATCH, PUT"),
    ("OPTIONS", "/Patient/1", "DELETE, GET, HEAD, PATCH, PUT"),
    ("BREW", "/Patient", "DELETE, GET, HEAD, PATCH, POST, PUT"),
    ("GET", "/Patient/_search", "POST"),
    ("DELETE", "/Patient/1/_history", "GET, HEAD"),
    ("PUT", "/Patient/1/_history/1", "GET, HEAD"),
    ("GET", "/Patient/$validate", "POST"),
    ("DELETE", "/Patient/1/$everything", "GET, HEAD, POST"),
    ("POST", "/Patient/1/Observation", "GET, HEAD"),
]


@pytest.mark.parametrize(("method", "path", "allow"), METHODS)
async def test_a_method_that_is_not_spoken_is_405_with_those_that_are(
    store: MemoryStore, door: Client, method: str, path: str, allow: str
) -> None:
    answer = await door.request(method, path)
    assert answer.headers["allow"] == allow
    await refused(store, answer, 405)


TYPES = [
    ("application/fhir+xml", 415),
    ("application/xml", 415),
    ("text/plain", 415),
    ("text/turtle", 415),
    ("application/x-www-form-urlencoded", 415),
    ("application/json-patch+json", 415),
    ("application/fhir+json; charset=gbk", 415),
    ("application/fhir+json; charset=iso-8859-1", 415),
    ("application/fhir+json; fhirVersion=3.0", 415),
    ("application/fhir+json", 201),
    ("application/fhir+json; charset=UTF-8", 201),
    ("application/fhir+json; fhirVersion=4.0", 201),
    ("Application/JSON", 201),
    ("application/json+fhir", 201),
]


@pytest.mark.parametrize(("media", "status"), TYPES)
async def test_only_json_in_utf8_is_taken(door: Client, media: str, status: int) -> None:
    assert (await door.post("/Patient", PATIENT, content_type=media)).status == status


async def test_a_body_without_content_type_is_refused(store: MemoryStore, door: Client) -> None:
    body = json.dumps(PATIENT).encode()
    answer = await door.request("POST", "/Patient", b"", [(b"content-length", b"%d" % len(body))], chunks=[body])
    await refused(store, answer, 415)


ACCEPTS = [
    ("application/fhir+json", 200, "application/fhir+json"),
    ("application/json", 200, "application/json"),
    ("*/*", 200, "application/fhir+json"),
    ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", 200, "application/fhir+json"),
    ("application/fhir+xml;q=1, application/json;q=0.5", 200, "application/json"),
    ("application/json;q=0.1, application/fhir+json", 200, "application/fhir+json"),
    ("application/fhir+json; fhirVersion=4.0", 200, "application/fhir+json"),
    ("application/fhir+json; fhirVersion=3.0", 406, ""),
    ("application/fhir+xml", 406, ""),
    ("application/xml", 406, ""),
    ("text/html", 406, ""),
    ("application/json;q=0", 406, ""),
    ("application/json;q=x", 406, ""),
    ("nonsense", 406, ""),
]


@pytest.mark.parametrize(("accept", "status", "media"), ACCEPTS)
async def test_only_json_is_answered(door: Client, accept: str, status: int, media: str) -> None:
    await door.put("/Patient/p", PATIENT | {"id": "p"})
    for path in ("/Patient/p", "/Patient", "/Patient/p/_history"):
        answer = await door.get(path, accept=accept)
        assert answer.status == status
        assert answer.headers["content-type"].startswith(media or JSON)


@pytest.mark.parametrize(
    ("wanted", "status"),
    [("json", 200), ("application/fhir+json", 200), ("application/json", 200), ("xml", 406), ("ttl", 406), ("", 406)],
)
async def test_format_outranks_accept(door: Client, wanted: str, status: int) -> None:
    assert (await door.get(f"/Patient?_format={wanted}", accept="application/fhir+xml")).status == status


@pytest.mark.parametrize("method", ["POST", "PUT"])
async def test_too_many_bytes_are_refused_announced_or_not(store: MemoryStore, door: Client, method: str) -> None:
    path = "/Patient" if method == "POST" else "/Patient/p"
    body = json.dumps(PATIENT | {"id": "p", "language": "x" * MAX_BODY}).encode()
    await refused(store, await door.request(method, path, body), 413)
    chunks = [body[at : at + 10_000] for at in range(0, len(body), 10_000)]
    typed = {"content-type": JSON}
    await refused(store, await door.request(method, path, b"", typed, chunks=chunks), 413)
    announced = {"content-type": JSON, "content-length": "9" * 30}
    await refused(store, await door.request(method, path, b"", announced, chunks=[b"{}"]), 413)


async def test_gzip_is_taken_within_the_same_limit(store: MemoryStore, door: Client) -> None:
    zipped = {"content-type": JSON, "content-encoding": "gzip"}
    bomb = gzip.compress(b'{"resourceType":"Patient","language":"' + b"x" * 50_000_000 + b'"}')
    assert len(bomb) < MAX_BODY
    whole = gzip.compress(json.dumps(PATIENT).encode())
    await refused(store, await door.request("POST", "/Patient", bomb, zipped), 413)
    await refused(store, await door.request("POST", "/Patient", whole[:-10], zipped), 400)
    await refused(store, await door.request("POST", "/Patient", b"not gzip", zipped), 400)
    await refused(store, await door.request("POST", "/Patient", gzip.compress(b"") * 5_000, zipped), 400)
    deflated = zlib.compress(json.dumps(PATIENT).encode())
    other = {"content-type": JSON, "content-encoding": "deflate"}
    await refused(store, await door.request("POST", "/Patient", deflated, other), 415)
    assert (await door.request("POST", "/Patient", whole, zipped)).status == 201
    parts = gzip.compress(b'{"resourceType":') + gzip.compress(b'"Patient"}')
    assert (await door.request("POST", "/Patient", parts, zipped)).status == 201


async def test_a_body_in_chunks_is_taken_whole(door: Client) -> None:
    body = json.dumps(PATIENT | {"name": [{"text": "欧阳"}]}, ensure_ascii=False).encode()
    chunks = [body[at : at + 1] for at in range(len(body))]
    made = await door.request("POST", "/Patient", b"", {"content-type": JSON}, chunks=chunks)
    assert made.status == 201
    assert made.json["name"][0]["text"] == "欧阳"


async def test_a_client_that_leaves_in_the_middle_writes_nothing(store: MemoryStore, door: Client) -> None:
    body = json.dumps(PATIENT).encode()
    with pytest.raises(ConnectionError):
        await door.request("POST", "/Patient", b"", {"content-type": JSON}, chunks=[body], disconnects=True)
    assert list((await store.repository().history()).versions) == []


@pytest.mark.parametrize("query", ["_format=json&_format=xml", "a=%zz", "a=%ff", "a=%00", "%=1", "_pretty=true&x=1"])
async def test_a_query_that_cannot_be_read_is_refused(door: Client, query: str) -> None:
    await door.put("/Patient/p", PATIENT | {"id": "p"})
    for path in ("/Patient/p", "/Patient", "/Patient/p/_history", "/Patient/p/_history/1", "/metadata", "/"):
        assert (await door.get(f"{path}?{query}")).status == 400, path
    assert (await door.put(f"/Patient/p?{query}", PATIENT | {"id": "p", "active": True})).status == 400
    assert (await door.delete(f"/Patient/p?{query}")).status == 400
    assert (await door.get("/Patient/p")).headers["etag"] == 'W/"1"'


async def test_raw_bytes_in_the_address_are_read_as_utf8_or_refused(door: Client) -> None:
    await door.put("/Patient/p", PATIENT | {"id": "p", "name": [{"text": "张丽"}]})
    assert len((await door.get("/Patient?name=张丽".encode())).json["entry"]) == 1
    assert (await door.get("/Patient?name=张丽".encode("gbk"))).status == 400


@pytest.mark.parametrize("mark", ["x" * 65, "a b", "a\nb", "<script>", ""])
async def test_a_request_id_that_is_not_plain_is_replaced(door: Client, mark: str) -> None:
    answered = (await door.request("GET", "/metadata", headers={"x-request-id": mark})).headers["x-request-id"]
    assert answered != mark
    assert answered.isalnum()


async def test_a_plain_request_id_comes_back_on_good_and_bad_answers(door: Client) -> None:
    for path in ("/metadata", "/Human", "/Patient"):
        answer = await door.get(path, x_request_id="abc-1")
        assert answer.headers["x-request-id"] == "abc-1"
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["cache-control"] == "no-store"


async def test_a_strange_host_does_not_get_into_links(door: Client) -> None:
    for host in (b'evil"host', b"a b", b"x" * 300, b"\xff"):
        answer = await door.request("GET", "/Patient", headers=[(b"host", host)])
        assert answer.status == 200
        assert answer.json["link"][0]["url"].startswith("http://")
