"""`ValueSet.compose.include.filter`: concepts of a code system that meet conditions.

http://hl7.org/fhir/R4/valueset-filter-operator.html, and R5's `child-of`. `regex` is refused: patterns from outside can
take for ever.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from minkang.fhir.problem import Unsupported
from minkang.fhir.terminology.hierarchy import Concept, Concepts

_OF_THE_CONCEPT = frozenset({"concept", "code"})


def filtered(concepts: Concepts, filter: Concept) -> set[str]:
    """The codes that meet one filter. Raises Unsupported."""
    property, operator, value = (str(filter.get(name) or "") for name in ("property", "op", "value"))
    if property in _OF_THE_CONCEPT:
        return _by_place(concepts, operator, value)
    if property in ("parent", "child") and operator == "=":
        return set((concepts.below if property == "parent" else concepts.above).get(value, ()))
    return {code for code, concept in concepts.by_code.items() if _by_property(concept, property, operator, value)}


def _by_place(concepts: Concepts, operator: str, value: str) -> set[str]:
    everything = set(concepts.by_code)
    match operator:
        case "is-a":
            return concepts.under(value) & everything
        case "descendent-of":
            return concepts.under(value) & everything - {value}
        case "child-of":
            return set(concepts.below.get(value, ())) & everything
        case "is-not-a":
            return everything - concepts.under(value)
        case "generalizes":
            return concepts.over(value) & everything
        case "=":
            return {value} & everything
        case "in":
            return everything & _listed(value)
        case "not-in":
            return everything - _listed(value)
        case _:
            raise _unknown(operator)


def _by_property(concept: Concept, property: str, operator: str, value: str) -> bool:
    values = set(_values(concept, property))
    match operator:
        case "=":
            return value in values
        case "in":
            return not values.isdisjoint(_listed(value))
        case "not-in":
            return values.isdisjoint(_listed(value))
        case "exists":
            return bool(values) is (value == "true")
        case _:
            raise _unknown(operator)


def _values(concept: Concept, property: str) -> Iterable[str]:
    """Texts of a property's values."""
    if property in ("display", "definition"):
        return [concept[property]] if concept.get(property) else []
    found = (one for one in concept.get("property") or () if one.get("code") == property)
    return [_text(value) for one in found for name, value in one.items() if name.startswith("value")]


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value.get("code")) if isinstance(value, dict) else str(value)  # a Coding by its code


def _listed(value: str) -> set[str]:
    return {part.strip() for part in value.split(",")}


def _unknown(operator: str) -> Unsupported:
    return Unsupported(f"The value set has a filter by {operator[:32]!r}, which is not supported.")
