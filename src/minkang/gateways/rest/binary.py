"""Binary has two faces: a FHIR resource with base64 inside, and its content itself (http://hl7.org/fhir/R4/binary.html#rest).

Content of others never runs in the reader's browser under our name: it is offered as a download, in a sandbox.
"""

from __future__ import annotations

import base64
import re

import orjson

from minkang.fhir.problem import Incorrect
from minkang.fhir.resource import Parsed, parse
from minkang.gateways.rest.negotiation import JSON_PATCH, content_type, names_fhir
from minkang.gateways.rest.request import Request
from minkang.gateways.rest.response import FHIR_JSON, PLAIN_JSON, Response, stored_headers
from minkang.store.contract import Stored

_MEDIA = re.compile(r"[A-Za-z0-9!#$&^_.+\-]{1,127}/[A-Za-z0-9!#$&^_.+\-]{1,127}(;[\x20-\x7e]{0,200})?")
_FHIR = (FHIR_JSON, PLAIN_JSON, b"application/json+fhir", b"text/json")
_XML = (b"application/fhir+xml", b"application/xml+fhir", JSON_PATCH)


def wants_content(request: Request) -> bool:
    """A read of a Binary answers its content to whoever names a media type other than FHIR's.

    Who names none (no Accept, or `*/*`, which HTTP libraries send unasked) is a FHIR client until it says otherwise; in
    a Bundle it is always a resource. http://hl7.org/fhir/R4/binary.html#rest leaves this open.
    """
    if request.is_inner or (request.query_string and request.parameter("_format") is not None):
        return False
    accept = request.header(b"accept")
    return accept is not None and accept.strip() != b"*/*" and not names_fhir(accept)


def answer(found: Stored) -> Response:
    """200 with the content and the media type it was given."""
    tree = orjson.loads(found.content)
    media = tree.get("contentType", "")
    body = base64.b64decode(tree.get("data", ""))
    headers = [
        *stored_headers(found),
        (b"content-disposition", b"attachment"),
        (b"content-security-policy", b"sandbox; default-src 'none'"),
    ]
    safe = media.encode() if _MEDIA.fullmatch(media) else b"application/octet-stream"
    return Response(200, body, headers, media=safe, stored=found)


def is_content(request: Request) -> bool:
    """Whether the body is content to be wrapped, not a Binary resource."""
    if request.parsed is not None:
        return False
    media = content_type(request.header(b"content-type"), any_charset=True)
    return media not in _FHIR and media not in _XML


async def received(request: Request) -> Parsed:
    """The body as the Binary resource it stands for; X-Security-Context says whose access rules it shares."""
    media = (request.text_header(b"content-type") or "").strip()
    if not _MEDIA.fullmatch(media):
        raise Incorrect("The Content-Type is not a media type.")
    tree = {"resourceType": "Binary", "contentType": media, "data": base64.b64encode(await request.body()).decode()}
    if not tree["data"]:
        del tree["data"]
    if request.id:
        tree["id"] = request.id
    context = request.text_header(b"x-security-context")
    return parse(orjson.dumps(tree if context is None else tree | {"securityContext": {"reference": context}}))
