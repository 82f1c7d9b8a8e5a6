"""JSON Merge Patch (RFC 7396, https://www.rfc-editor.org/rfc/rfc7396) on resources, digits of decimals preserved.

Not part of FHIR R4, yet what clients such as fhirpy send to change a few elements.
"""

from __future__ import annotations

from typing import Any

from minkang.fhir.resource import Parsed, exact, from_exact


def apply(text: bytes, patch: Parsed) -> Parsed:
    """The resource that a patch makes of a compact resource text: null takes away, objects merge, all else replaces."""
    return from_exact(merged(exact(text), exact(patch.text)))


def merged(target: Any, patch: Any) -> Any:
    """MergePatch(Target, Patch) of RFC 7396 §2; the target may be changed."""
    if not isinstance(patch, dict):
        return patch
    result = target if isinstance(target, dict) else {}
    for name, value in patch.items():
        if value is None:
            result.pop(name, None)
        else:
            result[name] = merged(result.get(name), value)
    return result
