"""The statements of an entry, one after the other, to resources: by template, else by their name and mood.

entry → statement → target (data: templates.toml) → builder → `Type/id`; what is inside it, likewise, within it
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from minkang.gateways.cda.mapping.datatypes import concept, identifier, moment
from minkang.gateways.cda.mapping.draft import Context, Draft, Tree, kept
from minkang.gateways.cda.mapping.people import performers, spoken
from minkang.gateways.cda.mapping.tables import targets
from minkang.gateways.cda.wire import Element

STATEMENTS = frozenset(
    {"observation", "organizer", "procedure", "substanceAdministration", "act", "supply", "encounter"}
)
LINKS = frozenset({"entryRelationship", "entryReationship", "component", "entry"})
"""What holds statements inside another; the second is how a widespread sample misspells the first."""

_ASIDE = frozenset({"reference", "precondition", "referenceRange", "specimen", "subject"})

Builder = Callable[[Draft, Element, Context], str]

BUILDERS: dict[str, Builder] = {}
"""Filled by the modules that build (`targets`)."""


def builds(*names: str) -> Callable[[Builder], Builder]:
    def known(builder: Builder) -> Builder:
        BUILDERS.update(dict.fromkeys(names, builder))
        return builder

    return known


def inner(e: Element) -> Iterator[Element]:
    """The statements directly inside."""
    for child in e.children:
        if child.name in STATEMENTS:
            yield child
        elif child.name in LINKS:
            yield from (one for one in child.children if one.name in STATEMENTS)


def target_of(e: Element) -> str:
    for one in e.all("templateId"):
        found = targets().get(one.get("root"))
        if found:
            return found
    mood = e.get("moodCode") or "EVN"
    if mood == "GOL":
        return "goal"
    if mood != "EVN" and e.name in ("observation", "procedure", "act", "encounter"):
        return "request"
    return e.name


def take(draft: Draft, e: Element, context: Context) -> list[str]:
    """What is made of a statement and of all inside it, itself first."""
    builder = BUILDERS.get(target_of(e))
    if builder is None:
        return within(draft, e, context)
    made = builder(draft, e, context)
    return [made] if made else []


def within(draft: Draft, e: Element, context: Context, skip: frozenset[int] | set[int] = frozenset()) -> list[str]:
    """What is made of the statements inside, but for those (by id()) that their builder read itself."""
    return [one for child in inner(e) if id(child) not in skip for one in take(draft, child, context)]


def rest(draft: Draft, e: Element, context: Context, made: str, skip: set[int] | frozenset[int] = frozenset()) -> None:
    """The statements inside, as parts of what was made."""
    _, said = spoken(draft, e)
    inside = context.inside(made, moment(draft, e.first("effectiveTime")) or said)
    within(draft, e, inside, skip)


def about(draft: Draft, e: Element, context: Context, *, skip: tuple[str, ...] = ()) -> list[Tree]:
    """The extensions that any resource of a statement has: its own numbers' parent, codes without an element."""
    found: list[Tree] = []
    if context.within:
        found += kept("within", valueReference={"reference": context.within})
    for name in ("priorityCode", "approachSiteCode", "administrationUnitCode", "methodCode"):
        if name not in skip:
            for one in e.all(name):
                found += kept(name, valueCodeableConcept=concept(draft, one) or {})
    found += participants(draft, e) if "participant" not in skip else []
    for link in (one for one in e.children if one.name in _ASIDE):
        found += _codes(draft, link)
    return found


def participants(draft: Draft, e: Element) -> list[Tree]:
    """Devices, places, products and people that take part, with their codes."""
    found: list[Tree] = []
    for one in e.all("participant"):
        role = one.first("participantRole")
        if role is None:
            continue
        entities = [part for part in role.children if part.name in ("playingEntity", "playingDevice", "scopingEntity")]
        for part in (role, *entities):
            found += kept("participant", valueCodeableConcept=concept(draft, part.first("code")) or {})
            named = part.first("name")
            if named is not None and part is not role:
                found += kept("participant-name", valueString=named.words().strip())
        for number in role.all("id"):
            found += kept("participant-id", valueIdentifier=identifier(number) or {})
    return found


def _codes(draft: Draft, e: Element) -> list[Tree]:
    """Every code below an element that has no place of its own."""
    found: list[Tree] = []
    for child in e.children:
        if child.name in STATEMENTS:
            continue
        if child.get("code") and child.get("codeSystem"):
            found += kept(f"{e.name}-{child.name}", valueCodeableConcept=concept(draft, child) or {})
        found += _codes(draft, child)
    return found


def numbers(e: Element) -> list[Tree]:
    """The statement's own ids."""
    return [found for one in e.all("id") if (found := identifier(one))]


def people(draft: Draft, e: Element, context: Context) -> list[Tree]:
    """Who did it or said it."""
    return performers(draft, e, "performer", "author", "informant") or list(context.people)


def refused(e: Element) -> bool:
    """Whether the statement says that it is not so."""
    return e.get("negationInd").lower() == "true"


def status_of(e: Element) -> str:
    found = e.first("statusCode")
    return " ".join(found.get("code").split()) if found is not None else ""
