"""update and conditional update: PUT [base]/[type]/[id], PUT [base]/[type]?[criteria].

http://hl7.org/fhir/R4/http.html#update (an id the client chose creates, #upsert), #cond-update, #concurrency.
"""

from __future__ import annotations

from typing import Any

from minkang.fhir.problem import Incorrect
from minkang.gateways.rest import response
from minkang.gateways.rest.conditions import criteria, if_match, if_none_match_any
from minkang.gateways.rest.interactions.create import received
from minkang.gateways.rest.request import Request, check_id, expect_only
from minkang.gateways.rest.response import Response
from minkang.store.contract import Repository


async def update(request: Request, repository: Repository) -> Response:
    """200 with the new version, or with the current one when nothing changed; 201 when the id was free."""
    expect_only(request)
    expected, creates = if_match(request), if_none_match_any(request)
    parsed = await received(request)
    expect_same_id(parsed.tree, request.id)
    result = await repository.update(request.type, request.id, parsed, if_match=expected, if_none_match=creates)
    return response.written(result, request.base, request.header(b"prefer"))


async def update_where(request: Request, repository: Repository) -> Response:
    """The same for the one resource the criteria find; 201 when they find none, 412 when several."""
    query, expected = criteria(request), if_match(request)
    parsed = await received(request)
    if "id" in parsed.tree:
        check_id(parsed.tree["id"])
    result = await repository.update_where(query, parsed, if_match=expected)
    return response.written(result, request.base, request.header(b"prefer"))


def expect_same_id(tree: dict[str, Any], expected: str) -> None:
    """The body SHALL carry the id of the address."""
    if "id" not in tree:
        raise Incorrect(f"The body has no id; put {expected!r} there as in the address.", expression="id")
    if tree["id"] != expected:
        raise Incorrect(f"The body's id {tree['id'][:64]!r} is not the address's {expected!r}.", expression="id")
