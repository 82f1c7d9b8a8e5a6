"""`$import`: files below one folder, loaded by a job; what it refuses, how it ends, and that it can be called off."""

from __future__ import annotations

import gzip
import json
import threading
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from minkang.app import import_jobs
from minkang.gateways.bulk.gateway import Caller, build
from minkang.kit import settings
from minkang.kit.http import Scope
from minkang.store import keys
from minkang.store.scope import EVERYTHING, Actor
from minkang.store.scope import Scope as Rows
from minkang.store.store import Store
from tests.gateways.bulk.conftest import ASYNC, BASE, Door
from tests.lib.asgi import Client
from tests.lib.builders import a_patient, an_observation

pytestmark = pytest.mark.anyio


@pytest.fixture
def incoming(tmp_path: Path) -> Path:
    """The folder for imports, with a hospital's files in it, beside one that nobody may read."""
    folder = tmp_path / "incoming"
    (folder / "h7").mkdir(parents=True)
    people = [a_patient("王小明", id=f"p{n}") for n in range(3)]
    (folder / "h7" / "Patient.ndjson").write_text("".join(json.dumps(one) + "\n" for one in people))
    lines = [json.dumps(an_observation(about=f"Patient/p{n}", id=f"o{n}")) for n in range(3)]
    (folder / "h7" / "Observation.ndjson").write_text(
        "\n".join([*lines[:2], '{"resourceType":"Observation"', lines[2]])
    )
    (tmp_path / "secret.ndjson").write_text(json.dumps(people[0]))
    (folder / "link.ndjson").symlink_to(tmp_path / "secret.ndjson")
    return folder


@pytest.fixture
async def door(fresh_database_url: str, tmp_path: Path, incoming: Path) -> AsyncIterator[Door]:
    key = tmp_path / "store.key"
    store = await Store.open(fresh_database_url, keys.load_or_create(key))
    jobs = tmp_path / "jobs"

    def caller(scope: Scope) -> Caller:
        named = dict(scope["headers"]).get(b"x-actor") is not None
        actor, rows = Actor("Device/other" if named else "Device/test"), Rows(divisions=frozenset({390200}))
        rows = rows if named else EVERYTHING
        return Caller(store.desk(actor, rows, jobs, incoming), store.repository(actor, rows))

    chosen = replace(settings.load({}), database_url=fresh_database_url, workers=1)
    runner = store.runner(jobs, timedelta(hours=1), {"import": import_jobs.kind(chosen, key)})
    yield Door(Client(build(caller, max_body=100_000)), store, runner, jobs)
    await store.close()


def order(*urls: str, **more: Any) -> dict[str, Any]:
    inputs = [{"type": "Patient", "url": url} for url in urls]
    return {"inputFormat": "application/fhir+ndjson", "inputSource": "h7", "input": inputs, **more}


async def ordered(door: Door, body: dict[str, Any]) -> str:
    answer = await door.client.request("POST", "/$import", body, headers=ASYNC)
    assert answer.status == 202, answer.body
    return answer.headers["content-location"].removeprefix(BASE)


async def test_a_folder_is_loaded_and_refused_lines_lie_in_a_file(door: Door, incoming: Path) -> None:
    status = await ordered(door, order("h7"))
    waiting = await door.client.request("GET", status)
    assert (waiting.status, waiting.headers["x-progress"]) == (202, "waiting: 0 resources, 0%")
    await door.work()
    told = (await door.client.request("GET", status)).json
    assert [told[name] for name in ("created", "updated", "unchanged", "rejected")] == [6, 0, 0, 1]
    assert told["output"] == []
    assert [(file["type"], file["count"]) for file in told["error"]] == [("OperationOutcome", 1)]
    file = await door.client.request("GET", told["error"][0]["url"].removeprefix(BASE))
    outcome = json.loads(file.body)
    assert outcome["issue"][0]["location"] == ["Observation.ndjson:3"]
    stored = await door.repository.read("Observation", "o2")
    assert stored.version == 1
    kept = next(path for path in door.folder.rglob("refused.ndjson"))
    assert b"OperationOutcome" not in kept.read_bytes()
    again = await ordered(door, order((incoming / "h7" / "Patient.ndjson").as_uri()))
    await door.work()
    assert (await door.client.request("GET", again)).json["unchanged"] == 3


