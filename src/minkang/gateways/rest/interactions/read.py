"""read and conditional read: GET [base]/[type]/[id] (http://hl7.org/fhir/R4/http.html#read, #cread)."""

from __future__ import annotations

from minkang.fhir import summary
from minkang.fhir.problem import Incorrect
from minkang.gateways.rest import binary, response
from minkang.gateways.rest.conditions import is_unchanged
from minkang.gateways.rest.request import Request, expect_only
from minkang.gateways.rest.response import Response
from minkang.store.contract import Repository, Stored

SUMMARIES = ("true", "text", "data", "false")


async def read(request: Request, repository: Repository) -> Response:
    """200 with the current version, 304 when the client has it, 404 or 410."""
    if request.query_string:
        expect_only(request, "_summary", "_elements")
    found = await repository.read(request.type, request.id)
    headers = request.headers
    if (b"if-none-match" in headers or b"if-modified-since" in headers) and is_unchanged(request, found):
        return Response(304, b"", response.stored_headers(found))
    return version_answer(request, found)


def version_answer(request: Request, found: Stored) -> Response:
    """200 with one version, whole or the part asked for; a Binary as its content when FHIR was not asked for."""
    if found.type == "Binary" and binary.wants_content(request):
        return binary.answer(found)
    answer = response.stored(found)
    if request.query_string:
        answer.body = part(request, found.content)
    return answer


def part(request: Request, content: bytes) -> bytes:
    """What `_elements` and `_summary` leave of a resource."""
    names = request.parameter("_elements")
    if names is not None:
        return summary.elements(content, [name.strip() for name in names.split(",") if name.strip()])
    kind = request.parameter("_summary")
    if kind is None:
        return content
    if kind not in SUMMARIES:
        raise Incorrect(f"_summary={kind[:64]} is not one of {', '.join(SUMMARIES)}.")
    return summary.summary(content, kind)
