"""procedure and act to Procedure."""

from __future__ import annotations

from minkang.gateways.cda.mapping.datatypes import concept, when
from minkang.gateways.cda.mapping.draft import Context, Draft, Tree, kept, present
from minkang.gateways.cda.mapping.groups import Gathered, grouped
from minkang.gateways.cda.mapping.people import actor, performers
from minkang.gateways.cda.mapping.statements import about, builds, numbers, people, refused, rest, status_of
from minkang.gateways.cda.mapping.tables import codes
from minkang.gateways.cda.wire import Element


@grouped("procedure")
def operation(draft: Draft, group: Gathered, context: Context) -> str:
    """手术(操作): the code of the element, with the name, site, wound and anaesthesia that stand inside."""
    e = group.first
    code = concept(draft, e.first("code"))
    words = group.words(draft, "name")
    if code is not None and words:
        code["text"] = words
    site = group.concept(draft, "site") or (
        {"text": group.words(draft, "site")} if group.words(draft, "site") else None
    )
    team = _team(draft, e, group)
    details = ("anaesthesia", "level", "wound", "healing", "device", "description")
    return draft.add(
        "Procedure",
        (context.section, words or (code or {}).get("coding", [{}])[0].get("code", "")),
        extension=[
            *about(draft, e, context, skip=("participant",)),
            *(one for name in details for one in _detail(draft, group, name)),
        ],
        identifier=numbers(e),
        status="completed",
        code=code or {"text": words or context.title or context.section},
        subject={"reference": draft.patient},
        encounter={"reference": draft.encounter} if draft.encounter else None,
        **(when(draft, e.first("effectiveTime"), "performedDateTime", "performedPeriod") or _time(context)),
        performer=team,
        bodySite=[one for one in (concept(draft, e.first("targetSiteCode")), site) if one],
    )


def _detail(draft: Draft, group: Gathered, name: str) -> list[Tree]:
    """What stands inside under a data element of its own, coded or in words."""
    coded = group.concept(draft, name)
    if coded:
        return kept(name, valueCodeableConcept=coded)
    return kept(name, valueString=group.words(draft, name))


def _time(context: Context) -> Tree:
    return {"performedDateTime": context.time} if context.time else {}


def _team(draft: Draft, e: Element, group: Gathered) -> list[Tree]:
    """Surgeon, assistants, nurses, anaesthetist: each with the role that the document names."""
    team: list[Tree] = []
    roles = [one.first("assignedEntity") for one in e.all("performer")]
    roles += [one.first("participantRole") for one in e.all("participant")]
    narcotic = group.parts.get("anaesthesia")
    roles += [one.first("assignedEntity") for one in narcotic.all("performer")] if narcotic is not None else []
    for role in roles:
        who = actor(draft, _playing(role))
        if who is not None and role is not None:
            team.append(present(function=concept(draft, role.first("code")), actor=who))
    return team


def _playing(role: Element | None) -> Element | None:
    """participantRole names its person as playingEntity; read like an assignedPerson."""
    entity = role.first("playingEntity") if role is not None else None
    if role is None or entity is None:
        return role
    person = Element("assignedPerson", entity.space, entity.line, {}, children=entity.children)
    return Element(role.name, role.space, role.line, role.attributes, children=[*role.children, person])


@builds("procedure", "act")
def procedure(draft: Draft, e: Element, context: Context) -> str:
    """Something that was done; an observation that a procedure template calls one has a value, too."""
    code = concept(draft, e.first("code"))
    text = e.first("text")
    words = draft.referred(text) if text is not None else ""
    value = e.first("value")
    status = codes("event-status", status_of(e)) or "completed"
    made = draft.add(
        "Procedure",
        (context.section, *(n["value"] for n in numbers(e)[:1])),
        extension=[
            *about(draft, e, context),
            *kept("value", valueCodeableConcept=(concept(draft, value) or {}) if value is not None else {}),
        ],
        identifier=numbers(e),
        status="not-done" if refused(e) else status,
        code=code or {"text": words or context.title or e.name},
        subject={"reference": draft.patient},
        encounter={"reference": draft.encounter} if draft.encounter else None,
        **(when(draft, e.first("effectiveTime"), "performedDateTime", "performedPeriod") or _time(context)),
        performer=[{"actor": one} for one in performers(draft, e, "performer")],
        asserter=next((one for one in people(draft, e, context) if one.get("type") == "Practitioner"), None),
        bodySite=[found for one in e.all("targetSiteCode") if (found := concept(draft, one))],
        note=[{"text": words}] if words and code else None,
    )
    rest(draft, e, context, made)
    return made
