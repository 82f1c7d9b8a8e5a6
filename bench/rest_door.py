"""What the FHIR door itself costs, without a database: µs of CPU per request, ours against Starlette's objects.

    python bench/rest_door.py            calls the applications directly
    python bench/rest_door.py --served   also behind uvicorn (uvloop, httptools) on a loopback socket

The repository answers at once from memory, so what is counted is routing, negotiation, validation, writing the answer.
"""

from __future__ import annotations

import asyncio
import json
import os
import socket
import sys
import time
from datetime import UTC, datetime
from http.client import HTTPConnection
from multiprocessing import get_context
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request as StarletteRequest
from starlette.responses import Response as StarletteResponse
from starlette.routing import Mount, Route

from minkang.fhir.definitions.structures import resource_types
from minkang.fhir.resource import Parsed
from minkang.fhir.search.query import Query
from minkang.gateways.rest.gateway import build
from minkang.gateways.rest.request import check_id
from minkang.kit.http import App, http_date
from minkang.store.contract import Entry, Hit, Page, Stored, Written

OBSERVATION: dict[str, Any] = {
    "resourceType": "Observation",
    "status": "final",
    "category": [{"coding": [{"system": "urn:oid:1.2.156", "code": "vital-signs"}]}],
    "code": {"coding": [{"system": "urn:oid:1.2.156", "code": "sbp", "display": "收缩压"}]},
    "subject": {"reference": "Patient/p1"},
    "effectiveDateTime": "2026-01-01T08:00:00+08:00",
    "valueQuantity": {"value": 132, "unit": "mmHg", "system": "http://unitsofmeasure.org", "code": "mm[Hg]"},
    "note": [{"text": "x" * 300}],
}
CONTENT = json.dumps(OBSERVATION | {"id": "o1", "meta": {"versionId": "1"}}, ensure_ascii=False).encode()
STORED = Stored("Observation", "o1", 1, datetime(2026, 1, 1, tzinfo=UTC), CONTENT)
BODY = json.dumps(OBSERVATION, ensure_ascii=False, separators=(",", ":")).encode()
BUNDLE = json.dumps(
    {
        "resourceType": "Bundle",
        "type": "transaction",
        "entry": [{"resource": OBSERVATION, "request": {"method": "POST", "url": "Observation"}} for _ in range(19)],
    },
    ensure_ascii=False,
    separators=(",", ":"),
).encode()


class Instant:
    """As much of a repository as the requests below ask, answering at once."""

    async def read(self, type: str, id: str) -> Stored:
        return STORED

    async def search(self, query: Query) -> Page:
        return Page([Hit(STORED)] * 10)

    async def create(self, type: str, parsed: Parsed, *, if_none_exist: Query | None = None) -> Written:
        return Written(STORED, "created")

    async def transaction(self, entries: list[Entry], **_: Any) -> list[Written]:
        return [Written(STORED, "created") for _ in entries]


def ours() -> App:
    repository: Any = Instant()
    return build(lambda request: repository)


def starlettes() -> App:
    """The same read with Starlette's routing, request and response: no metrics, no negotiation, no request id."""
    repository = Instant()

    async def read(request: StarletteRequest) -> StarletteResponse:
        type_name, id = request.path_params["type"], check_id(request.path_params["id"])
        if type_name not in resource_types() or "xml" in request.headers.get("accept", ""):
            return StarletteResponse(status_code=404)
        found = await repository.read(type_name, id)
        headers = {"etag": f'W/"{found.version}"', "last-modified": http_date(found.updated).decode()}
        return StarletteResponse(found.content, headers=headers, media_type="application/fhir+json")

    async def other(request: StarletteRequest) -> StarletteResponse:
        return StarletteResponse(status_code=405)

    paths = ["/metadata", "/_history", "/{type}", "/{type}/_search", "/{type}/_history"]
    routes = [
        *(Route(path, other) for path in paths),
        Route("/{type}/{id}", read),
        Route("/{type}/{id}/_history", other),
    ]
    return Starlette(routes=[Mount("/fhir", routes=routes)])  # type: ignore[return-value]


REQUESTS = {
    "read": ("GET", "/fhir/Observation/o1", b"", b""),
    "search, 10 hits": ("GET", "/fhir/Patient", b"identifier=urn:oid:1.2.156|7", b""),
    "create": ("POST", "/fhir/Observation", b"", BODY),
    "transaction of 19": ("POST", "/fhir", b"", BUNDLE),
}


async def direct(app: App, name: str, rounds: int) -> float:
    """CPU µs of one request, the best of seven rounds."""
    method, path, query, body = REQUESTS[name]
    scope = {
        "type": "http",
        "method": method,
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "root_path": "",
        "query_string": query,
        "headers": [
            (b"host", b"127.0.0.1:8000"),
            (b"user-agent", b"bench"),
            (b"accept", b"application/fhir+json"),
            (b"content-type", b"application/fhir+json"),
        ],
        "server": ("127.0.0.1", 8000),
        "client": ("127.0.0.1", 9),
    }

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: Any) -> None:
        if message.get("status", 200) >= 300:
            raise RuntimeError(f"answered {message}")

    best = 1.0
    for _ in range(7):
        started = time.process_time()
        for _ in range(rounds):
            await app(dict(scope), receive, send)
        best = min(best, (time.process_time() - started) / rounds)
    return best * 1e6


def serve(name: str, port: int) -> None:
    app = ours() if name == "ours" else starlettes()
    uvicorn.run(app, port=port, loop="uvloop", http="httptools", log_level="error", access_log=False)


def behind_uvicorn(name: str, requests: int = 20_000) -> float:
    """CPU µs of the server's process for one read over one kept connection."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = get_context("spawn").Process(target=serve, args=(name, port), daemon=True)
    server.start()
    try:
        connection = _connected(port)
        for _ in range(500):
            _ask(connection)
        before = _cpu(server.pid or 0)
        for _ in range(requests):
            _ask(connection)
        return (_cpu(server.pid or 0) - before) / requests * 1e6
    finally:
        server.terminate()
        server.join()


def _connected(port: int) -> HTTPConnection:
    deadline = time.monotonic() + 20
    while True:
        try:
            connection = HTTPConnection("127.0.0.1", port, timeout=10)
            connection.connect()
            return connection
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)


def _ask(connection: HTTPConnection) -> None:
    connection.request("GET", "/fhir/Observation/o1", headers={"Accept": "application/fhir+json"})
    answer = connection.getresponse()
    if answer.status != 200 or answer.read() != CONTENT:
        raise RuntimeError(f"a read was answered {answer.status}")


def _cpu(pid: int) -> float:
    with open(f"/proc/{pid}/stat") as stat:  # noqa: PTH123
        fields = stat.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def main() -> None:
    for name in REQUESTS:
        rounds = 200 if name.startswith("trans") else 2_000
        print(f"{name:20} bare ASGI {asyncio.run(direct(ours(), name, rounds)):8.1f} µs")
    print(f"{'read':20} Starlette {asyncio.run(direct(starlettes(), 'read', 2_000)):8.1f} µs")
    if "--served" in sys.argv:
        for name in ("ours", "starlettes"):
            print(f"read behind uvicorn, {name:12} {behind_uvicorn(name):8.1f} µs")


if __name__ == "__main__":
    main()
