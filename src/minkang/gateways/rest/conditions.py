"""Conditions of a request: If-Match, If-None-Match, If-Modified-Since, If-None-Exist, and criteria in the address.

http://hl7.org/fhir/R4/http.html#concurrency, #cread, #ccreate, #cond-update.
"""

from __future__ import annotations

import re

from minkang.fhir.problem import Incorrect, PreconditionFailed
from minkang.fhir.search import grammar
from minkang.fhir.search.query import Query
from minkang.gateways.rest.request import ON_EVERYTHING, Pairs, Request, decode_pairs
from minkang.kit.http import parse_http_date
from minkang.store.contract import Stored

_ETAG = re.compile(r'(?:W/)?"([A-Za-z0-9\-.]{1,64})"')

MAX_VERSION = 2**31 - 1


def if_match(request: Request) -> int | None:
    """The version the client believes to be current. A version that no resource can have fails at once."""
    text = request.text_header(b"if-match")
    if text is None:
        return None
    found = _ETAG.fullmatch(text.strip())
    if found is None:
        raise Incorrect(f'If-Match: {text[:64]} is not of the form W/"version".')
    version = version_number(found[1])
    if version is None:
        raise PreconditionFailed(f"No version {found[1]} is current.")
    return version


def version_number(text: str) -> int | None:
    """A version id as the number it is here, or None when no version has that id."""
    if not (text.isascii() and text.isdigit()) or len(text) > 10 or text.startswith("0"):
        return None
    number = int(text)
    return number if number <= MAX_VERSION else None


def if_none_match_any(request: Request) -> str | None:
    """`*` for an update that must create (RFC 9110 §13.1.2); other values mean nothing on a write."""
    text = request.text_header(b"if-none-match")
    if text is None:
        return None
    if text.strip() != "*":
        raise Incorrect("On an update If-None-Match may only be *.")
    return "*"


def is_unchanged(request: Request, found: Stored) -> bool:
    """Whether the client's copy is current, so that a read answers 304. If-None-Match outranks If-Modified-Since."""
    headers = request.headers
    tags = headers.get(b"if-none-match")
    if tags is not None:
        current = b'"%d"' % found.version
        return any(tag.strip().removeprefix(b"W/") in (current, b"*") for tag in tags.split(b","))
    since = headers.get(b"if-modified-since")
    if since is None:
        return False
    moment = parse_http_date(since)
    return moment is not None and found.updated.replace(microsecond=0) <= moment


def if_none_exist(request: Request) -> Query | None:
    """Criteria of a conditional create. Some clients (fhirpy) put them into the address instead of the header: that is
    understood, too, since ignoring it would make what they want to avoid, a second record of the same."""
    text = request.text_header(b"if-none-exist")
    if any(name not in ON_EVERYTHING for name, _ in request.pairs):
        if text is not None:
            raise Incorrect(
                "Give the criteria of a conditional create in If-None-Exist or in the address, not in both."
            )
        return criteria(request)
    if text is None:
        return None
    return criteria_of(request.type, decode_pairs(text.strip().rpartition("?")[2].encode()), "If-None-Exist")


def criteria(request: Request) -> Query:
    """Criteria in the address of a conditional update, patch or delete."""
    return criteria_of(request.type, request.pairs, "The address")


def criteria_of(type_name: str, pairs: Pairs, where: str) -> Query:
    """A query that must say whom it means: always strict, since a typo here would hit the wrong resource."""
    query = grammar.parse(type_name, [pair for pair in pairs if pair[0] not in ON_EVERYTHING], strict=True)
    if not query.clauses:
        raise Incorrect(f"{where} must hold search criteria, such as identifier=system|value.")
    return query
