"""Structural validation of every R4 resource: `check` refuses, `faults` tells everything.

Two halves that must agree (a test sees to it): `quick`, compiled and narrow, says yes in microseconds; `walk` knows
every rule and is asked when the other has doubts. Profiles, terminology beyond required codes, and invariants are not
structure and are not checked here (docs/decisions/0010-validation-in-two-halves.md).
"""

from __future__ import annotations

from minkang.fhir.problem import Incorrect, Issue
from minkang.fhir.resource import Resource
from minkang.fhir.validation import walk
from minkang.fhir.validation.quick import surely_valid

__all__ = ["check", "faults", "surely_valid"]


def check(tree: Resource, expected_type: str | None = None, *, conditional_references: bool = False) -> None:
    """Raises Incorrect with one Issue per fault (at most 100) unless the resource is structurally valid R4.

    `conditional_references`: accept `Patient?identifier=x`, which only entries of a transaction may use.
    """
    name = tree.get("resourceType")
    if expected_type is not None and name != expected_type:
        told = f"'{str(name)[:64]}'" if name is not None else "nothing"
        raise _refusal([Issue("invalid", f"Expected resourceType '{expected_type}', got {told}.", expected_type)])
    if surely_valid(tree):
        return
    found = faults(tree, conditional_references=conditional_references)
    if any(issue.severity == "error" for issue in found):
        raise _refusal(found)


def faults(tree: Resource, *, conditional_references: bool = False) -> list[Issue]:
    """Every structural fault, in document order, at most 100. Empty for a valid resource.

    Those of severity `warning` (a reference to an unexpected type of resource) do not make a resource invalid.
    """
    return walk.Walk(conditional=conditional_references).run(tree)


def _refusal(found: list[Issue]) -> Incorrect:
    found = sorted(found, key=lambda issue: issue.severity != "error")
    more = f" (and {len(found) - 1} more)" if len(found) > 1 else ""
    return Incorrect(f"{found[0].expression}: {found[0].text}{more}", issues=found)
