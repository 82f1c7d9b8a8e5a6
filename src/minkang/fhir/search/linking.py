"""Clauses about other resources: chains (`subject:Patient.name`) and `_has` (http://hl7.org/fhir/R4/search.html#chaining).

Nothing here looks anything up. A store finds which resources meet the inner clause and puts them in the clause's place
(`chained`, `having`): what is left is an ordinary clause that one resource answers by itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from minkang.fhir.problem import Incorrect
from minkang.fhir.resource import Resource
from minkang.fhir.search.kinds import listed, reference
from minkang.fhir.search.parameters import HAS, LIST, SearchParameter, parameters_of, resource_types
from minkang.fhir.search.query import CHAIN, Chain, Clause, Reverse

MOST_LINKS = 5
"""Steps from resource to resource in one parameter."""

MOST_TYPES = 8
"""Types one step may lead to."""

Names = frozenset[tuple[str | None, str | None]]
"""Resources by type and id."""

Plain = Callable[[str, str, str], Clause]
"""Reads a parameter without links: type, name with modifier, value."""


def is_link(clause: Clause) -> bool:
    return clause.modifier == CHAIN or clause.parameter.kind == HAS.kind


def is_linked(name: str) -> bool:
    """Whether the name of a parameter asks about other resources."""
    return "." in name or name == "_has" or name.startswith("_has:")


def parse_link(type: str | None, name: str, value: str, plain: Plain, links: int = 0) -> Clause:
    """Clause of a linked name on a type. Raises Incorrect, Unsupported."""
    if not is_linked(name) and type is not None:
        return plain(type, name, value)
    if type is None:
        raise Incorrect(f"{name[:64]!r}: chains and _has need one resource type to begin with; name it by _type.")
    if links == MOST_LINKS:
        raise Incorrect(f"A parameter leads over more than {MOST_LINKS} resources; search in two steps.")
    if name.startswith("_has"):
        return _reverse(type, name, value, plain, links + 1)
    return _chain(type, name, value, plain, links + 1)


def _reverse(type: str, name: str, value: str, plain: Plain, links: int) -> Clause:
    form = "_has:[type]:[reference]:[parameter]"
    parts = name.split(":", 3)
    if len(parts) < 4 or parts[0] != "_has" or not parts[3]:
        raise Incorrect(f"{name[:64]!r}: _has takes the form {form}.")
    _, source, code, inner = parts
    one = _reference(source, code, name)
    if one.targets and type not in one.targets:
        raise Incorrect(f"{name[:64]!r}: {source}:{code} refers to {', '.join(one.targets)} only, never to {type}.")
    return Clause(HAS, None, (Reverse(source, one, parse_link(source, inner, value, plain, links)),))


def _chain(type: str, name: str, value: str, plain: Plain, links: int) -> Clause:
    link, _, inner = name.partition(".")
    code, _, only = link.partition(":")
    one = _reference(type, code, name)
    if only and (only not in resource_types() or (one.targets and only not in one.targets)):
        raise Incorrect(f"{name[:64]!r}: {code} refers to {', '.join(one.targets) or 'resource types'} only.")
    if not inner:
        raise Incorrect(f"{name[:64]!r}: a parameter of what {code} refers to is missing after the point.")
    wanted = inner.partition(".")[0].partition(":")[0]
    targets = [only] if only else [target for target in one.targets if _knows(target, wanted)]
    if not targets and one.targets:
        raise Incorrect(f"{name[:64]!r}: none of {', '.join(one.targets)} has a parameter {wanted[:64]!r}.")
    if not targets or len(targets) > MOST_TYPES:
        raise Incorrect(f"{name[:64]!r}: {code} may refer to many types; name one as {code}:[type].{inner[:64]}.")
    if only and not _knows(only, wanted):
        raise Incorrect(f"{name[:64]!r}: {only} has no parameter {wanted[:64]!r}.")
    found = tuple(Chain(target, parse_link(target, inner, value, plain, links)) for target in targets)
    return Clause(one, CHAIN, found)


def _knows(type: str, code: str) -> bool:
    return code in parameters_of(type)


def _reference(type: str, code: str, name: str) -> SearchParameter:
    if type not in resource_types():
        raise Incorrect(f"{name[:64]!r}: {type[:64]!r} is no resource type.")
    one = parameters_of(type).get(code)
    if one is None:
        raise Incorrect(f"{name[:64]!r}: {type} has no parameter {code[:64]!r}.")
    if one.kind != "reference":
        raise Incorrect(f"{name[:64]!r}: {code!r} of {type} is no reference; only references can be followed.")
    return one


def chained(clause: Clause, targets: Iterable[tuple[str | None, str | None]]) -> Clause:
    """A chain whose inner clause these resources meet."""
    return Clause(clause.parameter, None, (reference.Wanted(None, None, among=frozenset(targets)),))


def having(targets: Iterable[tuple[str | None, str | None]]) -> Clause:
    """A `_has` for which these resources are referred to."""
    return Clause(LIST, None, (listed.Wanted("", frozenset(targets)),))


def referred(one: SearchParameter, tree: Resource) -> Names:
    """The local resources that a reference parameter names in a resource."""
    found: list[Any] = reference.values(one.elements(tree))
    return frozenset((value.type, value.id) for value in found if value.id and value.type and value.url is None)


def inner_clauses(clause: Clause) -> tuple[Clause, ...]:
    """What the clause asks of other resources."""
    return tuple(one.clause for one in clause.wanted) if is_link(clause) else ()
