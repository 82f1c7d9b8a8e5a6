"""Who takes part: authors, performers, institutions. Their numbers and names stand where they are mentioned; who they
are, the directory says."""

from __future__ import annotations

from minkang.gateways.cda.mapping.datatypes import concept, identifier, name, telecom, time
from minkang.gateways.cda.mapping.draft import Draft, Tree, kept, present
from minkang.gateways.cda.wire import Element

_ENTITIES = (
    "assignedAuthor",
    "assignedEntity",
    "associatedEntity",
    "participantRole",
    "responsibleParty",
    "relatedEntity",
)


def actor(draft: Draft, role: Element | None, kind: str = "Practitioner") -> Tree | None:
    """A reference that names a person in a role by number and words; the role's own code is kept beside it."""
    if role is None:
        return None
    numbers = [found for one in role.all("id") if (found := identifier(one))]
    person = role.first("assignedPerson") or role.first("associatedPerson") or role.first("relatedPerson")
    device = role.first("assignedAuthoringDevice")
    words = ""
    if person is not None:
        words = next((found["text"] for one in person.all("name") if (found := name(one))), "")
    elif device is not None:
        kind = "Device"
        words = " ".join(one.words().strip() for one in device.children if one.words().strip())
    house = organization(draft, role.first("representedOrganization") or role.first("scopingOrganization"))
    if not words and not numbers:
        return house
    extension = [*kept("role", valueCodeableConcept=concept(draft, role.first("code")) or {})]
    if house is not None:
        extension += kept("organization", valueReference=house)
    return present(type=kind, identifier=numbers[0] if numbers else None, display=words, extension=extension)


def organization(draft: Draft, e: Element | None) -> Tree | None:
    """A reference that names an institution, with those it is a part of: 呼吸内科, 第一人民医院."""
    if e is None:
        return None
    numbers = [found for one in e.all("id") if (found := identifier(one))]
    names = [words for one in _wholes(e) if (words := _name(one))]
    deeper = [found for one in _wholes(e)[1:] for id in one.all("id") if (found := identifier(id))]
    numbers += deeper
    if not numbers and not names:
        return None
    return present(type="Organization", identifier=numbers[0] if numbers else None, display=", ".join(names))


def _wholes(e: Element) -> list[Element]:
    """The organization, then what it is a part of, from the inside out."""
    found = [e]
    while len(found) < 10:
        outer = found[-1].down("asOrganizationPartOf", "wholeOrganization")
        if outer is None:
            break
        found.append(outer)
    return found


def _name(e: Element) -> str:
    named = e.first("name")
    return " ".join(named.words().split()) if named is not None else ""


def performers(draft: Draft, e: Element, *names: str) -> list[Tree]:
    """Everybody of these participations: `performer`, `author`, `participant`."""
    found: list[Tree] = []
    for participation in (one for one in e.children if one.name in names):
        role = next((one for one in participation.children if one.name in _ENTITIES), None)
        if role is not None and (who := actor(draft, role)) and who not in found:
            found.append(who)
    return found


def spoken(draft: Draft, e: Element) -> tuple[tuple[Tree, ...], str | None]:
    """Who says so, and when, by the authors of an element."""
    author = e.first("author")
    moment = time(draft, author.first("time")) if author is not None else None
    return tuple(performers(draft, e, "author")), moment


def relative(draft: Draft, participant: Element) -> None:
    """A contact or guardian in the header (ECON, GUARD, NOK) to RelatedPerson."""
    role = participant.first("associatedEntity")
    if role is None or not draft.patient:
        return
    person = role.first("associatedPerson")
    names = [found for one in (person.all("name") if person else ()) if (found := name(one))]
    numbers = [found for one in role.all("telecom") if (found := telecom(one))]
    code = concept(draft, role.first("code"))
    if not names and not numbers:
        return
    draft.add(
        "RelatedPerson",
        (role.get("classCode"), names[0]["text"] if names else ""),
        patient={"reference": draft.patient},
        relationship=[code] if code else None,
        name=names,
        telecom=numbers,
    )
