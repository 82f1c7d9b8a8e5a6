"""HTTP/1.1 as the workers speak it: uvicorn's httptools protocol with a limit on headers and refusals in FHIR's form.

uvicorn's own collects headers of any length, and says 400 in plain text.
"""

from __future__ import annotations

import orjson
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from minkang.fhir.problem import Incorrect, TooLarge, outcome

MAX_HEAD = 64 * 1024
"""Bytes of request line and headers: search urls grow long, yet proxies seldom pass more than this."""

LINGER = 1.0
"""Seconds a refused connection is still read, and what comes thrown away: closed at once, the system would answer the
rest of the request with a reset, which may overtake the refusal. RFC 9112 §9.6."""


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
