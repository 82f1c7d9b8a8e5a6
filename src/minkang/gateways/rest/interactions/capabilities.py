"""capabilities: GET [base]/metadata (http://hl7.org/fhir/R4/http.html#capabilities).

Made from the code that answers, so that it cannot promise anything else: the router's table, the search parameters that
can be searched by, the operations. Made once a process and base address, and again when search parameters were added.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib.metadata import version
from typing import Any

import orjson

from minkang.fhir.definitions.structures import resource_types
from minkang.fhir.resource import instant
from minkang.fhir.search.kinds import KINDS
from minkang.fhir.search.parameters import ADDING, Added, SearchParameter, parameters_of
from minkang.fhir.subscriptions.wish import topics
from minkang.gateways.rest.negotiation import JSON_PATCH, MERGE_PATCH
from minkang.gateways.rest.request import Request, expect_only
from minkang.gateways.rest.response import FHIR_JSON, Response
from minkang.gateways.rest.sockets import socket_url
from minkang.kit import clock
from minkang.store.contract import Repository

TYPE_INTERACTIONS = (
    "read",
    "vread",
    "update",
    "patch",
    "delete",
    "history-instance",
    "history-type",
    "create",
    "search-type",
)
SYSTEM_INTERACTIONS = ("transaction", "batch", "search-system", "history-system")
_DEFINITION = "http://hl7.org/fhir/OperationDefinition/"
OPERATIONS = {
    "validate": _DEFINITION + "Resource-validate",
    "meta": _DEFINITION + "Resource-meta",
    "meta-add": _DEFINITION + "Resource-meta-add",
    "meta-delete": _DEFINITION + "Resource-meta-delete",
}
TYPES = frozenset({"number", "date", "string", "token", "reference", "composite", "quantity", "uri"})
"""http://hl7.org/fhir/R4/valueset-search-param-type.html; everything else is special."""

_SUBSCRIPTIONS = "http://hl7.org/fhir/uv/subscriptions-backport/"
_BULK = "http://hl7.org/fhir/uv/bulkdata/OperationDefinition/"
TYPE_OPERATIONS = {
    "Patient": {"everything": _DEFINITION + "Patient-everything", "export": _BULK + "patient-export"},
    "CodeSystem": {name: f"{_DEFINITION}CodeSystem-{name}" for name in ("lookup", "validate-code", "subsumes")},
    "ValueSet": {name: f"{_DEFINITION}ValueSet-{name}" for name in ("expand", "validate-code")},
    "ConceptMap": {"translate": _DEFINITION + "ConceptMap-translate"},
    "Group": {"export": _BULK + "group-export"},
    "Subscription": {
        "status": _SUBSCRIPTIONS + "OperationDefinition/backport-subscription-status",
        "events": _SUBSCRIPTIONS + "OperationDefinition/backport-subscription-events",
        "get-ws-binding-token": _SUBSCRIPTIONS + "OperationDefinition/backport-subscription-get-ws-binding-token",
    },
}
SYSTEM_OPERATIONS = {
    "export": _BULK + "export",
    "bulk-delete": "https://minkang.example/OperationDefinition/bulk-delete",
    "import": "https://minkang.example/OperationDefinition/import",
}
"""What the bulk door answers (http://hl7.org/fhir/uv/bulkdata/STU2/export.html) is told here, too: it is one server."""

_WEBSOCKET = "http://hl7.org/fhir/StructureDefinition/capabilitystatement-websocket"
"""Where R4's own Subscriptions bind their sockets."""

_STARTED = clock.now()


async def capabilities(request: Request, _: Repository | None) -> Response:
    """200 with the CapabilityStatement, the same for every `mode`: it holds all there is."""
    expect_only(request, "mode")
    adding = ADDING.get()
    added = adding.added if adding is not None else None
    known = _made.get(request.base)
    if known is None or known[0] is not added:
        if len(_made) >= _BASES:
            _made.clear()
        known = _made[request.base] = added, orjson.dumps(statement(request.base))
    return Response(200, known[1])


