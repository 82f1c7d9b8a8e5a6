"""A file is fetched whole or not at all, from where it was allowed and from nowhere else."""

from __future__ import annotations

import socket
import socketserver
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from minkang.kit.fetching import TooMuch, fetch
from minkang.kit.outgoing import NoAnswer
from minkang.kit.targets import target


@contextmanager
def saying(*pieces: bytes) -> Iterator[str]:
    """Somebody who says this, whatever is asked, and closes."""

    class Line(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            self.request.recv(65536)
            for piece in pieces:
                self.request.sendall(piece)

    class Server(socketserver.ThreadingTCPServer):
        daemon_threads = True

    with Server(("127.0.0.1", 0), Line) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}/a.ndjson"
        finally:
            server.shutdown()
            thread.join(10)


def fetched(url: str, file: Path, *, most: int = 1000, going: Callable[[], None] = lambda: None) -> bytes:
    fetch(target(url), file, most=most, idle=10, going=going)
    assert file.stat().st_mode & 0o777 == 0o600
    return file.read_bytes()


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n",
        b"HTTP/1.0 200 OK\r\n\r\nhello",
    ],
    ids=["by length", "in chunks", "until the end"],
)
def test_the_body_is_the_file(tmp_path: Path, answer: bytes) -> None:
    with saying(answer) as url:
        assert fetched(url, tmp_path / "a") == b"hello"
    assert [one.name for one in tmp_path.iterdir()] == ["a"]


@pytest.mark.parametrize(
    ("answer", "error", "words"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhello", NoAnswer, "broke off after 5 bytes"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nhello", NoAnswer, "broke off"),
        (b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", NoAnswer, "answered 404"),
        (b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1/\r\nContent-Length: 0\r\n\r\n", NoAnswer, "not followed"),
        (b"SSH-2.0\r\n", NoAnswer, "does not answer in HTTP"),
        (b"", NoAnswer, "does not answer in HTTP"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 2000\r\n\r\n" + b"x" * 2000, TooMuch, "longer than 1,000"),
        (b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 2000, TooMuch, "longer than 1,000"),
    ],
)
def test_anything_else_leaves_nothing(tmp_path: Path, answer: bytes, error: type[Exception], words: str) -> None:
    with saying(answer) as url, pytest.raises(error, match=words):
        fetched(url, tmp_path / "a")
    assert not list(tmp_path.iterdir())


def test_it_can_be_stopped(tmp_path: Path) -> None:
    def stop() -> None:
        raise InterruptedError

    with saying(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello") as url, pytest.raises(InterruptedError):
        fetched(url, tmp_path / "a", going=stop)
    assert not list(tmp_path.iterdir())


def test_nobody_there_and_a_name_that_leads_inside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with saying(b"") as url:
        pass
    with pytest.raises(NoAnswer, match="cannot be reached"):
        fetched(url, tmp_path / "a")

    def inside(*_: Any, **__: Any) -> list[Any]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", 80))]

    monkeypatch.setattr(socket, "getaddrinfo", inside)
    with pytest.raises(NoAnswer, match="must not be asked"):
        fetched("http://hospital.example/a.ndjson", tmp_path / "a")
