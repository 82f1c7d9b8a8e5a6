"""Which format goes in and out: JSON only, UTF-8 only (http://hl7.org/fhir/R4/http.html#mime-type).

Every header value seen is judged once and remembered, because clients send the same few for ever.
"""

from __future__ import annotations

from functools import lru_cache

from minkang.fhir.problem import NotAcceptable, UnsupportedMediaType
from minkang.gateways.rest.request import Request
from minkang.gateways.rest.response import FHIR_JSON, PLAIN_JSON

JSON_PATCH = b"application/json-patch+json"
MERGE_PATCH = b"application/merge-patch+json"
FORM = b"application/x-www-form-urlencoded"

_FORMATS = {
    "json": FHIR_JSON,
    "application/fhir+json": FHIR_JSON,
    "application/fhir json": FHIR_JSON,  # a "+" that nobody escaped arrives as a space
    "application/json": PLAIN_JSON,
    "text/json": PLAIN_JSON,
}
_ACCEPTED = {
    b"*/*": FHIR_JSON,
    b"application/*": FHIR_JSON,
    FHIR_JSON: FHIR_JSON,
    b"application/json+fhir": FHIR_JSON,  # the name before R4, still sent by old clients
    PLAIN_JSON: PLAIN_JSON,
    b"text/json": PLAIN_JSON,
    b"text/*": PLAIN_JSON,
}
_R4 = {b"4.0", b"4.0.0", b"4.0.1"}


def answer_type(request: Request) -> bytes:
    """The flavour of JSON to answer. `_format` outranks Accept. Raises NotAcceptable."""
    if request.query_string:
        wanted = request.parameter("_format")
        if wanted is not None:
            found = _FORMATS.get(wanted.partition(";")[0].strip().lower())
            if found is None:
                raise NotAcceptable(f"_format={wanted[:64]} is not spoken here; only json is.")
            return found
    accept = request.header(b"accept")
    if accept is None:
        return FHIR_JSON
    found = accepted(accept)
    if found is None:
        raise NotAcceptable
    return found


@lru_cache(maxsize=512)
def accepted(accept: bytes) -> bytes | None:
    """The flavour an Accept header takes, by its weights, or None when it takes no JSON."""
    best: tuple[float, bytes] | None = None
    for piece in accept.split(b","):
        media, parameters = split_media(piece)
        found = _ACCEPTED.get(media)
        if found is None or parameters.get(b"fhirversion", b"4.0") not in _R4:
            continue
        weight = _weight(parameters.get(b"q", b"1"))
        if weight > 0 and (best is None or weight > best[0]):
            best = (weight, found)
    return best[1] if best else None


@lru_cache(maxsize=512)
def names_fhir(accept: bytes) -> bool:
    """Whether JSON is asked for by name, not by a star: what tells a Binary resource from its raw content."""
    named = {media for media, found in _ACCEPTED.items() if b"*" not in media}
    return any(split_media(piece)[0] in named for piece in accept.split(b","))


def split_media(text: bytes) -> tuple[bytes, dict[bytes, bytes]]:
    """`a/b; q=0.5` as the type and its parameters, lower case."""
    media, *rest = text.lower().split(b";")
    pairs = (piece.partition(b"=") for piece in rest)
    return media.strip(), {name.strip(): value.strip().strip(b'"') for name, _, value in pairs}


def _weight(text: bytes) -> float:
    try:
        return min(float(text), 1.0)
    except ValueError:
        return 0.0


@lru_cache(maxsize=512)
def content_type(value: bytes | None, *, any_charset: bool = False) -> bytes:
    """The media type of a body. Raises UnsupportedMediaType when it is missing or its charset is not UTF-8."""
    if not value:
        raise UnsupportedMediaType("Say what the body is: Content-Type: application/fhir+json.")
    media, parameters = split_media(value)
    if any_charset:
        return media
    charset = parameters.get(b"charset", b"utf-8")
    if charset not in (b"utf-8", b"utf8", b"us-ascii"):
        raise UnsupportedMediaType(f"charset={charset[:32].decode('latin-1')} is not taken; send UTF-8.")
    if parameters.get(b"fhirversion", b"4.0") not in _R4:
        raise UnsupportedMediaType("Only fhirVersion=4.0 is taken.")
    return media


def expect_json(request: Request) -> None:
    """The body must be FHIR JSON. An entry of a Bundle is, whatever the Bundle's own header said."""
    if request.parsed is not None:
        return
    media = content_type(request.header(b"content-type"))
    if media not in (FHIR_JSON, PLAIN_JSON, b"application/json+fhir", b"text/json"):
        raise UnsupportedMediaType(f"{media[:64].decode('latin-1')} is not taken here; send application/fhir+json.")
