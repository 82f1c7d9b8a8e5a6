"""componentOf and the numbers of a visit to the Encounter, which all documents of one visit share."""

from __future__ import annotations

from minkang.gateways.cda.mapping.datatypes import concept, identifier, moment, period
from minkang.gateways.cda.mapping.draft import Draft, Tree, kept, present
from minkang.gateways.cda.mapping.people import actor, organization, performers
from minkang.gateways.cda.mapping.tables import codes, numbers, system
from minkang.gateways.cda.wire import Element
from minkang.platform.intake.reading import id_of

_PLACES = {"2.16.156.10011.1.22": "bed", "2.16.156.10011.1.21": "room", "2.16.156.10011.1.27": "ward"}


def encounter(draft: Draft) -> None:
    """The visit, when the header speaks of one."""
    visit = draft.document.down("componentOf", "encompassingEncounter")
    found = _numbers(draft, visit)
    if visit is None and not found:
        return
    when = period(draft, visit.first("effectiveTime")) if visit is not None else None
    start = moment(draft, visit.first("effectiveTime")) if visit is not None else None
    if not found and not start:
        return
    key = "|".join((found[0][1].get("system", ""), found[0][1]["value"])) if found else draft.set
    own = id_of(draft.sender, "Encounter", key)
    kind = _class(draft, visit, found)
    facility = visit.down("location", "healthCareFacility") if visit is not None else None
    draft.encounter = f"Encounter/{own}"
    draft.put(
        "Encounter",
        own,
        identifier=[one for _, one in found],
        status="finished" if when is None or "end" in when or kind.get("code") != "IMP" else "in-progress",
        class_=kind,
        subject={"reference": draft.patient},
        period=when or present(start=start),
        participant=_participants(draft, visit),
        hospitalization=_leaving(draft, visit),
        location=_location(draft, facility),
        serviceProvider=_provider(draft, facility) or _keeper(draft),
    )


def _keeper(draft: Draft) -> Tree | None:
    """A hospital keeps the documents of its own visits: so the custodian stands in, where the header names no place.
    Elsewhere than in Chinese documents somebody else may keep them."""
    if draft.kind is None:
        return None
    keeper = draft.document.down("custodian", "assignedCustodian", "representedCustodianOrganization")
    return organization(draft, keeper)


def _numbers(draft: Draft, visit: Element | None) -> list[tuple[str, Tree]]:
    role = draft.document.down("recordTarget", "patientRole")
    mine = [one for one in (role.all("id") if role is not None else ()) if _row(one).get("whose") == "visit"]
    mine += list(visit.all("id")) if visit is not None else []
    return [(one.get("root"), found) for one in mine if (found := identifier(one))]


def _row(e: Element) -> dict[str, str]:
    return dict(numbers().get(e.get("root"), {}))


def _class(draft: Draft, visit: Element | None, found: list[tuple[str, Tree]]) -> Tree:
    said = visit.first("code") if visit is not None else None
    code = codes("visit-class", said.get("code")) if said is not None else None
    if code is None:
        known = [row["class"] for root, _ in found if "class" in (row := numbers().get(root, {}))]
        code = known[0] if known else None
    if code is not None:
        return {"system": system("visit-class"), "code": code}
    if said is not None and (other := concept(draft, said)) and other.get("coding"):
        return other["coding"][0]
    return {"system": "http://terminology.hl7.org/CodeSystem/v3-NullFlavor", "code": "UNK"}


def _participants(draft: Draft, visit: Element | None) -> list[Tree]:
    if visit is None:
        return []
    found = performers(draft, visit, "encounterParticipant")
    responsible = visit.down("responsibleParty", "assignedEntity")
    who = actor(draft, responsible)
    return [{"individual": one} for one in [*([who] if who else []), *found] if one.get("type") == "Practitioner"]


def _leaving(draft: Draft, visit: Element | None) -> Tree:
    return present(
        dischargeDisposition=concept(draft, visit.first("dischargeDispositionCode")) if visit is not None else None
    )


def _location(draft: Draft, facility: Element | None) -> list[Tree]:
    """Ward, room and bed in words: the numbers of beds are those of an organization in the Chinese schema."""
    if facility is None:
        return []
    named = facility.down("location", "name")
    words = " ".join(named.words().split()) if named is not None else ""
    house = facility.first("serviceProviderOrganization")
    told = organization(draft, house)
    words = words or (told.get("display", "") if told else "")
    code = concept(draft, facility.first("code"))
    return (
        [present(location={"display": words}, extension=kept("place", valueCodeableConcept=code or {}))]
        if words
        else []
    )


def _provider(draft: Draft, facility: Element | None) -> Tree | None:
    """The hospital: the outermost organization of the place."""
    house = facility.first("serviceProviderOrganization") if facility is not None else None
    found: Tree | None = None
    for _ in range(10):
        if house is None:
            break
        number = [one for id in house.all("id") if (one := identifier(id)) and id.get("root") not in _PLACES]
        named = house.first("name")
        words = " ".join(named.words().split()) if named is not None else ""
        if words or number:
            found = present(type="Organization", identifier=number[0] if number else None, display=words)
        house = house.down("asOrganizationPartOf", "wholeOrganization")
    return found
