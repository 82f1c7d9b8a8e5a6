"""$export over HTTP: ordered, asked for, fetched in pieces, cancelled, expired; and everything that is refused."""

from __future__ import annotations

import gzip
import json
from typing import Any

import pytest

from minkang.store.bulk import desk, running
from minkang.store.scope import EVERYTHING, Actor
from tests.gateways.bulk.conftest import ASYNC, BASE, Door
from tests.lib.builders import a_patient, an_observation, parsed

pytestmark = pytest.mark.anyio


@pytest.fixture
async def filled(door: Door) -> Door:
    for n in range(5):
        await put(door, {**a_patient(f"王{n}"), "id": f"p{n}"})
        await put(door, {**an_observation(about=f"Patient/p{n}", code="bp" if n % 2 else "hr"), "id": f"o{n}"})
    return door


async def put(door: Door, resource: dict[str, Any], actor: str = "Device/test", division: int = 0) -> None:
    repository = door.store.repository(Actor(actor, "county", division), EVERYTHING)
    await repository.update(resource["resourceType"], resource["id"], parsed(resource))


async def fetched(door: Door, manifest: dict[str, Any], kind: str = "output") -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for file in manifest[kind]:
        answer = await door.client.get(file["url"].removeprefix(BASE))
        assert answer.status == 200
        assert answer.headers["content-type"] == "application/fhir+ndjson"
        lines = [json.loads(line) for line in answer.body.splitlines()]
        assert len(lines) == file["count"]
        assert {line["resourceType"] for line in lines} == {file["type"]}
        found += lines
    return found


async def test_an_export_from_its_order_to_its_files(filled: Door) -> None:
    status = await filled.order("/$export?_type=Patient,Observation")
    waiting = await filled.client.get(status)
    assert (waiting.status, waiting.headers["x-progress"]) == (202, "waiting: 0 resources, 0%")
    assert int(waiting.headers["retry-after"]) > 0
    await filled.work()
    answer = await filled.client.get(status)
    assert answer.status == 200
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["expires"].endswith("GMT")
    manifest = answer.json
    assert manifest["request"] == f"{BASE}/$export?_type=Patient,Observation"
    assert manifest["requiresAccessToken"] is False
    assert manifest["transactionTime"].endswith("Z")
    assert (manifest["deleted"], manifest["error"]) == ([], [])
    found = await fetched(filled, manifest)
    assert sorted(one["id"] for one in found) == [f"{kind}{n}" for kind in "op" for n in range(5)]
    assert not any("王".encode() in path.read_bytes() for path in filled.folder.rglob("*.ndjson"))
    assert await filled.runner.waiting() == []


async def test_what_is_asked_for_narrows_it(filled: Door) -> None:
    criteria = "_typeFilter=Observation%3Fcode%3Dbp%26status%3Dfinal"
    manifest = (await filled.exported(f"/Patient/$export?_type=Observation&{criteria}")).json
    assert [one["id"] for one in await fetched(filled, manifest)] in (["o1", "o3"], ["o3", "o1"])
    await put(filled, {"resourceType": "Group", "id": "g", "type": "person", "actual": True,
                       "member": [{"entity": {"reference": "Patient/p2"}}]})  # fmt: skip
    manifest = (await filled.exported("/Group/g/$export?_type=Patient")).json
    assert [one["id"] for one in await fetched(filled, manifest)] == ["p2"]
    since = manifest["transactionTime"]
    await filled.repository.delete("Patient", "p4")
    manifest = (await filled.exported(f"/$export?_since={since}&_type=Patient")).json
    deleted = await fetched(filled, manifest, "deleted")
    assert [entry["request"]["url"] for bundle in deleted for entry in bundle["entry"]] == ["Patient/p4"]


async def test_parameters_may_be_posted(filled: Door) -> None:
    parameter = [
        {"name": "_type", "valueString": "Patient"},
        {"name": "patient", "valueReference": {"reference": "Patient/p1"}},
        {"name": "_outputFormat", "valueString": "application/fhir+ndjson"},
    ]
    body = {"resourceType": "Parameters", "parameter": parameter}
    answer = await filled.client.request("POST", "/Patient/$export", body, headers=ASYNC)
    assert answer.status == 202
    await filled.work()
    manifest = (await filled.client.get(answer.headers["content-location"].removeprefix(BASE))).json
    assert [one["id"] for one in await fetched(filled, manifest)] == ["p1"]


