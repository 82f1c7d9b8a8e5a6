"""Asking an expression of a resource."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from minkang.fhir.path.compiler import compiled
from minkang.fhir.path.context import Run
from minkang.fhir.path.model import root
from minkang.fhir.path.values import Amount, Moment, Node
from minkang.fhir.resource import Resource


def evaluate(expression: str, resource: Resource, variables: Mapping[str, Any] | None = None) -> list[Any]:
    """The collection an expression gives for a resource, as JSON values (dates as texts, amounts as Quantities).

    Raises Incorrect for what is no FHIRPath or cannot be evaluated, with the position in the expression.
    """
    return [_json(node) for node in nodes(expression, resource, variables)]


def nodes(
    expression: str,
    resource: Resource,
    variables: Mapping[str, Any] | None = None,
    *,
    strict: bool = False,
    lenient_as: bool = False,
) -> list[Node]:
    """The same as nodes, which know their type and their place. `strict`: unknown elements are errors."""
    program = compiled(expression)
    whole = [root(resource)]
    known = {name: _variable(value) for name, value in (variables or {}).items()}
    return program(Run(whole, whole, known, strict=strict, lenient_as=lenient_as), whole)


def _variable(value: Any) -> list[Node]:
    if isinstance(value, dict):
        return [root(value)]
    kinds = {bool: "Boolean", int: "Integer", str: "String", Decimal: "Decimal"}
    return [Node(f"System.{kinds[type(value)]}", value)]


def _json(node: Node) -> Any:
    value = node.value
    if isinstance(value, Moment):
        return str(value)
    if isinstance(value, Amount):
        return {"value": value.value, "unit": value.unit}
    return value if value is not None else node.extra
