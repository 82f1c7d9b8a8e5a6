"""Which codes a value set holds, from ValueSet and CodeSystem resources (http://hl7.org/fhir/R4/valueset.html#compositions).

An include has all its conditions met (system, concepts, filters, other value sets), includes are united, what is
excluded is taken away. Bounded in codes and in resources that it may ask for. A value set without `compose` holds what
its stored `expansion` lists.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from minkang.fhir.problem import Incorrect, TooCostly
from minkang.fhir.resource import Resource
from minkang.fhir.terminology.asking import Asking, Need
from minkang.fhir.terminology.codesets import Code, CodeSet, codes_of, union
from minkang.fhir.terminology.filters import filtered
from minkang.fhir.terminology.hierarchy import Concepts, concepts_of, is_inactive

MOST_CODES = 10_000
"""Codes one value set may hold for a search."""

MOST_NEEDS = 200
"""Value sets and code systems one expansion may ask for."""

_ID = re.compile(r"ValueSet/([A-Za-z0-9.\-]{1,64})")


@dataclass(slots=True)
class _Expansion:
    """One expansion under way: what was asked and expanded (nothing is twice), and the value sets it stands inside."""

    answered: dict[Need, Sequence[Resource]] = field(default_factory=dict[Need, Sequence[Resource]])
    sets: dict[str, CodeSet] = field(default_factory=dict[str, CodeSet])
    concepts: dict[str, Concepts | None] = field(default_factory=dict[str, Concepts | None])
    inside: list[str] = field(default_factory=list[str])


def codes_in(name: str) -> Asking[CodeSet]:
    """Codes of the value set of this name: `url`, `url|version` or `ValueSet/id`.

    Raises Incorrect for one that is not here, TooCostly for one that holds too much, Unsupported for its filters.
    """
    return (yield from _value_set(_Expansion(), name))


def codes_around(system: str, code: str, *, above: bool) -> Asking[CodeSet]:
    """The code itself and all that lie under it in its code system; or that it lies under."""
    concepts = yield from _concepts(_Expansion(), system)
    if concepts is None:
        raise _absent("CodeSystem", system, "with its concepts ")
    if code not in concepts.by_code:
        raise Incorrect(f"The CodeSystem {system[:200]} has no code {code[:64]!r}.")
    found = concepts.over(code) if above else concepts.under(code)
    return bounded(codes_of(system, found), f"{system}|{code}")


def _value_set(expansion: _Expansion, name: str) -> Asking[CodeSet]:
    if name in expansion.sets:
        return expansion.sets[name]
    named = _ID.fullmatch(name)
    need = Need("ValueSet", ids=(named[1],)) if named else Need("ValueSet", url=name.partition("|")[0])
    found = yield from _ask(expansion, need)
    resource = newest(found, "" if named else name.partition("|")[2])
    if resource is None:
        raise _absent("ValueSet", name)
    key = f"ValueSet/{resource.get('id')}"
    if key in expansion.inside:
        raise Incorrect(f"The value set {name[:200]} includes itself.")
    expansion.inside.append(key)
    codes = yield from _composed(expansion, resource)
    expansion.inside.pop()
    expansion.sets[name] = bounded(codes, name)
    return expansion.sets[name]


def _composed(expansion: _Expansion, resource: Resource) -> Asking[CodeSet]:
    compose = resource.get("compose")
    if compose is None:
        return CodeSet(frozenset(_contained((resource.get("expansion") or {}).get("contains") or ())))
    included: list[CodeSet] = []
    for part in compose.get("include") or ():
        included.append((yield from _part(expansion, part)))
    excluded: list[CodeSet] = []
    for part in compose.get("exclude") or ():
        excluded.append((yield from _part(expansion, part)))
    codes = union(included) - union(excluded)
    return (yield from _active(expansion, codes)) if compose.get("inactive") is False else codes


def _active(expansion: _Expansion, codes: CodeSet) -> Asking[CodeSet]:
    """Without the concepts that are no more in use, as far as their code system is here."""
    inactive: set[Code] = set()
    for system in sorted({system for system, _ in codes.codes} | codes.systems):
        concepts = yield from _concepts(expansion, system)
        if concepts is not None:
            inactive |= {(system, code) for code, concept in concepts.by_code.items() if is_inactive(concept)}
    return codes - CodeSet(frozenset(inactive))


def _part(expansion: _Expansion, part: Mapping[str, Any]) -> Asking[CodeSet]:
    """One include or exclude: what meets all it says."""
    codes: CodeSet | None = None
    if part.get("system"):
        codes = yield from _of_system(expansion, part)
    for name in part.get("valueSet") or ():
        other = yield from _value_set(expansion, name)
        codes = other if codes is None else codes & other
    return codes or CodeSet()


def _of_system(expansion: _Expansion, part: Mapping[str, Any]) -> Asking[CodeSet]:
    system: str = part["system"]
    if part.get("concept"):
        return codes_of(system, (concept["code"] for concept in part["concept"] if concept.get("code")))
    concepts = yield from _concepts(expansion, f"{system}|{part['version']}" if part.get("version") else system)
    if part.get("filter"):
        if concepts is None:
            raise _absent("CodeSystem", system, "with its concepts ")
        found = set(concepts.by_code)
        for filter in part["filter"]:
            found &= filtered(concepts, filter)
        return codes_of(system, found)
    if concepts is None or len(concepts.by_code) > MOST_CODES:
        return CodeSet(systems=frozenset({system}))
    return codes_of(system, concepts.by_code)


def _concepts(expansion: _Expansion, system: str) -> Asking[Concepts | None]:
    """Concepts of a code system; None when it is not here, or not with all its concepts."""
    if system not in expansion.concepts:
        found = yield from _ask(expansion, Need("CodeSystem", url=system.partition("|")[0]))
        whole = [one for one in found if one.get("content") == "complete"]
        resource = newest(whole, system.partition("|")[2])
        expansion.concepts[system] = concepts_of(resource) if resource is not None else None
    return expansion.concepts[system]


def _ask(expansion: _Expansion, need: Need) -> Asking[Sequence[Resource]]:
    if need not in expansion.answered:
        if len(expansion.answered) == MOST_NEEDS:
            raise TooCostly(f"The value set is made of more than {MOST_NEEDS} others and code systems.")
        expansion.answered[need] = yield need
    return expansion.answered[need]


def newest(found: Sequence[Resource], version: str) -> Resource | None:
    """The resource meant where several have one url: of this business version, or of the highest."""
    meant = [one for one in found if not version or one.get("version") == version]
    return max(meant, key=_rank, default=None)


def _rank(resource: Resource) -> tuple[Any, ...]:
    parts = re.findall(r"\d+|\D+", (resource.get("version") or "")[:64])
    version = [(1, int(part), "") if part.isdecimal() else (0, 0, part) for part in parts]
    return resource.get("status") != "retired", version, resource.get("id") or ""


def _contained(contains: Iterable[Mapping[str, Any]]) -> Iterator[Code]:
    """Codes of an expansion, nested ones too."""
    waiting = list(contains)
    while waiting:
        one = waiting.pop()
        if one.get("system") and one.get("code") and not one.get("abstract"):
            yield one["system"], one["code"]
        waiting += one.get("contains") or ()


def bounded(codes: CodeSet, name: str) -> CodeSet:
    """Raises TooCostly for a set that no search should carry."""
    if len(codes.codes) > MOST_CODES:
        raise TooCostly(f"{name[:200]} holds more than {MOST_CODES} codes; search with a smaller value set.")
    return codes


def _absent(type: str, name: str, how: str = "") -> Incorrect:
    return Incorrect(
        f"The {type} {name[:200]} is not stored here; send it {how}first (PUT {type}/[id], or in a bundle)."
    )
