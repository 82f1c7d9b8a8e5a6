"""Parameters of an operation, in the address or in a posted Parameters resource (http://hl7.org/fhir/R4/operations.html)."""

from __future__ import annotations

from typing import Any

import orjson

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


def named(tree: dict[str, Any], name: str) -> Any:
    """The value (or resource) of the first parameter of that name, or None. The tree need not have been checked."""
    parts = tree.get("parameter", [])
    for part in parts if isinstance(parts, list) else []:
        if isinstance(part, dict) and part.get("name") == name:
            return part.get("resource", value_of(part))
    return None


def value_of(part: dict[str, Any]) -> Any:
    """`value[x]` of one parameter."""
    return next((value for key, value in part.items() if key.startswith("value")), None)


def answered(name: str, kind: str, raw: bytes) -> bytes:
    """A Parameters resource with one value given as text."""
    return b'{"resourceType":"Parameters","parameter":[{"name":%b,"value%b":%b}]}' % (
        orjson.dumps(name),
        kind.encode(),
        raw,
    )
