"""Kind `composite`: several values that must stand in one element (http://hl7.org/fhir/R4/search.html#composite).

`SearchParameter.components` tell the parts; each part is a parameter of another kind that looks into the shared
element. What is compared is one tuple per shared element: the values of each part in it.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any, NamedTuple

from minkang.fhir.problem import Incorrect
from minkang.fhir.search.escapes import split
from minkang.fhir.search.extraction import Elements
from minkang.fhir.search.parameters import SearchParameter

MODIFIERS = frozenset({"missing"})
NOT_YET = frozenset[str]()


class Part(NamedTuple):
    """`kind`: of the component."""

    kind: str
    values: tuple[Any, ...]


Value = tuple[Part, ...]
"""Of one shared element, in the order of the components."""


class Wanted(NamedTuple):
    """One `Wanted` of each component's kind."""

    parts: tuple[Any, ...]


def parse(text: str, modifier: str | None, parameter: SearchParameter) -> Wanted:
    parts = split(text, "$")
    if len(parts) != len(parameter.components) or not all(parts):
        form = "$".join(f"[{one.code}]" for one in parameter.components)
        raise Incorrect(f"{parameter.code!r} takes {form}, not {text[:64]!r}.")
    return Wanted(
        tuple(_kind(one.kind).parse(part, None, one) for one, part in zip(parameter.components, parts, strict=True))
    )


def alternatives(parts: list[str]) -> list[str]:
    """Parts of an OR list; one without `$` is another first component for what follows it: `a,b$1` is `a$1,b$1`."""
    found: list[str] = []
    waiting: list[str] = []
    for part in parts:
        first, *rest = split(part, "$")
        if not rest:
            waiting.append(part)
            continue
        found += ["$".join([one, *rest]) for one in [*waiting, first]]
        waiting = []
    return found + waiting


def values(elements: Elements) -> list[Value]:
    """Of elements as `shared` made them. A shared element that lacks one of the parts has no value."""
    found = [
        tuple(Part(kind, tuple(_kind(kind).values(inside)) if inside else ()) for kind, inside in parts)
        for _, parts in elements
    ]
    return [value for value in found if all(part.values for part in value)]


def matches(value: Value, wanted: Wanted, modifier: str | None) -> bool:
    return all(
        any(_kind(part.kind).matches(one, sought, None) for one in part.values)
        for part, sought in zip(value, wanted.parts, strict=True)
    )


def sort_key(values: list[Value], descending: bool) -> None:
    """The grammar refuses to sort by it."""
    return


def _kind(name: str) -> Any:
    return import_module(f"minkang.fhir.search.kinds.{name}")
