"""Authors, performers and institutions to their participations. The inverse of `mapping/people.py`."""

from __future__ import annotations

from minkang.gateways.cda.mapping.draft import Tree
from minkang.gateways.cda.mapping.writing.markup import concept, identifier, kept, tag, time, words


def performer(who: Tree, function: Tree | None = None) -> str:
    inside = _role(who, "assignedPerson", function)
    return tag("performer", tag("assignedEntity", *inside), typeCode="PRF") if inside else ""


def author(who: Tree, told: str | None) -> str:
    inside = _role(who, "assignedPerson", None)
    return tag("author", time("time", told) or tag("time"), tag("assignedAuthor", *inside)) if inside else ""


def entity(name: str, who: Tree) -> str:
    """assignedEntity and its like; a person without a number gets an id that says so, for the schema wants one."""
    return tag(name, *_role(who, "assignedPerson", None), classCode="ASSIGNED")


def _role(who: Tree, person: str, function: Tree | None) -> list[str]:
    number = identifier("id", who.get("identifier"))
    house = who.get("type") == "Organization"
    name = words("name", who.get("display", ""))
    role = concept("code", function or next(iter(kept(who, "role")), None))
    place = next(iter(kept(who, "organization")), None)
    if not number and not name:
        return []
    told = tag("representedOrganization", name) if house else tag(person, name)
    return [
        number or tag("id", nullFlavor="UNK"),
        role,
        told,
        organization("representedOrganization", place) if place and not house else "",
    ]


def organization(name: str, who: Tree | None, **attributes: str) -> str:
    """Of `科室, 医院` the first is the name; the number is that of the whole."""
    if not who:
        return tag(name, tag("id", nullFlavor="UNK"), tag("name", nullFlavor="UNK"), **attributes)
    number = identifier("id", who.get("identifier"))
    return tag(name, number or tag("id", nullFlavor="UNK"), words("name", who.get("display", "")), **attributes)
