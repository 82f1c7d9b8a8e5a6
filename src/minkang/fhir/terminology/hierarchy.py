"""The concepts of a CodeSystem and what lies above and below each (http://hl7.org/fhir/R4/codesystem.html#hierarchy).

A concept lies under the one it is nested in and under those its `parent` properties name (or whose `child` properties
name it). Every hierarchy counts, whatever `hierarchyMeaning` says: classifications such as ICD-10 are searched by it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from minkang.fhir.resource import Resource

Concept = Mapping[str, Any]


@dataclass(slots=True)
class Concepts:
    """Those of one code system by code, with the codes right above and right below each."""

    by_code: dict[str, Concept]
    above: dict[str, set[str]]
    below: dict[str, set[str]]

    def under(self, code: str) -> set[str]:
        """The code and all that lie under it."""
        return _reached(code, self.below)

    def over(self, code: str) -> set[str]:
        """The code and all that it lies under."""
        return _reached(code, self.above)


def is_inactive(concept: Concept) -> bool:
    """Whether a concept is no more in use (http://hl7.org/fhir/R4/codesystem.html#status)."""
    for property in concept.get("property") or ():
        if property.get("code") == "inactive" and property.get("valueBoolean") is True:
            return True
        if property.get("code") == "status" and _code(property) in ("retired", "inactive"):
            return True
    return False


def concepts_of(system: Resource) -> Concepts:
    """The concepts of a CodeSystem."""
    found = Concepts({}, {}, {})
    for concept, parent in _walk(system.get("concept") or ()):
        code = concept.get("code")
        if code is None:
            continue
        found.by_code.setdefault(code, concept)
        if parent is not None:
            _link(found, parent, code)
        for property in concept.get("property") or ():
            if property.get("code") == "parent":
                _link(found, _code(property), code)
            elif property.get("code") == "child":
                _link(found, code, _code(property))
    return found


def _walk(roots: Iterable[Concept]) -> Iterator[tuple[Concept, str | None]]:
    """Every concept with the code it is nested in, in their order; without recursion, for nesting may be deep."""
    waiting: list[tuple[Concept, str | None]] = [(concept, None) for concept in reversed(list(roots))]
    while waiting:
        concept, parent = waiting.pop()
        yield concept, parent
        waiting += [(child, concept.get("code")) for child in reversed(concept.get("concept") or ())]


def _link(concepts: Concepts, parent: Any, child: Any) -> None:
    if isinstance(parent, str) and isinstance(child, str) and parent != child:
        concepts.below.setdefault(parent, set()).add(child)
        concepts.above.setdefault(child, set()).add(parent)


def _code(property: Mapping[str, Any]) -> Any:
    return property.get("valueCode") or property.get("valueString")


def _reached(code: str, next_: Mapping[str, set[str]]) -> set[str]:
    """What can be reached from a code, itself included; a circle ends where it began."""
    reached, fresh = {code}, {code}
    while fresh:
        fresh = {one for code in fresh for one in next_.get(code, ())} - reached
        reached |= fresh
    return reached
