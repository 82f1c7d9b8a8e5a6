"""Parameters of an operation, in the address or in a posted Parameters resource (http://hl7.org/fhir/R4/operations.html)."""

from __future__ import annotations

import orjson

from minkang.fhir.parameters import value_of
from minkang.fhir.problem import Incorrect
from minkang.fhir.resource import Parsed
from minkang.fhir.validation import check
from minkang.gateways.rest.negotiation import expect_json
from minkang.gateways.rest.request import Request


async def posted(request: Request) -> Parsed:
    """The checked Parameters resource of a POST."""
    expect_json(request)
    parsed = await request.resource()
    check(parsed.tree, "Parameters")
    return parsed


async def with_posted(request: Request) -> None:
    """Adds posted parameters to those of the address, so that the operation reads one list. An empty body has none."""
    if request.method != "POST":
        return
    if request.parsed is None and not await _has_body(request):
        return
    for part in (await posted(request)).tree.get("parameter", []):
        value = value_of(part)
        if not isinstance(value, str | int):
            raise Incorrect(f"The parameter {part['name'][:64]} has no simple value.")
        request.pairs.append((part["name"], str(value)))
    request.query_string = request.query_string or b"&"


async def _has_body(request: Request) -> bool:
    length = request.header(b"content-length")
    return length != b"0" if length is not None else request.header(b"transfer-encoding") is not None


def answered(name: str, kind: str, raw: bytes) -> bytes:
    """A Parameters resource with one value given as text."""
    return b'{"resourceType":"Parameters","parameter":[{"name":%b,"value%b":%b}]}' % (
        orjson.dumps(name),
        kind.encode(),
        raw,
    )
