"""One request at the FHIR door: a small object over the ASGI scope, or over one entry of a Bundle.

Everything is decoded on demand, because a read needs little of it; everything is decoded strictly, because a wrong
escape that is silently replaced becomes a search for something else.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Protocol

from minkang.fhir.problem import Incorrect, TooLarge, UnsupportedMediaType
from minkang.fhir.resource import Parsed, parse
from minkang.kit.http import (
    BodyTooLarge,
    Malformed,
    Receive,
    Scope,
    UnknownEncoding,
    decoded,
    joined_headers,
    percent_decoded,
    query_pairs,
    read_body,
)

if TYPE_CHECKING:
    from minkang.gateways.rest.response import Response
    from minkang.platform.subscriptions.desk import SubscriptionDesk
    from minkang.store.contract import Repository

Pairs = list[tuple[str, str]]

_ID = re.compile(r"[A-Za-z0-9\-.]{1,64}")


async def _nothing() -> dict[str, Any]:
    return {"type": "http.request", "body": b"", "more_body": False}


class Routes(Protocol):
    """What an interaction may ask of the router, for the entries of a Bundle are requests, too."""

    @property
    def subscriptions(self) -> SubscriptionDesk | None:
        """Where one asks how Subscriptions stand; None where none are served."""
        ...

    def resolve(self, request: Request) -> str:
        """Fills what the path says into the request and names its interaction."""
        ...

    async def perform(self, request: Request, repository: Repository) -> Response: ...


class Request:
    """What the client asked. The router fills `type` to `compartment` from the path; see `router.py`."""

    __slots__ = (
        "_headers",
        "_pairs",
        "base",
        "compartment",
        "id",
        "is_inner",
        "limit",
        "method",
        "operation",
        "parsed",
        "query_string",
        "raw_path",
        "receive",
        "request_id",
        "routes",
        "scope",
        "type",
        "version",
    )

    def __init__(
        self, scope: Scope, receive: Receive, *, raw_path: bytes, base: str, limit: int, request_id: str, routes: Routes
    ):
        self.scope = scope
        self.receive = receive
        self.method: str = scope["method"]
        self.raw_path = raw_path
        """Below the base, still percent-encoded."""
        self.query_string: bytes = scope["query_string"]
        self.base = base
        """Address of the door without a slash at the end; links begin with it. Safe to put into JSON as it is."""
        self.limit = limit
        """Bytes a body may have."""
        self.request_id = request_id
        self.routes = routes
        self.type: str = ""
        self.id: str = ""
        self.version: str = ""
        self.operation: str = ""
        self.compartment: tuple[str, str] | None = None
        self.is_inner = False
        self.parsed: Parsed | None = None
        self._headers: dict[bytes, bytes] | None = None
        self._pairs: Pairs | None = None

    def inner(self, method: str, url: str, headers: dict[bytes, bytes], parsed: Parsed | None) -> Request:
        """The request that one Bundle entry stands for. `url` is relative to the base, or absolute under it."""
        path, _, query = url.removeprefix(self.base).lstrip("/").partition("?")
        scope = {"method": method, "query_string": query.encode(), "headers": []}
        raw_path = path.encode()
        made = Request(
            scope,
            _nothing,
            raw_path=raw_path,
            base=self.base,
            limit=self.limit,
            request_id=self.request_id,
            routes=self.routes,
        )
        made.is_inner = True
        made._headers = headers
        made.parsed = parsed
        return made

    @property
    def headers(self) -> dict[bytes, bytes]:
        """By lower-case name."""
        found = self._headers
        if found is None:
            found = self._headers = joined_headers(self.scope["headers"])
        return found

    def header(self, name: bytes) -> bytes | None:
        return self.headers.get(name)

    def text_header(self, name: bytes) -> str | None:
        """A header that must be readable text. Raises Incorrect."""
        value = self.headers.get(name)
        if value is None:
            return None
        try:
            return value.decode()
        except UnicodeDecodeError:
            raise Incorrect(f"The header {name.decode()} is not UTF-8.") from None

    @property
    def pairs(self) -> Pairs:
        """Parameters of the address, in order."""
        found = self._pairs
        if found is None:
            found = self._pairs = decode_pairs(self.query_string) if self.query_string else []
        return found

    def parameter(self, name: str) -> str | None:
        """The value of a parameter that may stand once."""
        return single(self.pairs, name)

    @property
    def lenient(self) -> bool:
        """`Prefer: handling=lenient`: http://hl7.org/fhir/R4/search.html#errors. Ours is strict unless asked."""
        prefer = self.headers.get(b"prefer")
        return prefer is not None and b"handling=lenient" in prefer.replace(b" ", b"").lower()

    def segments(self) -> list[str]:
        """The path below the base, each segment decoded; a slash at the end does not count."""
        path = self.raw_path.strip(b"/")
        if not path:
            return []
        if b"%" not in path and path.isascii():
            return path.decode("ascii").split("/")
        try:
            return [percent_decoded(segment) for segment in path.split(b"/")]
        except Malformed as error:
            raise Incorrect(str(error)) from None

    async def body(self) -> bytes:
        """The body, inflated. Raises TooLarge, UnsupportedMediaType, Incorrect."""
        headers = self.headers
        try:
            body = await read_body(self.receive, self.limit, headers.get(b"content-length"))
            encoding = headers.get(b"content-encoding")
            return body if encoding is None else decoded(body, encoding, self.limit)
        except BodyTooLarge:
            raise TooLarge(f"The body is longer than {self.limit} bytes.") from None
        except UnknownEncoding:
            raise UnsupportedMediaType("Send the body as it is or with Content-Encoding: gzip.") from None
        except Malformed as error:
            raise Incorrect(str(error)) from None

    async def resource(self) -> Parsed:
        """The body as one JSON object; for an entry of a Bundle, its resource."""
        if self.parsed is None:
            self.parsed = parse(await self.body())
        return self.parsed


def decode_pairs(text: bytes) -> Pairs:
    """Query string or form body as pairs. Raises Incorrect."""
    try:
        return query_pairs(text)
    except Malformed as error:
        raise Incorrect(str(error)) from None


def single(pairs: Pairs, name: str) -> str | None:
    """Value of a parameter that may stand once. Raises Incorrect when it stands more often."""
    values = [value for key, value in pairs if key == name]
    if len(values) > 1:
        raise Incorrect(f"The parameter {name} may be given once.")
    return values[0] if values else None


ON_EVERYTHING = frozenset({"_format", "_pretty"})
"""Parameters that go with every interaction: http://hl7.org/fhir/R4/http.html#parameters."""


def expect_only(request: Request, *names: str) -> None:
    """Refuse parameters this interaction does not know, unless handling is lenient."""
    if not request.query_string or request.lenient:
        return
    known = ON_EVERYTHING.union(names)
    unknown = [name for name, _ in request.pairs if name not in known]
    if unknown:
        raise Incorrect(f"Unknown parameter {unknown[0][:64]!r} here; known: {', '.join(sorted(known))}.")


def check_id(text: str) -> str:
    """A logical id (http://hl7.org/fhir/R4/datatypes.html#id) or Incorrect."""
    if not _ID.fullmatch(text):
        raise Incorrect(f"{text[:80]!r} is not an id: 1 to 64 of A-Z, a-z, 0-9, '-' and '.'.")
    return text
