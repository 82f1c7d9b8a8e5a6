"""The quick verdict on a whole resource: the compiled schema, its narrative, and the resources inside it."""

from __future__ import annotations

from typing import Any

from minkang.fhir.definitions import structures
from minkang.fhir.validation import narrative, schema


def surely_valid(tree: Any, *, contained: bool = False) -> bool:
    """The quick verdict. True is certain; False only means that `faults` must be asked."""
    name = tree.get("resourceType") if type(tree) is dict else None
    if type(name) is not str or name not in structures.resource_types():
        return False
    if not schema.validator(name).is_valid(tree):
        return False
    text = tree.get("text")
    if text is not None and not narrative.is_sound(text["div"]):
        return False
    inside = tree.get("contained")
    if inside is not None and (contained or not all(surely_valid(one, contained=True) for one in inside)):
        return False
    if name == "Bundle":
        return all(map(_entry_surely_valid, tree.get("entry", ())))
    return name != "Parameters" or all(map(_parameter_surely_valid, tree.get("parameter", ())))


def _entry_surely_valid(entry: dict[str, Any]) -> bool:
    if "resource" in entry and not surely_valid(entry["resource"]):
        return False
    outcome = entry.get("response", {}).get("outcome")
    return outcome is None or surely_valid(outcome)


def _parameter_surely_valid(parameter: dict[str, Any]) -> bool:
    if "resource" in parameter and not surely_valid(parameter["resource"]):
        return False
    return all(map(_parameter_surely_valid, parameter.get("part", ())))
