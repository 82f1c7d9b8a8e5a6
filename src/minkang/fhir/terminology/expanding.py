"""`ValueSet/$expand`: http://hl7.org/fhir/R4/valueset-operation-expand.html."""

from __future__ import annotations

import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from minkang.fhir.pinyin import readings
from minkang.fhir.problem import TooCostly
from minkang.fhir.resource import Resource
from minkang.fhir.terminology.asking import Asking
from minkang.fhir.terminology.composing import Member, Work, members
from minkang.fhir.terminology.editions import NOTHING_ELSE

MOST_SHOWN = 10_000
"""Codes in one answer; more are read page by page."""

_MOST_LETTERS = 40
"""Of a word that may be pinyin: what is longer costs more than it tells."""

_KEPT = ("url", "identifier", "version", "name", "title", "status", "experimental", "date", "publisher", "description")
_PROPERTY = "http://hl7.org/fhir/5.0/StructureDefinition/extension-ValueSet.expansion.contains.property"
_UNCLOSED = "http://hl7.org/fhir/StructureDefinition/valueset-unclosed"


@dataclass(frozen=True, slots=True)
class Asked:
    """What the caller wants of the expansion; `told` are the parameters as the answer repeats them."""

    filter: str | None = None
    offset: int = 0
    count: int | None = None
    languages: tuple[str, ...] = ()
    active_only: bool = False
    designations: bool = False
    definition: bool = False
    designated: tuple[str, ...] = ()
    properties: tuple[str, ...] = ()
    only_for_users: bool = False
    told: tuple[Mapping[str, Any], ...] = ()


def expand(work: Work, resource: Resource, asked: Asked, now: str) -> Asking[Resource]:
    """The value set with its expansion. Raises NotFound, TooCostly, Unprocessable, Unsupported."""
    for name in work.wishes.supplements:
        yield from work.supplement(name)
    found = [one for one in (yield from members(work, resource)).values() if _is_wanted(one, asked)]
    if asked.filter:
        ranked = [(rank, one) for one in found if (rank := rank_of(one, asked.filter)) is not None]
        found = [one for _, one in sorted(ranked, key=lambda pair: pair[0])]
    page = found[asked.offset :] if asked.count is None else found[asked.offset : asked.offset + asked.count]
    if len(page) > MOST_SHOWN:
        raise TooCostly(f"The value set has {len(found)} codes; ask for a page (offset, count) or by a filter.")
    used = [{"name": kind, "valueUri": name} for kind, name in work.used]
    expansion: dict[str, Any] = {"identifier": f"urn:uuid:{uuid.uuid4()}", "timestamp": now, "total": len(found)}
    if asked.count is not None or asked.offset:
        expansion["offset"] = asked.offset
    fragments = [one for one in work.editions.values() if one is not None and one.resource.get("content") != "complete"]
    if fragments:
        expansion = {"extension": [{"url": _UNCLOSED, "valueBoolean": True}], **expansion}
        used += [{"name": "used-fragment", "valueUri": f"{one.url}|{one.version}"} for one in fragments]
    if asked.told or used:
        expansion["parameter"] = [*asked.told, *used]
    if page:
        expansion["contains"] = [shown(one, asked) for one in page]
    kept = (*_KEPT, "compose") if asked.definition else _KEPT
    return {"resourceType": "ValueSet"} | {k: resource[k] for k in kept if k in resource} | {"expansion": expansion}


def _is_wanted(member: Member, asked: Asked) -> bool:
    if member.edition is not None and not member.is_known:
        return False  # of a fragment everything that is enumerated may exist, but here nothing vouches for it
    if asked.only_for_users and member.is_abstract:
        return False
    return not (asked.active_only and member.is_inactive)


def shown(member: Member, asked: Asked) -> dict[str, Any]:
    """One line of `contains`."""
    line: dict[str, Any] = {"system": member.system}
    if member.is_abstract:
        line["abstract"] = True
    if member.is_inactive:
        line["inactive"] = True
    if member.version is not None:
        line["version"] = member.version
    line["code"] = member.code
    display = display_of(member, asked.languages)
    if display:
        line["display"] = display
    if asked.designations or asked.designated:
        designations = [one for one in _designations(member) if _is_asked(one, asked)]
        if designations:
            line["designation"] = designations
    properties = [_property(one) for one in _properties(member) if one.get("code") in asked.properties]
    return {"extension": properties} | line if properties else line


