"""Values in a Parameters resource (http://hl7.org/fhir/R4/parameters.html)."""

from __future__ import annotations

from typing import Any


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