async def test_an_export_of_nothing_has_no_files(door: Door) -> None:
    answer = await door.exported("/$export")
    assert (answer.status, answer.json["output"]) == (200, [])


async def test_a_file_comes_whole_in_parts_compressed_or_not_again(filled: Door) -> None:
    manifest = (await filled.exported("/$export?_type=Patient")).json
    path = manifest["output"][0]["url"].removeprefix(BASE)
    whole = await filled.client.get(path)
    size = len(whole.body)
    assert whole.headers["accept-ranges"] == "bytes"
    assert int(whole.headers["content-length"]) == size
    tag = whole.headers["etag"]
    for asked, first, last in (("0-9", 0, 9), (f"{size - 3}-", size - 3, size - 1), ("-5", size - 5, size - 1)):
        part = await filled.client.get(path, range=f"bytes={asked}", if_range=tag)
        assert part.status == 206
        assert part.headers["content-range"] == f"bytes {first}-{last}/{size}"
        assert part.body == whole.body[first : last + 1]
    assert (await filled.client.get(path, range=f"bytes={size}-")).status == 416
    assert (await filled.client.get(path, range="bytes=0-9", if_range='"other"')).body == whole.body
    assert (await filled.client.get(path, if_none_match=tag)).status == 304
    packed = await filled.client.get(path, accept_encoding="br, gzip")
    assert packed.headers["content-encoding"] == "gzip"
    assert packed.headers["etag"] != tag
    assert gzip.decompress(packed.body) == whole.body
    assert (await filled.client.get(path, accept_encoding="gzip;q=0")).body == whole.body
    head = await filled.client.request("HEAD", path)
    assert (head.body, head.headers["content-length"]) == (b"", str(size))


@pytest.mark.parametrize(
    ("path", "headers", "status", "said"),
    [
        ("/$export", {"prefer": ""}, 400, "Prefer: respond-async"),
        ("/$export", {"accept": "text/csv"}, 406, "fhir+json"),
        ("/$export?_type=Patiant", {}, 400, "Patiant is not a resource type"),
        ("/$export?_since=yesterday", {}, 400, "yesterday is not a date"),
        ("/$export?_since=2020&_since=2021", {}, 400, "may be given once"),
        ("/$export?_typeFilter=Patient%3Fnmae%3Dx", {}, 400, "Unknown parameter 'nmae'"),
        ("/$export?_typeFilter=everything", {}, 400, "takes searches such as"),
        ("/$export?_type=Patient&_typeFilter=Observation%3Fcode%3Dx", {}, 400, "not among the types"),
        ("/$export?_typeFilter=Patient%3F_sort%3Dname", {}, 400, "has no search criteria"),
        ("/$export?_elements=1", {}, 400, "no element"),
        ("/$export?_outputFormat=csv", {}, 400, "only application/fhir+ndjson"),
        ("/$export?includeAssociatedData=x", {}, 400, "not supported"),
        ("/$export?_tpye=Patient", {}, 400, "Unknown parameter '_tpye'"),
        ("/$export?patient=Patient/1", {}, 400, "goes with"),
        ("/Patient/$export?patient=../x", {}, 400, "is not an id"),
        ("/Group/none/$export", {}, 404, "There is no Group/none"),
        ("/Group/a%00b/$export", {}, 400, "NUL"),
        ("/Observation/$export", {}, 404, "nothing at this address"),
        ("/bulk-status/none", {}, 404, "no such job"),
        ("/bulk-status", {}, 404, "nothing at this address"),
        ("/bulk-files/aaaaaaaaaaaaaaaaaaaaaa/..%2f..%2fkeys", {}, 404, "no such job"),
    ],
)
async def test_what_is_refused_says_why(door: Door, path: str, headers: dict[str, str], status: int, said: str) -> None:
    answer = await door.client.request("GET", path, headers=ASYNC | headers)
    assert answer.status == status, answer.body
    assert said in answer.text
    assert await door.runner.waiting() == []


async def test_methods_that_are_not_spoken(door: Door) -> None:
    for method, path in (("PUT", "/$export"), ("POST", "/bulk-status/x"), ("DELETE", "/bulk-files/x/y")):
        answer = await door.client.request(method, path, headers=ASYNC)
        assert answer.status == 405
        assert "GET" in answer.headers["allow"]


