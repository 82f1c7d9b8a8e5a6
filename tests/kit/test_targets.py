"""Requests of our own go where an operator said, whatever an address tries, and end in time whatever a target does."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest

from minkang.kit import outgoing
from minkang.kit.outgoing import NoAnswer, ask
from minkang.kit.targets import NotAllowed, allowed, reachable, target

pytestmark = pytest.mark.anyio

PREFIXES = ("https://ris.example.org/notify", "http://127.0.0.1:9000", "http://[::1]:9000/a")


@pytest.mark.parametrize(
    "url",
    [
        "https://ris.example.org/notify",
        "https://ris.example.org/notify/x?y=z",
        "https://ris.example.org/notify?y=z",
        "https://RIS.example.org:443/notify/",
        "http://127.0.0.1:9000/anything",
        "http://127.0.0.1:9000",
        "http://[::1]:9000/a/b",
    ],
)
def test_below_a_prefix_is_allowed(url: str) -> None:
    assert allowed(url, PREFIXES).host in ("ris.example.org", "127.0.0.1", "::1")


@pytest.mark.parametrize(
    "url",
    [
        "http://ris.example.org/notify",
        "https://ris.example.org/notifyelse",
        "https://ris.example.org/",
        "https://ris.example.org:8443/notify",
        "https://ris.example.org.evil.example/notify",
        "https://ris.example.org@evil.example/notify",
        "https://user:word@ris.example.org/notify",
        "https://ris.example.org/notify/../admin",
        "https://ris.example.org/notify/%2e%2E/admin",
        "https://ris.example.org\\@evil.example/notify",
        "https://ris.example.org/notify#x",
        "http://127.0.0.1:9000\r\nX: y/",
        "http://127.0.0.1:90000/",
        "http://localhost:9000/",
        "http://127.1:9000/",
        "http://2130706433:9000/",
        "file:///etc/passwd",
        "gopher://127.0.0.1:9000/",
        "//127.0.0.1:9000/",
        "",
        "https://ris.example.org/notify/" + "x" * 3000,
    ],
)
def test_everything_else_is_not(url: str) -> None:
    with pytest.raises(NotAllowed):
        allowed(url, PREFIXES)


@pytest.mark.parametrize(
    ("name", "address", "yes"),
    [
        ("http://ris.example.org", "203.0.113.7", True),
        ("http://ris.example.org", "10.1.2.3", True),  # a hospital's own network is where its systems are
        ("http://ris.example.org", "127.0.0.1", False),
        ("http://ris.example.org", "::1", False),
        ("http://ris.example.org", "::ffff:127.0.0.1", False),
        ("http://ris.example.org", "169.254.169.254", False),
        ("http://ris.example.org", "0.0.0.0", False),
        ("http://ris.example.org", "224.0.0.1", False),
        ("http://ris.example.org", "fe80::1%eth0", False),
        ("http://127.0.0.1", "127.0.0.1", True),
        ("http://localhost", "127.0.0.1", True),
    ],
)
def test_where_a_name_may_lead(name: str, address: str, yes: bool) -> None:
    assert reachable(target(name), address) is yes


Answering = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def serving(answer: Answering) -> AsyncIterator[str]:
    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await reader.readuntil(b"\r\n\r\n")
            await answer(reader, writer)
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(handle, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/n"
    finally:
        server.close()


async def _ask(url: str, body: bytes = b"{}", within: float = 5) -> int:
    return await ask(target(url), "POST", [("X-Key", "s3cret")], body, within=within)


def saying(text: bytes) -> Answering:
    async def answer(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(text)
        await writer.drain()

    return answer


async def test_what_is_sent_is_what_was_meant() -> None:
    heard: list[bytes] = []

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard.append(await reader.readuntil(b"\r\n\r\n"))
        heard.append(await reader.readexactly(2))
        writer.write(b"HTTP/1.1 204 No Content\r\n\r\n")
        writer.close()

    server = await asyncio.start_server(handle, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    assert await _ask(f"http://127.0.0.1:{port}/n?a=b") == 204
    server.close()
    assert heard[0].split(b"\r\n")[:4] == [
        b"POST /n?a=b HTTP/1.1",
        b"Host: 127.0.0.1:%d" % port,
        b"Connection: close",
        b"Content-Length: 2",
    ]
    assert heard[1] == b"{}"


@pytest.mark.parametrize(
    ("text", "status"),
    [
        (b"HTTP/1.1 200 OK\r\n\r\n", 200),
        (b"HTTP/1.0 500\r\n", 500),
        (b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 202 Accepted\r\n\r\n", 202),
        # A redirect is a status like others: it is not followed.
        (b"HTTP/1.1 302 Found\r\nLocation: http://169.254.169.254/\r\n\r\n", 302),
    ],
)
async def test_the_status_is_all_of_an_answer(text: bytes, status: int) -> None:
    async with serving(saying(text)) as url:
        assert await _ask(url) == status


@pytest.mark.parametrize(
    "text",
    [b"", b"SSH-2.0-x\r\n", b"x" * 100_000, b"HTTP/1.1 200 OK" + b"x" * 100_000, b"HTTP/1.1 100 C\r\n\r\n" * 50],
)
async def test_nonsense_is_no_answer(text: bytes) -> None:
    async with serving(saying(text)) as url:
        with pytest.raises(NoAnswer) as none:
            await _ask(url)
    assert "s3cret" not in str(none.value)


async def test_who_never_answers_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    left = asyncio.Event()

    async def answer(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
        while await reader.read(1000):
            pass
        left.set()

    async with serving(answer) as url:
        with pytest.raises(NoAnswer, match="within"):
            await _ask(url, within=0.05)
        async with asyncio.timeout(10):
            await left.wait()


async def test_who_answers_without_end_is_left() -> None:
    async def answer(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 103 x\r\n")
        while True:
            writer.write(b"X: y\r\n" * 1000)
            await writer.drain()

    async with serving(answer) as url:
        with pytest.raises(NoAnswer, match="within"):
            await _ask(url, within=0.1)


async def test_who_takes_nothing_of_a_long_body_is_left() -> None:
    async def answer(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await asyncio.Event().wait()

    async with serving(answer) as url:
        with pytest.raises(NoAnswer, match="within"):
            await _ask(url, body=b"x" * 50_000_000, within=0.2)


async def test_nobody_there() -> None:
    async with serving(saying(b"")) as url:
        pass
    with pytest.raises(NoAnswer, match="cannot be reached"):
        await _ask(url)


async def test_a_name_that_leads_where_it_must_not_is_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    async def resolved(*_: object, **__: object) -> list[tuple[int, int, int, str, tuple[str, int]]]:
        return [(2, 1, 6, "", ("127.0.0.1", 80))]

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", resolved)
    with pytest.raises(NoAnswer, match="must not be asked"):
        await _ask("http://ris.example.org/")


def test_certificates_are_checked() -> None:
    context = outgoing._tls()
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.check_hostname
