"""patch and conditional patch: PATCH [base]/[type]/[id] or ?[criteria], by JSON, FHIRPath or JSON Merge Patch.

http://hl7.org/fhir/R4/http.html#patch; the third is not of R4, but what some clients send.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable
from typing import Any

import orjson

from minkang.fhir import fhirpath_patch, json_patch, merge_patch
from minkang.fhir.problem import Incorrect, Unprocessable, UnsupportedMediaType
from minkang.fhir.resource import Parsed, parse
from minkang.fhir.validation import check
from minkang.gateways.rest import response
from minkang.gateways.rest.conditions import criteria, if_match
from minkang.gateways.rest.negotiation import JSON_PATCH, MERGE_PATCH, content_type
from minkang.gateways.rest.request import Request, expect_only
from minkang.gateways.rest.response import FHIR_JSON, PLAIN_JSON, Response
from minkang.store.contract import Repository

Change = Callable[[bytes], Parsed]


async def patch(request: Request, repository: Repository) -> Response:
    """200 with the new version."""
    expect_only(request)
    expected = if_match(request)
    change = checked(request.type, await change_of(request))
    result = await repository.patch(request.type, request.id, change, if_match=expected)
    return response.written(result, request.base, request.header(b"prefer"))


async def patch_where(request: Request, repository: Repository) -> Response:
    """The same for the one resource the criteria find; 404 when they find none, 412 when several."""
    query, expected = criteria(request), if_match(request)
    change = checked(request.type, await change_of(request))
    result = await repository.patch_where(query, change, if_match=expected)
    return response.written(result, request.base, request.header(b"prefer"))


async def change_of(request: Request) -> Change:
    """What the body makes of a resource's text. Inside a Bundle a JSON Patch comes as a Binary (http.html#patch).

    A client that calls its patch plain JSON is understood: operations are an array, a FHIRPath Patch is a Parameters
    resource, a merge patch is any other object.
    """
    if request.parsed is not None:
        return _by_paths(request.parsed) or _by_operations(_content(request.parsed.tree))
    media = content_type(request.header(b"content-type"))
    if media not in (JSON_PATCH, MERGE_PATCH, PLAIN_JSON, FHIR_JSON):
        raise UnsupportedMediaType(
            f"Send a patch as {JSON_PATCH.decode()}, or as Parameters in {FHIR_JSON.decode()}; "
            f"{media[:64].decode('latin-1')} is not taken."
        )
    body = await request.body()
    if media == JSON_PATCH or (media == PLAIN_JSON and body.lstrip().startswith(b"[")):
        return _by_operations(body)
    if media == FHIR_JSON and body.lstrip().startswith(b"["):
        raise UnsupportedMediaType(f"An array of operations is {JSON_PATCH.decode()}.")
    merge = parse(body)
    if media != MERGE_PATCH and (by_paths := _by_paths(merge)) is not None:
        return by_paths
    if media == FHIR_JSON:
        raise UnsupportedMediaType(f"In {FHIR_JSON.decode()} a patch is a Parameters resource (FHIRPath Patch).")
    return lambda text: merge_patch.apply(text, merge)


def _by_paths(sent: Parsed) -> Change | None:
    if not fhirpath_patch.is_patch(sent.tree):
        return None
    operations = fhirpath_patch.parse(sent)
    return lambda text: fhirpath_patch.apply(text, operations)


def _by_operations(body: bytes) -> Change:
    operations = json_patch.parse(body)
    return lambda text: json_patch.apply(text, operations)


def checked(type_name: str, change: Change) -> Change:
    """What the store calls with the current text: the patched resource, checked like any other. The request itself was
    well-formed, so what it would make is unprocessable (RFC 5789 §2.2)."""

    def changed(text: bytes) -> Parsed:
        patched = change(text)
        if patched.tree.get("id") != orjson.loads(text).get("id"):
            raise Unprocessable("A patch may not change the id.")
        try:
            check(patched.tree, type_name)
        except Incorrect as problem:
            raise Unprocessable(problem.text, issues=problem.issues) from None
        return patched

    return changed


def _content(tree: dict[str, Any]) -> bytes:
    media = str(tree.get("contentType", "")).partition(";")[0].strip()
    if tree.get("resourceType") != "Binary" or media.encode() != JSON_PATCH:
        raise Incorrect(
            f"In a Bundle a patch is a Parameters resource, or a Binary with contentType {JSON_PATCH.decode()}."
        )
    try:
        return base64.b64decode(str(tree.get("data", "")))
    except binascii.Error:
        raise Incorrect("The data of the patch's Binary is not base64.") from None
