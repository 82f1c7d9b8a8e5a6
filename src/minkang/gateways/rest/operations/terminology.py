"""$lookup, $validate-code, $expand, $translate, $subsumes (http://hl7.org/fhir/R4/terminology-service.html).

A call at an instance means this code system, value set or map. The rules are in `fhir/terminology/operations.py`.
"""

from __future__ import annotations

from typing import Any

import orjson

from minkang.fhir.problem import Incorrect
from minkang.fhir.terminology.operations import OPERATIONS
from minkang.fhir.terminology.wishes import Given
from minkang.gateways.rest import response
from minkang.gateways.rest.operations.parameters import posted
from minkang.gateways.rest.request import ON_EVERYTHING, Request
from minkang.gateways.rest.response import Response
from minkang.kit import clock
from minkang.store.contract import Repository

_OWN = {"CodeSystem": "codeSystem", "ValueSet": "valueSet", "ConceptMap": "conceptMap"}
_SHOW = frozenset({"$expand", "$lookup"})


async def terminology(request: Request, repository: Repository) -> Response:
    """200 with Parameters or, for an expansion, a ValueSet."""
    parts: list[dict[str, Any]] = [
        {"name": name, "value": value} for name, value in request.pairs if name not in ON_EVERYTHING
    ]
    if request.method == "POST":
        parts += (await posted(request)).tree.get("parameter", [])
    if request.id:
        own = _OWN[request.type]
        if any(part["name"] in (own, "url") for part in parts):
            raise Incorrect(f"This address names the {request.type}: send neither {own} nor url.")
        parts.append({"name": own, "resource": orjson.loads((await repository.read(request.type, request.id)).content)})
    language = request.header(b"accept-language")
    if language and request.operation in _SHOW and not any(part["name"] == "displayLanguage" for part in parts):
        parts.append({"name": "displayLanguage", "value": language.decode("latin-1")})
    operation = OPERATIONS[request.type, request.operation]
    now = clock.now().isoformat(timespec="seconds")
    return response.resource(200, await repository.ask(operation(Given(parts), now)))
