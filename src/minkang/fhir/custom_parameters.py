"""SearchParameter resources that somebody stored, as parameters to search by.

http://hl7.org/fhir/R4/searchparameter.html. What is taken: the ordinary types over one or several resource types, with
an expression in FHIRPath. What is not, is refused in words that the author can act on: a parameter that silently finds
nothing is worse than none.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from minkang.fhir.path import nodes, path_elements
from minkang.fhir.problem import Incorrect, Unsupported
from minkang.fhir.resource import Resource
from minkang.fhir.search.grammar import AT_THE_DOOR, NOT_YET
from minkang.fhir.search.parameters import SearchParameter, resource_types, standard_parameters_of

KINDS = ("number", "date", "string", "token", "reference", "quantity", "uri")
"""Types that may be added (http://hl7.org/fhir/R4/valueset-search-param-type.html); a composite or special one is more
than an expression."""

LONGEST = 2_000
"""Characters of an expression: each resource that is written pays for it."""

_TOO_MUCH = re.compile(r"\b(descendants|repeat)\s*\(")
_CODE = re.compile(r"[a-z][A-Za-z0-9\-]{0,63}", re.ASCII)
_RESERVED = AT_THE_DOOR | NOT_YET


def is_in_force(tree: Resource) -> bool:
    """Whether a SearchParameter wants to be searched by at all, and is not one of the standard's, told again."""
    return tree.get("status") == "active" and not _is_of_the_standard(tree)


def _is_of_the_standard(tree: Resource) -> bool:
    bases: Sequence[str] = tree.get("base", ())
    known = [standard_parameters_of(base).get(tree.get("code", "")) for base in bases if base in resource_types()]
    return bool(known) and all(one is not None and one.url == tree.get("url") for one in known)


def compiled(tree: Resource, generation: int) -> tuple[SearchParameter, ...]:
    """One parameter for each type the resource names. `generation`: a number from 1 that no other edition has.

    The resource is structurally valid. Raises Incorrect or Unsupported, saying what to change.
    """
    code, kind, expression = str(tree["code"]), str(tree["type"]), str(tree.get("expression", ""))
    if not _CODE.fullmatch(code) or code in _RESERVED:
        raise Incorrect(f"The code {code[:64]!r} cannot stand in an address: a-z first, then letters, digits and -.")
    if kind not in KINDS:
        raise Unsupported(f"A parameter of type {kind} cannot be added; {', '.join(KINDS)} can.")
    _check_expression(expression)
    targets = tuple(tree.get("target", ()))
    return tuple(_parameter(base, code, kind, expression, targets, tree, generation) for base in tree["base"])


def _check_expression(expression: str) -> None:
    if not expression:
        raise Incorrect("SearchParameter.expression is missing: without it nothing tells what to look at.")
    if len(expression) > LONGEST:
        raise Incorrect(f"SearchParameter.expression is longer than {LONGEST} characters.")
    costly = _TOO_MUCH.search(expression)
    if costly:
        raise Unsupported(f"{costly[1]}() walks through whole resources at each write; name the path instead.")


def _parameter(
    base: str, code: str, kind: str, expression: str, targets: tuple[str, ...], tree: Resource, generation: int
) -> SearchParameter:
    if base not in resource_types():
        raise Unsupported(f"{base} is no resource type of its own; name each type that the parameter is for.")
    if code in standard_parameters_of(base):
        raise Incorrect(f"{base} has a parameter {code!r} by the standard; choose another code.")
    own = SearchParameter(
        code, kind, base, url=str(tree.get("url", "")), expression=expression, targets=targets, generation=generation
    )
    _try(own)
    return replace(own, elements=lambda resource: _found(own, resource))


def _try(own: SearchParameter) -> None:
    """An expression that is none fails here and not at somebody's write."""
    path_elements(own, {"resourceType": own.base})
    nodes(own.expression, {"resourceType": own.base}, lenient_as=True)


def _found(own: SearchParameter, resource: Resource) -> list[tuple[str, object]]:
    """Nothing where the expression cannot be evaluated on this resource: the write of a record must not fail because
    of somebody's search parameter."""
    try:
        return path_elements(own, resource)
    except Incorrect:
        return []
