"""history of one resource, one type, or everything: GET .../_history (http://hl7.org/fhir/R4/http.html#history)."""

from __future__ import annotations

from datetime import datetime

from minkang.fhir.instants import moment
from minkang.fhir.problem import Incorrect
from minkang.gateways.rest import bundle
from minkang.gateways.rest.request import Request, expect_only
from minkang.gateways.rest.response import Response
from minkang.store.contract import Repository

MAX_COUNT = 1000
DEFAULT_COUNT = 20


async def history(request: Request, repository: Repository) -> Response:
    """200 with one page of versions, newest first; 404 when there never was such a resource."""
    expect_only(request, "_count", "_since", "_at", "_cursor")
    page = await repository.history(
        request.type or None,
        request.id or None,
        since=_moment(request, "_since"),
        at=_moment(request, "_at"),
        count=count(request, DEFAULT_COUNT),
        cursor=request.parameter("_cursor"),
    )
    path = "/".join(part for part in (request.type, request.id, "_history") if part)
    return Response(200, bundle.history(request.base, path, request.pairs, page))


def count(request: Request, default: int) -> int:
    """`_count`, at least 1 and cut at what one page may hold."""
    text = request.parameter("_count")
    if text is None:
        return default
    if not (text.isascii() and text.isdigit()) or int(text[:9]) < 1:
        raise Incorrect(f"_count={text[:64]} is not a positive number.")
    return min(int(text[:9]), MAX_COUNT)


def _moment(request: Request, name: str) -> datetime | None:
    text = request.parameter(name)
    return None if text is None else moment(name, text)
