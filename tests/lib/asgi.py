"""A client that calls an ASGI application in this process: no socket, no library that would tidy up bad requests."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from minkang.kit.http import App

JSON = "application/fhir+json"


@dataclass(frozen=True)
class Answer:
    """What came back. `headers` by lower-case name."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def text(self) -> str:
        """What the OperationOutcome says."""
        return " | ".join(issue.get("diagnostics", "") for issue in self.json["issue"])


class Client:
    """`await client.get("/Patient/1")`. Paths are below `/fhir` and may be bytes that no client library would send."""

    def __init__(self, app: App, mount: str = "/fhir"):
        self.app = app
        self.mount = mount

    async def request(
        self,
        method: str,
        path: str | bytes,
        body: bytes | str | Mapping[str, Any] | list[Any] = b"",
        headers: Mapping[str, str] | Iterable[tuple[bytes, bytes]] = (),
        *,
        chunks: Iterable[bytes] | None = None,
        disconnects: bool = False,
    ) -> Answer:
        """Sends `body` whole, or `chunks` one by one; a client that disconnects leaves before the last one."""
        raw = path.encode() if isinstance(path, str) else path
        raw_path, _, query = (self.mount.encode() + raw).partition(b"?")
        pairs = _pairs(headers)
        sent = _encoded(body)
        if sent and not any(name == b"content-type" for name, _ in pairs):
            pairs.append((b"content-type", JSON.encode()))
        if chunks is None and sent:
            pairs.append((b"content-length", str(len(sent)).encode()))
        scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": method,
            "scheme": "http",
            "path": raw_path.decode("latin-1"),
            "raw_path": raw_path,
            "query_string": query,
            "root_path": "",
            "headers": [(b"host", b"door.test"), *pairs],
            "server": ("door.test", 80),
            "client": ("127.0.0.1", 1),
        }
        pieces = list(chunks) if chunks is not None else [sent]
        messages: list[dict[str, Any]] = [
            {"type": "http.request", "body": piece, "more_body": number < len(pieces) or disconnects}
            for number, piece in enumerate(pieces, start=1)
        ]
        messages.append({"type": "http.disconnect"})
        answers: list[dict[str, Any]] = []

        async def receive() -> dict[str, Any]:
            return messages.pop(0)

        async def send(message: Any) -> None:
            answers.append(message)

        await self.app(scope, receive, send)
        if not answers:
            raise ConnectionError("The application answered nothing.")
        start, *rest = answers
        found = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in start["headers"]}
        return Answer(start["status"], found, b"".join(part["body"] for part in rest))

    async def get(self, path: str | bytes, **headers: str) -> Answer:
        return await self.request("GET", path, headers=named(headers))

    async def post(self, path: str, body: Any, **headers: str) -> Answer:
        return await self.request("POST", path, body, named(headers))

    async def put(self, path: str, body: Any, **headers: str) -> Answer:
        return await self.request("PUT", path, body, named(headers))

    async def delete(self, path: str, **headers: str) -> Answer:
        return await self.request("DELETE", path, headers=named(headers))

    async def patch(self, path: str, body: Any, **headers: str) -> Answer:
        return await self.request(
            "PATCH", path, body, {"content-type": "application/json-patch+json", **named(headers)}
        )


def named(headers: Mapping[str, str]) -> dict[str, str]:
    """`if_match="..."` as the header If-Match."""
    return {name.replace("_", "-").lower(): value for name, value in headers.items()}


def _pairs(headers: Mapping[str, str] | Iterable[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    if isinstance(headers, Mapping):
        return [(name.lower().encode(), value.encode()) for name, value in headers.items()]
    return list(headers)


def _encoded(body: bytes | str | Mapping[str, Any] | list[Any]) -> bytes:
    if isinstance(body, bytes):
        return body
    return body.encode() if isinstance(body, str) else json.dumps(body, ensure_ascii=False).encode()
