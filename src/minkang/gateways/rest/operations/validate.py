"""$validate: would this be accepted? (http://hl7.org/fhir/R4/resource-operation-validate.html)

The answer is always 200 with an OperationOutcome for what can be read at all; its issues tell.
"""

from __future__ import annotations

from typing import Any

from minkang.fhir.parameters import named
from minkang.fhir.problem import Incorrect, Issue
from minkang.fhir.resource import parse
from minkang.fhir.validation import faults
from minkang.gateways.rest import response
from minkang.gateways.rest.negotiation import expect_json
from minkang.gateways.rest.request import Request, expect_only
from minkang.gateways.rest.response import Response
from minkang.store.contract import Repository

MODES = ("create", "update", "delete", "profile")


async def validate(request: Request, repository: Repository) -> Response:
    """Faults of the posted resource, or of the stored one when none is posted."""
    expect_only(request, "mode", "profile")
    mode, profile = request.parameter("mode"), request.parameter("profile")
    tree: dict[str, Any] | None = None
    if request.method == "POST":
        expect_json(request)
        tree = (await request.resource()).tree
        if tree.get("resourceType") == "Parameters" and request.type != "Parameters":
            mode, profile = named(tree, "mode") or mode, named(tree, "profile") or profile
            tree = named(tree, "resource")
    if mode is not None and mode not in MODES:
        raise Incorrect(f"mode={str(mode)[:64]} is not one of {', '.join(MODES)}.")
    issues = await _issues(request, repository, tree, mode)
    if profile is not None:
        text = "Profiles are not checked yet: only the rules of the base resource were."
        issues.append(Issue("not-supported", text, severity="warning"))
    return response.resource(200, _outcome(issues))


async def _issues(
    request: Request, repository: Repository, tree: dict[str, Any] | None, mode: str | None
) -> list[Issue]:
    if mode in ("update", "delete") and not request.id:
        raise Incorrect(f"mode={mode} goes with the address of a resource: [type]/[id]/$validate.")
    if mode == "delete" or (tree is None and request.id):
        tree = parse((await repository.read(request.type, request.id)).content).tree
    if not isinstance(tree, dict) or not isinstance(tree.get("resourceType"), str):
        raise Incorrect("Send the resource with its resourceType, or Parameters with a parameter named resource.")
    issues = faults(tree)
    if tree.get("resourceType") != request.type:
        issues.insert(0, Issue("invalid", f"The address says {request.type}, the resource says otherwise."))
    if mode == "update" and tree.get("id") != request.id:
        issues.append(Issue("invalid", "The resource's id is not the one of the address.", "id"))
    return issues


def _outcome(issues: list[Issue]) -> dict[str, Any]:
    if not any(issue.severity in ("error", "fatal") for issue in issues):
        issues = [*issues, Issue("informational", "No fault found.", severity="information")]
    return {"resourceType": "OperationOutcome", "issue": [issue.to_fhir() for issue in issues]}
