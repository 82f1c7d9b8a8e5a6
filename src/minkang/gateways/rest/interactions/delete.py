"""delete and conditional delete: DELETE [base]/[type]/[id], DELETE [base]/[type]?[criteria].

http://hl7.org/fhir/R4/http.html#delete: deleting what is not there is as good as deleting it.
"""

from __future__ import annotations

import orjson

from minkang.fhir.problem import Incorrect
from minkang.gateways.rest.conditions import criteria, if_match
from minkang.gateways.rest.request import Request, expect_only
from minkang.gateways.rest.response import Response, etag, outcome_tree, wanted_return
from minkang.store.contract import Repository, Written


async def delete(request: Request, repository: Repository) -> Response:
    """204, with the version of the deletion when one was made; 200 when an OperationOutcome is preferred."""
    expect_only(request)
    result = await repository.delete(request.type, request.id, if_match=if_match(request))
    return _answer(request, [] if result is None else [result])


async def delete_where(request: Request, repository: Repository) -> Response:
    """The same for at most one resource; 412 when the criteria find several."""
    if request.header(b"if-match") is not None:
        raise Incorrect("If-Match goes with a delete by id, not by criteria.")
    return _answer(request, await repository.delete_where(criteria(request), limit=1))


def _answer(request: Request, results: list[Written]) -> Response:
    headers = [etag(results[0].stored.version)] if results else []
    if wanted_return(request.header(b"prefer")) != "OperationOutcome":
        return Response(204, b"", headers)
    text = f"Deleted {results[0].stored.type}/{results[0].stored.id}." if results else "Nothing was there to delete."
    return Response(200, orjson.dumps(outcome_tree("information", "informational", text)), headers)