async def test_the_order_may_be_a_parameters_resource(door: Door) -> None:
    part = [{"name": "type", "valueCode": "Patient"}, {"name": "url", "valueUri": "h7/Patient.ndjson"}]
    parameter = [{"name": "inputSource", "valueUri": "http://h7.example"}, {"name": "input", "part": part}]
    status = await ordered(door, {"resourceType": "Parameters", "parameter": parameter})
    await door.work()
    assert (await door.client.request("GET", status)).json["created"] == 3


@pytest.mark.parametrize(
    ("body", "status", "said"),
    [
        (order("../secret.ndjson"), 404, "names no .ndjson file below"),
        (order("link.ndjson"), 404, "names no .ndjson file below"),
        (order("/etc/passwd"), 404, "names no .ndjson file below"),
        (order("none"), 404, "names no .ndjson file below"),
        (order("h7/%00"), 404, "names no .ndjson file below"),
        (order("https://example.org/a.ndjson"), 403, "is not fetched"),
        (order("http://127.0.0.1:1/other/a.ndjson"), 403, "MINKANG_IMPORT_URLS"),
        (order("ftp://example.org/a.ndjson"), 400, "is no file"),
        (order("file://elsewhere/a.ndjson"), 400, "is no file"),
        (order(), 400, "1 to 1000"),
        (order("h7", inputFormat="text/csv"), 400, "inputFormat must be"),
        (order("h7", inputSource=""), 400, "inputSource must say"),
        (order("h7", input=[{"url": "h7", "type": "Patiant"}]), 400, "'Patiant' is not a resource type"),
        (order("h7", input=["h7"]), 400, "needs a url"),
        (order("h7", mode="replace"), 400, "'mode' is not understood"),
        ({"resourceType": "Patient"}, 400, "is not understood"),
    ],
)
async def test_what_cannot_be_ordered_is_said(door: Door, body: dict[str, Any], status: int, said: str) -> None:
    answer = await door.client.request("POST", "/$import", body, headers=ASYNC)
    assert (answer.status, said in answer.text) == (status, True), answer.body


async def test_only_who_may_write_everything_orders_one(door: Door) -> None:
    answer = await door.client.request("POST", "/$import", order("h7"), headers=ASYNC | {"x-actor": "Device/other"})
    assert answer.status == 403


async def test_without_a_folder_for_imports_there_are_none(door: Door, tmp_path: Path) -> None:
    desk = door.store.desk(Actor("Device/test"), EVERYTHING, tmp_path)
    client = Client(build(lambda _: Caller(desk, door.repository), max_body=100_000))
    answer = await client.request("POST", "/$import", order("h7"), headers=ASYNC)
    assert (answer.status, "MINKANG_IMPORT_FROM" in answer.text) == (403, True)


async def test_one_that_is_called_off_loads_nothing(door: Door) -> None:
    status = await ordered(door, order("h7"))
    assert (await door.client.request("DELETE", status)).status == 202
    await door.work()
    assert (await door.client.request("GET", status)).status == 404
    assert await door.store.counts() == {}


async def test_a_file_that_is_gone_when_its_turn_comes_is_told(door: Door, incoming: Path) -> None:
    status = await ordered(door, order("h7/Patient.ndjson"))
    (incoming / "h7" / "Patient.ndjson").unlink()
    await door.work()
    answer = await door.client.request("GET", status)
    assert (answer.status, "Patient.ndjson cannot be read" in answer.text) == (422, True), answer.body


