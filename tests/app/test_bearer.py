"""Without a token only this machine comes in, whatever name a foreign web page gives to 127.0.0.1."""

from __future__ import annotations

import pytest

from minkang.app.bearer import guarded
from minkang.kit.http import send_bytes

pytestmark = pytest.mark.anyio


async def status_of(host: bytes | None, base_url: str | None = None, origin: bytes | None = None) -> int:
    async def app(scope, receive, send) -> None:
        await send_bytes(send, 200, [], b"inside")

    sent: list[dict] = []

    async def send(message) -> None:
        sent.append(message)

    headers = [(b"host", host)] if host is not None else []
    headers += [(b"origin", origin)] if origin is not None else []
    scope = {"type": "http", "method": "GET", "path": "/fhir/Patient", "headers": headers}
    await guarded(app, None, lambda path: False, base_url)(scope, None, send)
    return sent[0]["status"]


@pytest.mark.parametrize(
    "host", [b"localhost", b"localhost:8000", b"127.0.0.1:8000", b"[::1]:8000", b"LOCALHOST", None]
)
async def test_this_machine_comes_in(host):
    assert await status_of(host) == 200


@pytest.mark.parametrize(
    "host", [b"evil.example", b"evil.example:8000", b"localhost.evil.example", b"127.0.0.1.evil.example", b"", b"["]
)
async def test_a_foreign_name_for_this_machine_is_refused(host):
    assert await status_of(host) == 421


async def test_the_public_address_comes_in():
    assert await status_of(b"fhir.city.example", "https://fhir.city.example/fhir") == 200
    assert await status_of(b"evil.example", "https://fhir.city.example/fhir") == 421


@pytest.mark.parametrize(
    ("origin", "status"),
    [(b"http://localhost:8000", 200), (b"http://[::1]:3000", 200), (b"https://evil.example", 421), (b"null", 421)],
)
async def test_a_foreign_page_cannot_write_through_the_readers_browser(origin, status):
    assert await status_of(b"localhost:8000", origin=origin) == status
