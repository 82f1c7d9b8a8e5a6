"""search: GET [base]/[type]?..., POST .../_search, over one type, a compartment or the whole system.

http://hl7.org/fhir/R4/http.html#search, http://hl7.org/fhir/R4/compartmentdefinition.html.
"""

from __future__ import annotations

from dataclasses import replace

import orjson

from minkang.fhir.problem import Incorrect, UnsupportedMediaType
from minkang.fhir.search import grammar
from minkang.fhir.search.query import Query
from minkang.gateways.rest import bundle
from minkang.gateways.rest.negotiation import FORM, content_type
from minkang.gateways.rest.request import ON_EVERYTHING, Pairs, Request, decode_pairs
from minkang.gateways.rest.response import Response, outcome_tree
from minkang.store.contract import Repository

DIALECT = {
    ("_totalMethod", "count"): ("_total", "accurate"),
    ("_totalMethod", "estimate"): ("_total", "estimate"),
}
"""What fhirpy's `count()` sends instead of `_total`."""


async def search(request: Request, repository: Repository) -> Response:
    """200 with one page. A parameter nobody knows is an error unless handling is lenient: then the page tells of it."""
    return await answer(request, repository, request.pairs)


async def search_by_post(request: Request, repository: Repository) -> Response:
    """The same with parameters in a form; those of the address count, too."""
    media = content_type(request.header(b"content-type"))
    if media != FORM:
        raise UnsupportedMediaType(f"Send the parameters as {FORM.decode()}.")
    return await answer(request, repository, [*request.pairs, *decode_pairs(await request.body())])


async def answer(request: Request, repository: Repository, pairs: Pairs) -> Response:
    """The page of a search whose parameters are gathered."""
    own = [DIALECT.get(pair, pair) for pair in pairs if pair[0] not in ON_EVERYTHING]
    for name in ("_since", "_at"):
        if any(pair[0] == name for pair in own):
            raise Incorrect(f"{name} goes with _history; a search by time of change is _lastUpdated=ge...")
    query = grammar.parse(request.type or None, own, strict=not request.lenient, compartment=request.compartment)
    if query.summary == "count" and query.total == "none":
        query = replace(query, total="accurate")
    page = await repository.search(query)
    shown = [*query.applied, *(pair for pair in pairs if pair[0] in ON_EVERYTHING)]
    told = _told(query) if query.ignored else None
    return Response(200, bundle.searchset(request.base, path_of(request), query, shown, page, told))


def path_of(request: Request) -> str:
    """The address of the same search by GET."""
    if request.compartment is None:
        return request.type
    return "/".join((*request.compartment, request.type or "*"))


def _told(query: Query) -> bytes:
    names = ", ".join(name[:64] for name in query.ignored)
    return orjson.dumps(outcome_tree("warning", "not-supported", f"Ignored because unknown here: {names}."))
