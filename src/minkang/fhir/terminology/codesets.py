"""Sets of codes as value sets make them: single codes, and code systems as a whole.

A system that is included as a whole cannot be listed where its codes are not known here, so it stands for itself, less
what was excluded from it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

Code = tuple[str, str]
"""System and code."""


@dataclass(frozen=True, slots=True)
class CodeSet:
    """`codes`; every code of `systems`, but not those in `but`."""

    codes: frozenset[Code] = frozenset()
    systems: frozenset[str] = frozenset()
    but: frozenset[Code] = frozenset()

    def __contains__(self, code: Code) -> bool:
        return code in self.codes or (code[0] in self.systems and code not in self.but)

    def __or__(self, other: CodeSet) -> CodeSet:
        but = {code for code in self.but if code not in other} | {code for code in other.but if code not in self}
        return CodeSet(self.codes | other.codes, self.systems | other.systems, frozenset(but))

    def __and__(self, other: CodeSet) -> CodeSet:
        codes = {code for code in self.codes if code in other} | {code for code in other.codes if code in self}
        systems = self.systems & other.systems
        return CodeSet(frozenset(codes), systems, _within(self.but | other.but, systems))

    def __sub__(self, other: CodeSet) -> CodeSet:
        systems = self.systems - other.systems
        codes = {code for code in self.codes if code not in other}
        # Of a system that goes as a whole stays what the other one had left out.
        codes |= {code for code in other.but if code in self and code not in other}
        return CodeSet(frozenset(codes), systems, _within(self.but | other.codes, systems))


def codes_of(system: str, codes: Iterable[str]) -> CodeSet:
    return CodeSet(frozenset((system, code) for code in codes))


def union(sets: Iterable[CodeSet]) -> CodeSet:
    """All of them together, in one go: value sets have up to thousands of parts."""
    result = CodeSet()
    listed: set[Code] = set()
    for one in sets:
        if one.systems:
            result = result | CodeSet(frozenset(), one.systems, one.but)
        listed |= one.codes
    return result | CodeSet(frozenset(listed))


def _within(codes: frozenset[Code], systems: frozenset[str]) -> frozenset[Code]:
    return frozenset(code for code in codes if code[0] in systems)
