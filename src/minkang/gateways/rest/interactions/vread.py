"""vread: GET [base]/[type]/[id]/_history/[vid] (http://hl7.org/fhir/R4/http.html#vread)."""

from __future__ import annotations

from minkang.fhir.problem import Gone, NotFound
from minkang.gateways.rest.conditions import version_number
from minkang.gateways.rest.interactions.read import version_answer
from minkang.gateways.rest.request import Request, expect_only
from minkang.gateways.rest.response import Response
from minkang.store.contract import Repository


async def vread(request: Request, repository: Repository) -> Response:
    """200 with that version, 404 when there never was one, 410 when that version is the deletion."""
    expect_only(request, "_summary", "_elements")
    version = version_number(request.version)
    if version is None:
        raise NotFound(f"{request.type}/{request.id} has no version {request.version[:64]}.")
    found = await repository.vread(request.type, request.id, version)
    if found.deleted:
        raise Gone(f"Version {version} of {request.type}/{request.id} is its deletion.")
    return version_answer(request, found)