async def test_others_do_not_see_a_job_and_get_only_what_is_theirs(filled: Door) -> None:
    await put(filled, {**a_patient("theirs"), "id": "theirs"}, "Practitioner/county", 390200)
    status = await filled.order("/$export")
    await filled.work()
    manifest = (await filled.client.get(status)).json
    file = manifest["output"][0]["url"].removeprefix(BASE)
    for path in (status, file):
        assert (await filled.client.get(path, x_actor="Practitioner/county")).status == 404
    assert (await filled.client.delete(status, x_actor="Practitioner/county")).status == 404
    assert (await filled.client.get(status)).status == 200
    mine = (await filled.exported("/$export", **{"x-actor": "Practitioner/county"})).json
    assert [(file["type"], file["count"]) for file in mine["output"]] == [("Patient", 1)]


async def test_names_of_files_lead_nowhere_else(filled: Door) -> None:
    status = await filled.order("/$export")
    await filled.work()
    id = status.rpartition("/")[2]
    (filled.folder / "secret").write_text("secret")
    for name in ("..%2fsecret", "%2e%2e%2fsecret", "Patient.1.ndjson%00", "Patient.9.ndjson", ".", ""):
        answer = await filled.client.get(f"/bulk-files/{id}/{name}")
        assert answer.status in (400, 404), name
        assert b"secret\n" not in answer.body


async def test_a_cancelled_job_is_gone_with_its_files(filled: Door) -> None:
    status = await filled.order("/$export")
    await filled.work()
    assert list(filled.folder.iterdir())
    assert (await filled.client.delete(status)).status == 202
    assert (await filled.client.get(status)).status == 404
    assert (await filled.client.delete(status)).status == 404
    assert await filled.runner.sweep() == 1
    assert list(filled.folder.iterdir()) == []


async def test_a_job_cancelled_while_it_runs_stops_and_leaves_nothing(
    filled: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    status = await filled.order("/$export")
    real = running.export.run

    async def cancelled_meanwhile(*arguments: Any, **named: Any) -> Any:
        await filled.client.delete(status)
        return await real(*arguments, **named)

    monkeypatch.setattr(running.export, "run", cancelled_meanwhile)
    await filled.work()
    assert (await filled.client.get(status)).status == 404
    assert list(filled.folder.iterdir()) == []


async def test_files_expire_and_that_is_said(filled: Door) -> None:
    filled.runner._keep = filled.runner._keep * 0
    status = await filled.order("/$export")
    await filled.work()
    file = (await filled.client.get(status)).json["output"][0]["url"].removeprefix(BASE)
    await filled.runner.sweep()
    for path in (status, file):
        answer = await filled.client.get(path)
        assert answer.status == 410
        assert "expired" in answer.text
    assert list(filled.folder.iterdir()) == []


async def test_too_many_orders_are_told_to_wait(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(desk, "MOST", 2)
    for _ in range(2):
        await door.order("/$export")
    answer = await door.client.request("GET", "/$export", headers=ASYNC)
    assert answer.status == 429
    assert int(answer.headers["retry-after"]) > 0
    assert answer.json["issue"][0]["code"] == "throttled"
    await door.work()
    await door.order("/$export")


async def test_a_full_disk_leaves_the_job_waiting_and_it_goes_on(filled: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    status = await filled.order("/$export")
    real = running.SealedFile.write

    def full(self: Any, text: bytes) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(running.SealedFile, "write", full)
    with pytest.raises(running.Busy, match="disk is full"):
        await filled.work()
    waiting = await filled.client.get(status)
    assert (waiting.status, waiting.headers["x-progress"].partition(":")[0]) == (202, "waiting")
    monkeypatch.setattr(running.SealedFile, "write", real)
    await filled.work()
    assert len(await fetched(filled, (await filled.client.get(status)).json)) == 10


async def test_what_breaks_is_told_with_a_number_alone(filled: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    status = await filled.order("/$export")

    async def broken(*_: Any, **__: Any) -> None:
        raise ValueError("王小明")

    monkeypatch.setattr(running.export, "run", broken)
    await filled.work()
    answer = await filled.client.get(status)
    assert answer.status == 500
    assert "logged under" in answer.text
    assert "王" not in answer.text


async def test_one_job_has_one_runner(filled: Door) -> None:
    await filled.order("/$export")
    (id,) = await filled.runner.waiting()
    async with filled.store.database.connection() as other:
        await other.fetchval("SELECT pg_advisory_lock(hashtextextended($1, 0))", f"job {id}")
        assert await filled.runner.run(id) is False
        await other.fetchval("SELECT pg_advisory_unlock(hashtextextended($1, 0))", f"job {id}")
    assert await filled.runner.run(id) is True
    assert await filled.runner.run(id) is False
