"""create and conditional create: POST [base]/[type] (http://hl7.org/fhir/R4/http.html#create, #ccreate)."""

from __future__ import annotations

from minkang.fhir.resource import Parsed
from minkang.fhir.validation import check
from minkang.gateways.rest import binary, response
from minkang.gateways.rest.conditions import if_none_exist
from minkang.gateways.rest.negotiation import expect_json
from minkang.gateways.rest.request import Request
from minkang.gateways.rest.response import Response
from minkang.store.contract import Repository


async def create(request: Request, repository: Repository) -> Response:
    """201 with a server's id, whatever id the body carries; 200 with the one If-None-Exist found."""
    condition = if_none_exist(request)
    parsed = await received(request)
    result = await repository.create(request.type, parsed, if_none_exist=condition)
    return response.written(result, request.base, request.header(b"prefer"))


async def received(request: Request) -> Parsed:
    """The checked resource of a create or an update. Content that is not FHIR JSON becomes a Binary on its own path."""
    if request.type == "Binary" and binary.is_content(request):
        parsed = await binary.received(request)
    else:
        expect_json(request)
        parsed = await request.resource()
    check(parsed.tree, request.type)
    return parsed
