"""HTTP/1.1 as the workers speak it: uvicorn's httptools protocol with a limit on headers, refusals in FHIR's form, and
answers that leave in one piece.

uvicorn's own collects headers of any length, says 400 in plain text, and sends the head of an answer before its body:
two calls of the system, and a client that is woken twice.
"""

from __future__ import annotations

import asyncio
from http import HTTPStatus
from typing import Any
from urllib.parse import unquote

import httptools
import orjson
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from minkang.fhir.problem import Incorrect, TooLarge, outcome

MAX_HEAD = 64 * 1024
"""Bytes of request line and headers: search urls grow long, yet proxies seldom pass more than this."""

LINGER = 1.0
"""Seconds a refused connection is still read, and what comes thrown away: closed at once, the system would answer the
rest of the request with a reset, which may overtake the refusal. RFC 9112 §9.6."""


_STATUS_LINES = {one.value: f"HTTP/1.1 {one.value} {one.phrase}\r\n".encode() for one in HTTPStatus}


class Cycle(RequestResponseCycle):
    """One request and its answer. The head of an answer that tells its length waits for the first piece of the body,
    and both are written at once; any other goes uvicorn's way."""

    _head: bytes | None = None

    async def send(self, message: Any) -> None:
        kind = message["type"]
        if kind == "http.response.start" and not self.response_started:
            self._head = self._written(message)
            if self._head is not None:
                self.response_started = True
                self.waiting_for_100_continue = False
                return
        elif self._head is not None and kind == "http.response.body":
            head, self._head = self._head, None
            await self._first(head, message.get("body", b""), message.get("more_body", False))
            return
        await super().send(message)

    def _written(self, message: Any) -> bytes | None:
        """The head as bytes; None when it does not tell how long the body will be."""
        parts = [_STATUS_LINES[message["status"]]]
        length = 0 if message["status"] in (204, 304) else None
        for name, value in (*self.default_headers, *message["headers"]):
            if b"\n" in value or b"\r" in value or b"\0" in value:
                raise RuntimeError("a header would end its line")
            if name == b"content-length":
                length = int(value)
            elif name == b"connection" or name == b"transfer-encoding":
                return None
            parts += (name, b": ", value, b"\r\n")
        if length is None:
            return None
        self.chunked_encoding = False
        self.expected_content_length = 0 if self.scope["method"] == "HEAD" else length
        parts.append(b"\r\n" if self.keep_alive else b"connection: close\r\n\r\n")
        return b"".join(parts)

    async def _first(self, head: bytes, body: bytes, more: bool) -> None:
        """Head and first piece; further pieces go uvicorn's way."""
        if self.flow.write_paused and not self.disconnected:
            await self.flow.drain()
        if self.disconnected:
            return
        if self.scope["method"] == "HEAD":
            body = b""
        self.expected_content_length -= len(body)
        if self.expected_content_length < 0 or (self.expected_content_length and not more):
            raise RuntimeError("the body is not as long as its head says")
        self.transport.write(head + body)
        if not more:
            self.response_complete = True
            self.message_event.set()
            if not self.keep_alive:
                self.transport.close()
            self.on_response()


class Protocol(HttpToolsProtocol):
    _head = 0
    _refused = False

    def data_received(self, data: bytes) -> None:
        if not self._refused:
            super().data_received(data)

    def on_message_begin(self) -> None:
        self._head = 0
        super().on_message_begin()

    def on_url(self, url: bytes) -> None:
        self._count(len(url))
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        self._count(len(name) + len(value))
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """uvicorn's, with our own cycle, and without what we do not use (root path, limit of concurrency)."""
        scope = self.scope
        parser: Any = self.parser
        app: Any = self.app
        version = parser.get_http_version()
        scope["method"] = parser.get_method().decode("ascii")
        scope["http_version"] = version
        if parser.should_upgrade() and self._should_upgrade():
            return
        address = httptools.parse_url(self.url)
        path = address.path.decode("ascii")
        scope["path"] = unquote(path) if "%" in path else path
        scope["raw_path"] = address.path
        scope["query_string"] = address.query or b""
        former = self.cycle
        self.cycle = Cycle(
            scope=scope,
            transport=self.transport,
            flow=self.flow,
            logger=self.logger,
            access_logger=self.access_logger,
            access_log=False,
            default_headers=self.server_state.default_headers,
            message_event=asyncio.Event(),
            expect_100_continue=self.expect_100_continue,
            keep_alive=version != "1.0" and parser.should_keep_alive(),
            on_response=self.on_response_complete,
        )
        if former is None or former.response_complete:
            self._start_asgi_task(self.cycle, app)
        else:  # a pipelined request waits its turn
            self.flow.pause_reading()
            self.pipeline.appendleft((self.cycle, app))

    def _count(self, size: int) -> None:
        self._head += size
        if self._head > MAX_HEAD:
            raise ValueError("request head too large")  # the parser stops and data_received calls send_400_response

    def send_400_response(self, msg: str) -> None:
        if self._refused:
            return
        self._refused = True
        if self._head > MAX_HEAD:
            status, problem = (
                b"431 Request Header Fields Too Large",
                TooLarge("The request's address and headers are too long."),
            )
        else:
            status, problem = b"400 Bad Request", Incorrect("This is not a valid HTTP request.")
        body = orjson.dumps(outcome(problem))
        head = b"HTTP/1.1 %s\r\ncontent-type: application/fhir+json; charset=utf-8\r\ncontent-length: %d\r\n" % (
            status,
            len(body),
        )
        self.transport.write(head + b"connection: close\r\n\r\n" + body)
        self.transport.write_eof()
        self.loop.call_later(LINGER, self.transport.close)

    def _unsupported_upgrade_warning(self) -> None:
        """Nothing to say: RFC 9110 §7.8 lets a server answer as if no upgrade had been asked for, and ours does."""