def _properties(member: Member) -> list[Mapping[str, Any]]:
    return member.edition.properties(member.code) if member.edition is not None and member.is_known else []


def _property(one: Mapping[str, Any]) -> dict[str, Any]:
    """R5's `contains.property` as an extension of R4 (http://hl7.org/fhir/5.0/versions.html#extensions)."""
    value = {key: value for key, value in one.items() if key.startswith("value")}
    return {"url": _PROPERTY, "extension": [{"url": "code", "valueCode": one.get("code")}, {"url": "value", **value}]}


def display_of(member: Member, languages: tuple[str, ...]) -> str | None:
    """In the language asked for, then as the value set says, then as the code system says."""
    if member.edition is None or not member.is_known:
        return member.display
    if not languages:
        return member.display or member.edition.display(member.code)
    own = {str(one.get("language", "")).casefold(): one.get("value") for one in member.designations}
    for language in languages:
        if own.get(language.casefold()):
            return str(own[language.casefold()])
    said = member.edition.display(member.code, languages)
    if said is None and languages[-1] == NOTHING_ELSE:
        return None
    return said if said != member.edition.display(member.code) else member.display or said


def _designations(member: Member) -> list[Mapping[str, Any]]:
    own = list(member.designations)
    if member.edition is not None and member.is_known:
        own += [one for one in member.edition.designations(member.code) if one not in own]
    return own


def _is_asked(designation: Mapping[str, Any], asked: Asked) -> bool:
    """`designation` names languages (`zh`, `urn:ietf:bcp:47|zh`) or uses (`system|code`)."""
    if not asked.designated:
        return True
    use = designation.get("use") or {}
    names = {designation.get("language"), f"urn:ietf:bcp:47|{designation.get('language')}"}
    return not names.isdisjoint(asked.designated) or f"{use.get('system')}|{use.get('code')}" in asked.designated


def rank_of(member: Member, text: str) -> tuple[int, int] | None:
    """How well a code answers what was typed, lower is better; None where it does not.

    Every word must be found: at the start of the code, anywhere in a text, or as the initials or syllables of its
    Chinese characters (`gxb`, `guanxinbing` for 冠心病).
    """
    texts = [text for text in (member.display,) if text]
    if member.edition is not None and member.is_known:
        texts += member.edition.displays(member.code)
    words = text.casefold().split()
    ranks = [min(_rank(word, member.code, one) for one in texts or [""]) for word in words]
    worst = max(ranks, default=0)
    return None if worst == 9 else (worst, min((len(one) for one in texts), default=0))


def _rank(word: str, code: str, text: str) -> int:
    folded, own = text.casefold(), code.casefold()
    if word in (folded, own):
        return 0
    if own.startswith(word) or folded.startswith(word):
        return 1
    if word in folded:
        return 2 if re.search(rf"\b{re.escape(word)}", folded) else 3
    if word.isascii() and word.isalpha() and len(word) <= _MOST_LETTERS and not text.isascii():
        return 4 if spelled(word, text) else 9
    return 9


@lru_cache(maxsize=20_000)
def _sounds(char: str) -> tuple[str, ...]:
    """The ways to type a character: whole syllables and their initials."""
    return tuple({part for full in readings(char) for part in (full, full[0])})


def spelled(word: str, text: str) -> bool:
    """Whether letters spell a run of the characters, each by its initial or a whole syllable."""
    sounds = [_sounds(char) for char in text[:100]]
    places = {(start, 0) for start, ways in enumerate(sounds) if any(way[0] == word[0] for way in ways)}
    while places:
        place, done = places.pop()
        if done == len(word):
            return True
        if place < len(sounds):
            places |= {(place + 1, done + len(one)) for one in sounds[place] if word.startswith(one, done)}
            if any(full.startswith(word[done:]) for full in sounds[place]):
                return True
    return False
