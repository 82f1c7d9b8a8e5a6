"""One version of a code system as operations see it: its concepts in order, with what supplements add to them.

http://hl7.org/fhir/R4/codesystem.html; properties are known by their uri where a system calls them otherwise
(http://hl7.org/fhir/concept-properties#notSelectable, #inactive).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from minkang.fhir.problem import Incorrect
from minkang.fhir.resource import Resource
from minkang.fhir.terminology.hierarchy import Concept, Concepts, concepts_of

_WELL_KNOWN = "http://hl7.org/fhir/concept-properties#"


@dataclass
class Edition:
    """A CodeSystem resource, read once."""

    resource: Resource
    supplements: Sequence[Resource] = ()
    _added: dict[str, list[Concept]] = field(default_factory=dict[str, list[Concept]])

    def __post_init__(self) -> None:
        for supplement in self.supplements:
            for code, concept in concepts_of(supplement).by_code.items():
                self._added.setdefault(code, []).append(concept)

    @property
    def url(self) -> str:
        return str(self.resource.get("url") or "")

    @property
    def version(self) -> str | None:
        return self.resource.get("version")

    @cached_property
    def concepts(self) -> Concepts:
        return concepts_of(self.resource)

    @cached_property
    def _folded(self) -> dict[str, str]:
        return {code.casefold(): code for code in self.concepts.by_code}

    def own(self, code: str) -> str | None:
        """The code as the system writes it; case counts only where the system says so. None for an unknown one."""
        if code in self.concepts.by_code:
            return code
        return self._folded.get(code.casefold()) if self.resource.get("caseSensitive") is False else None

    def property_code(self, name: str) -> str:
        """What the system calls a well-known property."""
        for one in self.resource.get("property") or ():
            if one.get("uri") == _WELL_KNOWN + name and one.get("code"):
                return str(one["code"])
        return name

    def properties(self, code: str) -> list[Mapping[str, Any]]:
        own: list[Mapping[str, Any]] = list(self.concepts.by_code[code].get("property") or ())
        return own + [one for added in self._added.get(code, ()) for one in added.get("property") or ()]

    def designations(self, code: str) -> list[Mapping[str, Any]]:
        own: list[Mapping[str, Any]] = list(self.concepts.by_code[code].get("designation") or ())
        return own + [one for added in self._added.get(code, ()) for one in added.get("designation") or ()]

    def is_abstract(self, code: str) -> bool:
        return any(value is True for value in self._values(code, "notSelectable"))

    def is_inactive(self, code: str) -> bool:
        if any(value is True for value in self._values(code, "inactive")):
            return True
        return self.status(code) in ("retired", "inactive")

    def status(self, code: str) -> str | None:
        return next((str(value) for value in self._values(code, "status")), None)

    def _values(self, code: str, name: str) -> Iterable[Any]:
        wanted = self.property_code(name)
        for one in self.properties(code):
            if one.get("code") == wanted:
                yield next((value for key, value in one.items() if key.startswith("value")), None)

    def display(self, code: str, languages: Sequence[str] = ()) -> str | None:
        """The display in the first of these languages that there is one for; else the system's own."""
        own: str | None = self.concepts.by_code[code].get("display")
        for language in languages:
            if language == NOTHING_ELSE:
                return None
            if language == "*" or speaks(self.resource.get("language"), language):
                return own
            for one in self.designations(code):
                if speaks(one.get("language"), language) and one.get("value"):
                    return str(one["value"])
        return own

    def displays(self, code: str, languages: Sequence[str] = ()) -> list[str]:
        """Every text that may stand for the code; with languages only those in one of them or in none."""
        own = {"language": self.resource.get("language"), "value": self.concepts.by_code[code].get("display")}
        found = [own, *self.designations(code)]
        if any(languages) and "*" not in languages:
            spoken = [one for one in found if any(speaks(one.get("language"), want) for want in languages if want)]
            found = spoken + [one for one in found if not one.get("language")] or found
        return [text for one in found if isinstance(text := one.get("value"), str)]


NOTHING_ELSE = ""
"""At the end of the languages: no text rather than one in another language (`*;q=0`)."""

_LANGUAGE = re.compile(r"\*|[A-Za-z]{1,8}(-[A-Za-z0-9]{1,8})*")


def speaks(language: Any, wanted: str) -> bool:
    """Whether a text in `language` answers a wish: `zh` is answered by `zh-CN`, case does not count (RFC 4647)."""
    if not isinstance(language, str):
        return False
    have, want = language.casefold(), wanted.casefold()
    return have == want or have.startswith(want + "-")


def languages_of(text: str | None) -> tuple[str, ...]:
    """`displayLanguage` or Accept-Language: languages by weight, unwanted ones (q=0) left out. Raises Incorrect."""
    found: list[tuple[float, int, str]] = []
    is_all = True
    for place, part in enumerate((text or "").split(",")[:20]):
        name, _, weight = part.partition(";")
        matched = re.fullmatch(r"\s*q=([01](?:\.\d{0,3})?)\s*", weight)
        value = float(matched[1]) if matched else 1.0
        if name.strip() and not _LANGUAGE.fullmatch(name.strip()):
            raise Incorrect(f"The language {name.strip()[:32]!r} is not a code as of BCP 47.")
        if name.strip() and value > 0:
            found.append((-value, place, name.strip()))
        is_all = is_all and not (name.strip() == "*" and value == 0)
    return (*(name for _, _, name in sorted(found)), *(() if is_all else (NOTHING_ELSE,)))


def is_version(have: str | None, wanted: str) -> bool:
    """Whether a business version is the wanted one; `x` and `*` stand for any part, a shorter one for all below it."""
    if have is None:
        return not wanted
    ours, theirs = have.split("."), wanted.split(".")
    if len(theirs) > len(ours):
        return False
    same = all(theirs[n] in ("x", "X", "*", ours[n]) for n in range(len(theirs)))
    return same and (len(theirs) == len(ours) or theirs[-1] in ("x", "X", "*"))