NDJSON = ASYNC | {"content-type": "application/fhir+ndjson"}


async def test_a_file_that_comes_with_the_order_is_loaded_and_then_gone(door: Door, incoming: Path) -> None:
    body = (incoming / "h7" / "Observation.ndjson").read_bytes()
    answer = await door.client.request("POST", "/$import?inputSource=h7", body, headers=NDJSON)
    assert answer.status == 202, answer.body
    [kept] = door.folder.rglob("upload.ndjson")
    assert kept.stat().st_mode & 0o777 == 0o600
    assert await door.runner.sweep() == 0
    await door.work()
    status = answer.headers["content-location"].removeprefix(BASE)
    told = (await door.client.request("GET", status)).json
    assert [told[name] for name in ("created", "rejected")] == [3, 1]
    file = await door.client.request("GET", told["error"][0]["url"].removeprefix(BASE))
    assert json.loads(file.body)["issue"][0]["location"] == ["upload.ndjson:3"]
    assert not list(door.folder.rglob("upload.ndjson"))


async def test_who_uploads_says_from_whom_and_may_write_everything(door: Door) -> None:
    answer = await door.client.request("POST", "/$import", b"{}", headers=NDJSON)
    assert (answer.status, "inputSource" in answer.text) == (400, True)
    answer = await door.client.request("POST", "/$import?inputSource=a", b"{}", headers=NDJSON | {"x-actor": "x"})
    assert answer.status == 403
    assert not list(door.folder.rglob("upload.ndjson"))


@dataclass
class Fetching(Door):
    """`address`: of the hospital's server, below which files may be fetched."""

    address: str = ""


@pytest.fixture
async def fetching(door: Door, tmp_path: Path, fresh_database_url: str) -> AsyncIterator[Fetching]:
    (tmp_path / "srv").mkdir()

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(tmp_path / "srv")))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    allowed = (f"http://127.0.0.1:{server.server_port}/h7",)
    desk = door.store.desk(Actor("Device/test"), EVERYTHING, door.folder, None, allowed)
    client = Client(build(lambda _: Caller(desk, door.repository), max_body=100_000))
    chosen = replace(settings.load({}), database_url=fresh_database_url, workers=1, import_urls=allowed)
    runner = door.store.runner(
        door.folder, timedelta(hours=1), {"import": import_jobs.kind(chosen, tmp_path / "store.key")}
    )
    yield Fetching(client, door.store, runner, door.folder, allowed[0])
    server.shutdown()
    thread.join(10)
    server.server_close()


async def test_files_of_a_server_are_fetched_and_loaded(fetching: Fetching, incoming: Path, tmp_path: Path) -> None:
    (tmp_path / "srv" / "h7").mkdir()
    people = (incoming / "h7" / "Patient.ndjson").read_bytes()
    (tmp_path / "srv" / "h7" / "Patient.ndjson.gz").write_bytes(gzip.compress(people))
    (tmp_path / "srv" / "h7" / "Observation.ndjson").write_bytes((incoming / "h7/Observation.ndjson").read_bytes())
    address = fetching.address
    status = await ordered(fetching, order(f"{address}/Patient.ndjson.gz", f"{address}/Observation.ndjson"))
    await fetching.work()
    told = (await fetching.client.request("GET", status)).json
    assert [told[name] for name in ("created", "rejected")] == [6, 1]
    file = await fetching.client.request("GET", told["error"][0]["url"].removeprefix(BASE))
    assert json.loads(file.body)["issue"][0]["location"] == ["Observation.ndjson:3"]
    assert not list(fetching.folder.rglob("fetched-*"))


async def test_what_is_not_there_fails_and_says_so(fetching: Fetching) -> None:
    status = await ordered(fetching, order(f"{fetching.address}/none.ndjson"))
    await fetching.work()
    answer = await fetching.client.request("GET", status)
    assert (answer.status, "answered 404" in answer.text) == (422, True), answer.body