_BASES = 16
_made: dict[str, tuple[Added | None, bytes]] = {}
"""By base address: the parameters that had been added when it was made, and its text."""


def statement(base: str) -> dict[str, Any]:
    """The CapabilityStatement of a door at that address."""
    return {
        "resourceType": "CapabilityStatement",
        "id": "minkang",
        "name": "Minkang",
        "title": "Minkang 民康 FHIR R4",
        "status": "active",
        "date": instant(_STARTED),
        "kind": "instance",
        "software": {"name": "Minkang", "version": version("minkang")},
        "implementation": {"description": "Minkang 民康 population-health platform", "url": base},
        "instantiates": ["http://hl7.org/fhir/uv/bulkdata/CapabilityStatement/bulk-data"],
        "fhirVersion": "4.0.1",
        "format": ["application/fhir+json", "json"],
        "patchFormat": [FHIR_JSON.decode(), JSON_PATCH.decode(), MERGE_PATCH.decode()],
        "rest": [_rest() | {"extension": [{"url": _WEBSOCKET, "valueUri": socket_url(base)}]}],
    }


def _rest() -> dict[str, Any]:
    pointing = _pointing_to()
    return {
        "mode": "server",
        "resource": [_resource(name, pointing.get(name, ())) for name in sorted(resource_types())],
        "interaction": [{"code": code} for code in SYSTEM_INTERACTIONS],
        "searchParam": [_parameter(p) for p in parameters_of("Resource").values() if is_searchable(p)],
        "operation": [{"name": code, "definition": url} for code, url in SYSTEM_OPERATIONS.items()],
    }


def _resource(name: str, pointing: Sequence[str]) -> dict[str, Any]:
    parameters = [p for p in parameters_of(name).values() if is_searchable(p)]
    references = sorted(f"{name}:{p.code}" for p in parameters if p.kind == "reference")
    operations = OPERATIONS | TYPE_OPERATIONS.get(name, {})
    found: dict[str, Any] = {
        "type": name,
        "profile": f"http://hl7.org/fhir/StructureDefinition/{name}",
        "interaction": [{"code": code} for code in TYPE_INTERACTIONS],
        "versioning": "versioned-update",
        "readHistory": True,
        "updateCreate": True,
        "conditionalCreate": True,
        "conditionalRead": "full-support",
        "conditionalUpdate": True,
        "conditionalDelete": "single",
        "referencePolicy": ["literal", "logical", "local"],
        "searchInclude": ["*", *references],
        "searchParam": [_parameter(p) for p in parameters],
        "operation": [{"name": code, "definition": url} for code, url in operations.items()],
    }
    if name == "Subscription":
        # http://hl7.org/fhir/uv/subscriptions-backport/STU1.1/components.html#subscription-topics-in-r4
        told = _SUBSCRIPTIONS + "StructureDefinition/capabilitystatement-subscriptiontopic-canonical"
        found["extension"] = [{"url": told, "valueCanonical": url} for url in topics()]
        found["supportedProfile"] = [_SUBSCRIPTIONS + "StructureDefinition/backport-subscription"]
    if pointing:
        found["searchRevInclude"] = list(pointing)
    return found


def is_searchable(parameter: SearchParameter) -> bool:
    """Whether the search grammar takes it; the special ones are not spoken yet."""
    return parameter.kind in KINDS


def _parameter(parameter: SearchParameter) -> dict[str, Any]:
    found = {"name": parameter.code, "type": parameter.kind if parameter.kind in TYPES else "special"}
    if parameter.url:
        found["definition"] = parameter.url
    return found


def _pointing_to() -> dict[str, tuple[str, ...]]:
    """Resource type to the reference parameters of others that may lead to it."""
    found: dict[str, list[str]] = {}
    for name in sorted(resource_types()):
        for parameter in parameters_of(name).values():
            if parameter.kind == "reference":
                for target in parameter.targets:
                    found.setdefault(target, []).append(f"{name}:{parameter.code}")
    return {target: tuple(sorted(codes)) for target, codes in found.items()}
