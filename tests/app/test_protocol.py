"""An answer leaves in one piece where it can, and byte for byte right where it cannot."""

from __future__ import annotations

import asyncio
import logging
from types import SimpleNamespace
from typing import Any

import pytest

from minkang.app.protocol import Cycle


class Wire:
    """As much of a transport as a cycle uses."""

    def __init__(self) -> None:
        self.pieces: list[bytes] = []
        self.closed = False

    def write(self, data: bytes) -> None:
        self.pieces.append(bytes(data))

    def close(self) -> None:
        self.closed = True


def sent(*messages: dict[str, Any], method: str = "GET", keep_alive: bool = True) -> Wire:
    wire = Wire()

    async def run() -> None:
        flow: Any = SimpleNamespace(write_paused=False)
        log = logging.getLogger("test")
        cycle = Cycle(
            scope={"method": method},  # type: ignore[typeddict-item]
            transport=wire,  # type: ignore[arg-type]
            flow=flow,
            logger=log,
            access_logger=log,
            access_log=False,
            default_headers=[(b"date", b"now")],
            message_event=asyncio.Event(),
            expect_100_continue=False,
            keep_alive=keep_alive,
            on_response=lambda: None,
        )
        for message in messages:
            await cycle.send(message)

    asyncio.run(run())
    return wire


def start(length: int | None, status: int = 200) -> dict[str, Any]:
    headers = [] if length is None else [(b"content-length", b"%d" % length)]
    return {"type": "http.response.start", "status": status, "headers": headers}


def body(data: bytes, *, more: bool = False) -> dict[str, Any]:
    return {"type": "http.response.body", "body": data, "more_body": more}


def test_head_and_body_are_one_piece():
    wire = sent(start(4), body(b"here"))
    assert wire.pieces == [b"HTTP/1.1 200 OK\r\ndate: now\r\ncontent-length: 4\r\n\r\nhere"]
    assert not wire.closed


def test_a_body_in_pieces_keeps_its_order():
    wire = sent(start(6), body(b"one", more=True), body(b"two"))
    assert b"".join(wire.pieces).endswith(b"\r\n\r\nonetwo")


def test_without_a_length_it_is_chunked():
    wire = sent(start(None), body(b"abc"))
    assert b"transfer-encoding: chunked" in wire.pieces[0]
    assert wire.pieces[1] == b"3\r\nabc\r\n0\r\n\r\n"


def test_head_has_the_length_and_no_body():
    assert sent(start(9), body(b""), method="HEAD").pieces[0].endswith(b"content-length: 9\r\n\r\n")


def test_nothing_to_say_needs_no_length():
    assert sent(start(None, 204), body(b"")).pieces == [b"HTTP/1.1 204 No Content\r\ndate: now\r\n\r\n"]


def test_the_last_answer_of_a_connection_says_so():
    wire = sent(start(0), body(b""), keep_alive=False)
    assert b"connection: close" in wire.pieces[0]
    assert wire.closed


@pytest.mark.parametrize("data", [b"long body", b"x"])
def test_a_body_that_is_not_as_long_as_it_says_is_not_sent(data):
    with pytest.raises(RuntimeError):
        sent(start(4), body(data))


def test_a_header_cannot_end_its_line():
    message = {"type": "http.response.start", "status": 200, "headers": [(b"location", b"/a\r\nset-cookie: b")]}
    with pytest.raises(RuntimeError):
        sent(message, body(b""))
