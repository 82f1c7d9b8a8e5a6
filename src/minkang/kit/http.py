"""Bare ASGI in small pieces: reading a body within a limit, sending bytes, strict percent-decoding, HTTP dates.

No framework's request object stands between: the record door answers thousands of small requests a second, and each
object made per request is paid that often (docs/decisions/0012-bare-asgi.md has the figures).
ASGI: https://asgi.readthedocs.io/en/latest/specs/www.html; HTTP: RFC 9110; query strings: RFC 3986.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import unquote_to_bytes

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]
Header = tuple[bytes, bytes]


MAX_GZIP_MEMBERS = 100
MAX_PAIRS = 10_000
"""Parameters of one query string or form: no door wants a hundredth of them, and a form may have megabytes."""


class Malformed(ValueError):
    """What came over the wire does not follow HTTP or URI syntax; the text says where."""


class BodyTooLarge(ValueError):
    """The body, as sent or once inflated, is longer than the limit."""


class UnknownEncoding(ValueError):
    """A Content-Encoding other than gzip or identity."""


class Disconnected(Exception):
    """The client left before its body had arrived: there is nobody to answer."""


async def send_bytes(send: Send, status: int, headers: list[Header], body: bytes, *, head: bool = False) -> None:
    """One whole response. `headers` is extended in place; `head` keeps the length and leaves out the body."""
    if status != 204 and status != 304:
        headers.append((b"content-length", b"%d" % len(body)))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": b"" if head else body})


async def read_body(receive: Receive, limit: int, declared: bytes | None = None) -> bytes:
    """The whole body. `declared` is its Content-Length header: a body that announces too much is refused unread."""
    if declared is not None and declared.isdigit() and int(declared[:20]) > limit:
        raise BodyTooLarge
    chunks: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise Disconnected
        chunk: bytes = message.get("body", b"")
        size += len(chunk)
        if size > limit:
            raise BodyTooLarge
        chunks.append(chunk)
        if not message.get("more_body", False):
            return chunks[0] if len(chunks) == 1 else b"".join(chunks)


def decoded(body: bytes, encoding: bytes, limit: int) -> bytes:
    """The body without its Content-Encoding, at most `limit` bytes (a small gzip may inflate a thousandfold)."""
    match encoding.strip().lower():
        case b"" | b"identity":
            return body
        case b"gzip" | b"x-gzip":
            return _gunzip(body, limit)
        case _:
            raise UnknownEncoding


def _gunzip(body: bytes, limit: int) -> bytes:
    parts: list[bytes] = []
    left = limit
    try:
        while body:
            if len(parts) == MAX_GZIP_MEMBERS:  # each one copies the rest: many empty ones would cost a quadratic time
                raise Malformed(f"The gzip body has more than {MAX_GZIP_MEMBERS} members.")
            member = zlib.decompressobj(wbits=31)
            part = member.decompress(body, left + 1)
            if len(part) > left:
                raise BodyTooLarge
            if not member.eof:
                raise Malformed("The gzip body ends early.")
            parts.append(part)
            left -= len(part)
            body = member.unused_data
    except zlib.error as error:
        raise Malformed("The body is not valid gzip.") from error
    return b"".join(parts)


_BAD_ESCAPE = re.compile(rb"%(?![0-9A-Fa-f]{2})")


def percent_decoded(text: bytes) -> str:
    """One percent-encoded piece of a URI as text: valid escapes, valid UTF-8, no NUL, or Malformed."""
    if b"%" in text:
        if _BAD_ESCAPE.search(text):
            raise Malformed("A % in the address is not followed by two hexadecimal digits.")
        text = unquote_to_bytes(text)
    try:
        found = text.decode()
    except UnicodeDecodeError:
        raise Malformed("The address is not UTF-8 once its % escapes are decoded.") from None
    if "\0" in found:
        raise Malformed("The address holds the NUL character (U+0000).")
    return found


def query_pairs(text: bytes) -> list[tuple[str, str]]:
    """`a=1&b=2` as pairs in their order, `+` as a space. Raises Malformed. https://url.spec.whatwg.org/#urlencoded-parsing"""
    if text.count(b"&") >= MAX_PAIRS:
        raise Malformed(f"There are more than {MAX_PAIRS} parameters.")
    pairs: list[tuple[str, str]] = []
    for piece in text.split(b"&"):
        if piece:
            name, _, value = piece.replace(b"+", b" ").partition(b"=")
            pairs.append((percent_decoded(name), percent_decoded(value)))
    return pairs


_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("", "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def http_date(moment: datetime) -> bytes:
    """IMF-fixdate of a moment in UTC (RFC 9110 §5.6.7). By hand: the library's takes five times as long."""
    return (
        f"{_DAYS[moment.weekday()]}, {moment.day:02d} {_MONTHS[moment.month]} {moment.year:04d} "
        f"{moment.hour:02d}:{moment.minute:02d}:{moment.second:02d} GMT"
    ).encode()


def parse_http_date(text: bytes) -> datetime | None:
    """A moment in UTC, or None for what is not an HTTP date: RFC 9110 §13.1.3 says to ignore a condition like that."""
    try:
        moment = parsedate_to_datetime(text.decode("ascii"))
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment


def joined_headers(headers: Iterable[Header]) -> dict[bytes, bytes]:
    """Headers by name; a repeated one is joined by commas (RFC 9110 §5.3)."""
    pairs = list(headers)
    found = dict(pairs)
    if len(found) == len(pairs):
        return found
    found.clear()
    for name, value in pairs:
        found[name] = found[name] + b", " + value if name in found else value
    return found


_BARE_HOST = re.compile(rb"[A-Za-z0-9.\-_:\[\]]{1,255}")


def host_of(scope: Scope) -> bytes:
    """The Host header when it looks like one, else the server's own address."""
    for name, value in scope["headers"]:
        if name == b"host" and _BARE_HOST.fullmatch(value):
            return value
    host, port = scope.get("server") or ("localhost", None)
    return (host if port is None else f"{host}:{port}").encode("ascii", "replace")
