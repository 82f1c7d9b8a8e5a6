"""One answer of the FHIR door: bytes, headers, and how a version of a resource becomes both.

Resources are stored as text and answered as that text; nothing here parses one, except to write it prettily.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import msgspec
import orjson

from minkang.fhir.problem import Problem, outcome, refusal_headers
from minkang.kit.http import Header, http_date
from minkang.store.contract import Stored, Written

FHIR_JSON = b"application/fhir+json"
PLAIN_JSON = b"application/json"

GUARDED: tuple[Header, ...] = (
    # Records must not be kept by caches between us and the reader, nor guessed to be something that runs.
    (b"cache-control", b"no-store"),
    (b"x-content-type-options", b"nosniff"),
)
_CONTENT: dict[bytes, Header] = {
    media: (b"content-type", media + b"; charset=utf-8") for media in (FHIR_JSON, PLAIN_JSON)
}


class Response:
    """`headers` without content-type and length: the first follows from `media`, the second from `body`."""

    __slots__ = ("body", "headers", "media", "status", "stored")

    def __init__(
        self,
        status: int,
        body: bytes = b"",
        headers: list[Header] | None = None,
        *,
        media: bytes | None = None,
        stored: Stored | None = None,
    ):
        self.status = status
        self.body = body
        self.headers = headers if headers is not None else []
        self.media = media
        """None: FHIR JSON in the flavour the client accepts."""
        self.stored = stored
        """The version this answer is about: an entry of a Bundle tells of it in other words than headers do."""


def resource(status: int, tree: dict[str, Any]) -> Response:
    """A resource made here (an OperationOutcome, Parameters): its tree."""
    return Response(status, orjson.dumps(tree))


def etag(version: int) -> Header:
    return (b"etag", b'W/"%d"' % version)


def stored_headers(stored: Stored) -> list[Header]:
    return [etag(stored.version), (b"last-modified", http_date(stored.updated))]


def stored(found: Stored) -> Response:
    """200 with one version of a resource."""
    return Response(200, found.content, stored_headers(found), stored=found)


def version_url(base: str, found: Stored) -> str:
    return f"{base}/{found.type}/{found.id}/_history/{found.version}"


def written(result: Written, base: str, prefer: bytes | None) -> Response:
    """What a write answers: http://hl7.org/fhir/R4/http.html#ops (`Prefer: return=...`, Location, ETag)."""
    found = result.stored
    url = version_url(base, found).encode()
    headers = [*stored_headers(found), (b"location", url), (b"content-location", url)]
    status = 201 if result.did == "created" else 200
    match wanted_return(prefer):
        case "minimal":
            return Response(status, b"", headers, stored=found)
        case "OperationOutcome":
            done = outcome_tree(
                "information", "informational", f"{found.type} {result.did} as version {found.version}."
            )
            return Response(status, orjson.dumps(done), headers, stored=found)
        case _:
            return Response(status, found.content, headers, stored=found)


@lru_cache(maxsize=256)
def wanted_return(prefer: bytes | None) -> str:
    """`minimal`, `representation`, `OperationOutcome`, or empty when nothing known is wished for."""
    for piece in (prefer or b"").replace(b";", b",").split(b","):
        name, _, value = piece.strip().partition(b"=")
        if name.strip().lower() == b"return":
            asked = value.strip().strip(b'"').lower()
            if asked == b"minimal":
                return "minimal"
            if asked == b"operationoutcome":
                return "OperationOutcome"
            if asked == b"representation":
                return "representation"
    return ""


def outcome_tree(severity: str, code: str, text: str) -> dict[str, Any]:
    return {
        "resourceType": "OperationOutcome",
        "issue": [{"severity": severity, "code": code, "diagnostics": text}],
    }


def of_problem(problem: Problem) -> Response:
    """The OperationOutcome of a problem with its status."""
    return Response(problem.status, orjson.dumps(outcome(problem)), refusal_headers(problem))


def finished(response: Response, media: bytes, pretty: bool) -> tuple[int, list[Header], bytes]:
    """Status, all headers but the length, and the body as it leaves."""
    headers, body = response.headers, response.body
    headers.extend(GUARDED)
    if response.media is not None:
        headers.append((b"content-type", response.media))
    elif body:
        headers.append(_CONTENT[media])
        if pretty:
            body = msgspec.json.format(body, indent=2)
    return response.status, headers, body
