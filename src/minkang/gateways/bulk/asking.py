"""One request at the bulk door, decoded on demand and strictly; and one answer."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import orjson

from minkang.fhir.bulk import NDJSON
from minkang.fhir.parameters import value_of
from minkang.fhir.problem import Incorrect, NotAcceptable, Problem, TooLarge, UnsupportedMediaType, outcome
from minkang.fhir.problem import refusal_headers as refusal
from minkang.fhir.resource import parse
from minkang.fhir.validation import check
from minkang.kit.http import (
    BodyTooLarge,
    Header,
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

FHIR_JSON = b"application/fhir+json"
JSON = b"application/json"

Pairs = list[tuple[str, str]]


@dataclass(slots=True)
class Asked:
    """`path` is below the door, still percent-encoded; `base` is the door's address without a slash at the end."""

    scope: Scope
    receive: Receive
    path: bytes
    base: str
    limit: int
    method: str = ""
    headers: dict[bytes, bytes] = field(default_factory=dict[bytes, bytes])

    def __post_init__(self) -> None:
        self.method = "GET" if self.scope["method"] == "HEAD" else self.scope["method"]
        self.headers = joined_headers(self.scope["headers"])

    @property
    def segments(self) -> list[str]:
        try:
            return [percent_decoded(segment) for segment in self.path.strip(b"/").split(b"/")]
        except Malformed as error:
            raise Incorrect(str(error)) from None

    @property
    def url(self) -> str:
        """As it was asked: http://hl7.org/fhir/uv/bulkdata/STU2/export.html (manifest, `request`)."""
        query: bytes = self.scope["query_string"]
        return f"{self.base}{self.path.decode('latin-1')}" + (f"?{query.decode('latin-1')}" if query else "")

    async def parameters(self) -> Pairs:
        """Those of the address, and of a posted Parameters resource; `_format` and `_pretty` are left out."""
        try:
            pairs = query_pairs(self.scope["query_string"])
        except Malformed as error:
            raise Incorrect(str(error)) from None
        if self.method == "POST":
            pairs += await self._posted()
        return [pair for pair in pairs if pair[0] not in ("_format", "_pretty")]

    async def _posted(self) -> Pairs:
        body = await self.json()
        if not body.strip():
            return []
        tree = parse(body).tree
        check(tree, "Parameters")
        return [(part["name"], _text(part)) for part in tree.get("parameter", [])]

    async def json(self) -> bytes:
        """The body, if there is one, which must say that it is JSON."""
        body = await self._body()
        media = self.headers.get(b"content-type", b"").partition(b";")[0].strip().lower()
        if body.strip() and media not in (FHIR_JSON, JSON):
            raise UnsupportedMediaType
        return body

    async def ndjson(self) -> bytes | None:
        """The body when it says that it is NDJSON; None for any other."""
        media = self.headers.get(b"content-type", b"").partition(b";")[0].strip().lower()
        return await self._body() if media.decode("latin-1") in NDJSON else None

    async def _body(self) -> bytes:
        try:
            body = await read_body(self.receive, self.limit, self.headers.get(b"content-length"))
            encoding = self.headers.get(b"content-encoding")
            return body if encoding is None else decoded(body, encoding, self.limit)
        except BodyTooLarge:
            raise TooLarge(f"The body is longer than {self.limit} bytes.") from None
        except UnknownEncoding:
            raise UnsupportedMediaType("Send the body as it is or with Content-Encoding: gzip.") from None
        except Malformed as error:
            raise Incorrect(str(error)) from None

    def expect_async(self) -> None:
        """http://hl7.org/fhir/R4/async.html: these take longer than a request may."""
        preferred = self.headers.get(b"prefer", b"").replace(b" ", b"").lower().replace(b";", b",").split(b",")
        if b"respond-async" not in preferred:
            raise Incorrect("This takes a while: send Prefer: respond-async, and ask at the Content-Location.")
        accept = self.headers.get(b"accept", b"*/*").lower()
        if not any(name in accept for name in (b"*/*", b"application/*", FHIR_JSON, JSON)):
            raise NotAcceptable


def _text(part: dict[str, Any]) -> str:
    value = value_of(part)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict):
        value = value.get("reference")
    if not isinstance(value, str | int):
        raise Incorrect(f"The parameter {part['name'][:64]} has no simple value and is no reference.")
    return str(value)


def single(pairs: Iterable[tuple[str, str]], name: str) -> str | None:
    """The value of a parameter that may stand once. Raises Incorrect."""
    values = [value for key, value in pairs if key == name]
    if len(values) > 1:
        raise Incorrect(f"The parameter {name} may be given once.")
    return values[0] if values else None


@dataclass(slots=True)
class Answer:
    """`body` is sent piece by piece when it is an iterator; then `headers` say how long it is, if that is known."""

    status: int
    body: bytes | Iterator[bytes] = b""
    headers: list[Header] = field(default_factory=list[Header])


def json_answer(status: int, tree: Any, headers: Iterable[Header] = (), media: bytes = JSON) -> Answer:
    return Answer(status, orjson.dumps(tree), [*headers, (b"content-type", media)])


def refused(problem: Problem) -> Answer:
    return json_answer(problem.status, outcome(problem), refusal(problem), FHIR_JSON + b"; charset=utf-8")
