"""batch: each entry of the Bundle is a request of its own; one that fails leaves the others alone.

http://hl7.org/fhir/R4/http.html#transaction ("batch").
"""

from __future__ import annotations

import structlog

from minkang.fhir.bundles import BundleRequest, RawEntry
from minkang.fhir.instants import moment
from minkang.fhir.problem import Fault, Problem
from minkang.gateways.rest import bundle, response
from minkang.gateways.rest.request import Request
from minkang.gateways.rest.response import Response, wanted_return
from minkang.kit.http import http_date
from minkang.store.contract import Repository

log = structlog.get_logger(__name__)


async def batch(request: Request, repository: Repository, wanted: BundleRequest) -> Response:
    """200 with one answer an entry, in order."""
    prefer = entry_preference(request)
    answers = [bundle.answered_by(await _perform(request, repository, raw, prefer)) for raw in wanted.entries]
    return Response(200, bundle.bundle("batch-response", (), answers))


async def _perform(request: Request, repository: Repository, raw: RawEntry, prefer: bytes) -> Response:
    try:
        inner = request.inner(raw.method, raw.url, entry_headers(raw, prefer), raw.resource)
        return await request.routes.perform(inner, repository)
    except Problem as problem:
        return response.of_problem(problem)
    except Exception:
        log.exception("batch entry failed", request_id=request.request_id)
        return response.of_problem(fault(request))


def fault(request: Request) -> Fault:
    """What a client learns of a bug: a number to ask for, nothing of the inside."""
    return Fault(f"Something broke on our side; it was logged under {request.request_id}.")


def entry_preference(request: Request) -> bytes:
    """Prefer of the entries. Written resources come back only when the Bundle's sender prefers so."""
    shows = wanted_return(request.header(b"prefer")) == "representation"
    wish = b"return=representation" if shows else b"return=minimal"
    return wish + b", handling=lenient" if request.lenient else wish


def entry_headers(raw: RawEntry, prefer: bytes) -> dict[bytes, bytes]:
    """The headers a Bundle entry stands for."""
    found = {b"prefer": prefer}
    if raw.if_match is not None:
        found[b"if-match"] = raw.if_match.encode()
    if raw.if_none_match is not None:
        found[b"if-none-match"] = raw.if_none_match.encode()
    if raw.if_none_exist is not None:
        found[b"if-none-exist"] = raw.if_none_exist.encode()
    if raw.if_modified_since is not None:  # an instant in a Bundle, an HTTP date in a header
        found[b"if-modified-since"] = http_date(moment("ifModifiedSince", raw.if_modified_since))
    return found
