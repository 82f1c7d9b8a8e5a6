"""Patient/[id]/$everything (http://hl7.org/fhir/R4/patient-operation-everything.html)."""

from __future__ import annotations

from minkang.fhir.definitions.structures import resource_types
from minkang.fhir.instants import check_date, moment
from minkang.fhir.problem import Incorrect
from minkang.gateways.rest import bundle
from minkang.gateways.rest.interactions.history import count
from minkang.gateways.rest.operations.parameters import with_posted
from minkang.gateways.rest.request import Request, expect_only
from minkang.gateways.rest.response import Response
from minkang.store.contract import Repository

DEFAULT_COUNT = 1000


async def everything(request: Request, repository: Repository) -> Response:
    """200 with a searchset of the patient and all that belongs to the patient's record, page by page."""
    await with_posted(request)
    expect_only(request, "start", "end", "_since", "_type", "_count", "_cursor")
    since = request.parameter("_since")
    page = await repository.everything(
        request.id,
        types=_types(request),
        since=None if since is None else moment("_since", since),
        start=check_date("start", request.parameter("start")),
        end=check_date("end", request.parameter("end")),
        count=count(request, DEFAULT_COUNT),
        cursor=request.parameter("_cursor"),
    )
    path = f"Patient/{request.id}/$everything"
    return Response(200, bundle.plain_searchset(request.base, path, request.pairs, page))


def _types(request: Request) -> list[str]:
    named = [name for key, value in request.pairs if key == "_type" for name in value.split(",") if name]
    for name in named:
        if name not in resource_types():
            raise Incorrect(f"_type={name[:64]} is not a resource type.")
    return named
