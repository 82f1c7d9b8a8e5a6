"""The document itself to Composition: what it is, who wrote, signed and keeps it, its sections."""

from __future__ import annotations

from minkang.gateways.cda.mapping.datatypes import coding, concept, identifier, period, time
from minkang.gateways.cda.mapping.draft import Context, Draft, Tree, kept, present
from minkang.gateways.cda.mapping.groups import Gatherer, statements
from minkang.gateways.cda.mapping.narrative import narrative
from minkang.gateways.cda.mapping.people import actor, organization, performers, spoken
from minkang.gateways.cda.mapping.statements import take
from minkang.gateways.cda.mapping.tables import Section, sections
from minkang.gateways.cda.wire import Element
from minkang.platform.intake.documents import RELATIONS

RELATION = {"RPLC": "replace", "APND": "append", "XFRM": "transform"}
MAX_NESTED = 20


def composition(draft: Draft) -> list[str]:
    """The Composition goes in; what its sections brought comes back, in order."""
    document = draft.document
    people, said = spoken(draft, document)
    written = time(draft, document.first("effectiveTime"))
    title = _title(draft, document)
    # First, so that it stands before what it is made of; its sections are filled in below.
    kind, id = draft.composition.split("/")
    draft.put(
        kind,
        id,
        identifier=_own(document),
        status="final",
        type=type_of(draft, document) or {"text": title},
        subject={"reference": draft.patient},
        encounter={"reference": draft.encounter} if draft.encounter else None,
        date=written or said,
        author=list(people) or _keeper(draft, document) or [{"display": "unknown"}],
        title=title,
        confidentiality=_confidentiality(document),
        attester=_attesters(draft, document),
        custodian=custodian(draft, document),
        relatesTo=_related(document),
        event=_events(draft, document),
        extension=_more(draft, document),
    )
    context = Context(time=_service_time(draft) or said or written, people=people)
    found: list[Tree] = []
    made: list[str] = []
    for e in sections_of(document):
        found.append(_section(draft, e, context, made, 0))
    draft.resources[draft.composition] |= present(section=[one for one in found if one])
    return made


def _own(document: Element) -> Tree | None:
    e = document.first("id")
    return identifier(e) if e is not None else None


def type_of(draft: Draft, document: Element) -> Tree | None:
    found = concept(draft, document.first("code"))
    if found is not None and draft.kind is not None:
        found["text"] = draft.kind.title
    return found


def _title(draft: Draft, document: Element) -> str:
    e = document.first("title")
    words = " ".join(e.words().split()) if e is not None else ""
    return words or (draft.kind.title if draft.kind else "") or "Clinical document"


def _keeper(draft: Draft, document: Element) -> list[Tree]:
    found = custodian(draft, document)
    return [found] if found else []


def custodian(draft: Draft, document: Element) -> Tree | None:
    return organization(draft, document.down("custodian", "assignedCustodian", "representedCustodianOrganization"))


def _confidentiality(document: Element) -> str | None:
    e = document.first("confidentialityCode")
    code = e.get("code") if e is not None else ""
    return code if code in ("U", "L", "M", "N", "R", "V") else None


def _attesters(draft: Draft, document: Element) -> list[Tree]:
    """Who signed: legalAuthenticator answers for it, authenticators for their part."""
    found: list[Tree] = []
    for name, mode in (("legalAuthenticator", "legal"), ("authenticator", "professional")):
        for e in document.all(name):
            who = actor(draft, e.first("assignedEntity"))
            if who is not None:
                found.append(present(mode=mode, time=time(draft, e.first("time")), party=who))
    return found


def _related(document: Element) -> list[Tree]:
    found: list[Tree] = []
    for e in document.all("relatedDocument"):
        parent = e.first("parentDocument")
        numbers = [one for id in (parent.all("id") if parent else ()) if (one := identifier(id))]
        relation = RELATION.get(e.get("typeCode"))
        if relation and numbers:
            found.append({"code": RELATIONS[relation], "targetIdentifier": numbers[0]})
    return found


def _events(draft: Draft, document: Element) -> list[Tree]:
    found: list[Tree] = []
    for one in document.all("documentationOf"):
        service = one.first("serviceEvent")
        if service is None:
            continue
        code = concept(draft, service.first("code"))
        who = performers(draft, service, "performer")
        found.append(
            present(
                code=[code] if code else None,
                period=period(draft, service.first("effectiveTime")),
                extension=[each for person in who for each in kept("performer", valueReference=person)],
            )
        )
    return [one for one in found if one]


def _service_time(draft: Draft) -> str | None:
    """When what the document tells took place, if the header says: of a visit its beginning."""
    tree = draft.resources.get(draft.encounter, {}) if draft.encounter else {}
    start = tree.get("period", {}).get("start")
    return start if start and len(start) > 4 else None


def _more(draft: Draft, document: Element) -> list[Tree]:
    found: list[Tree] = []
    for template in document.all("templateId"):
        found += kept("template", valueString="^".join(filter(None, (template.get("root"), template.get("extension")))))
    language = document.first("languageCode")
    found += kept("language", valueCode=" ".join(language.get("code").split()) if language is not None else "")
    version = document.first("versionNumber")
    found += kept("version", valueString=version.get("value") if version is not None else "")
    for name in ("dataEnterer", "informant", "informationRecipient"):
        for e in document.all(name):
            role = e.first("assignedEntity") or e.first("intendedRecipient")
            found += kept(name, valueReference=actor(draft, role) or {})
    for e in document.all("participant"):
        found += kept("participant", valueReference=actor(draft, e.first("associatedEntity")) or {})
    for e in document.all("inFulfillmentOf"):
        for id in order.all("id") if (order := e.first("order")) is not None else ():
            found += kept("fulfils", valueIdentifier=identifier(id) or {})
    return found


def sections_of(document: Element) -> list[Element]:
    """Sections in structuredBody, or without it as some vendors write them; nonXMLBody has none."""
    found: list[Element] = []
    for component in document.all("component"):
        body = component.first("structuredBody")
        for part in [component, *(body.all("component") if body is not None else ())]:
            found += list(part.all("section"))
        if body is not None:
            found += list(body.all("section"))
    return found


def _section(draft: Draft, e: Element, around: Context, made: list[str], depth: int) -> Tree:
    """One section with those inside it; its resources are added to `made`."""
    code = e.first("code")
    coded = coding(code) if code is not None else None
    title_ = e.first("title")
    title = (title_.words().strip() if title_ is not None else "") or (
        code.get("displayName") if code is not None else ""
    )
    known = _known(coded, title)
    people, said = spoken(draft, e)
    context = Context(
        section=(coded or {}).get("code", "") or title,
        title=known.title or title,
        category=known.category,
        role=known.role,
        time=said or around.time,
        people=people or around.people,
    )
    own = _entries(draft, e, context)
    made += own
    inside = [one for one in e.all("component") for one in one.all("section")]
    nested = [_section(draft, one, context, made, depth + 1) for one in inside] if depth < MAX_NESTED else []
    tree = present(
        title=title or known.title,
        code=concept(draft, code),
        text=narrative(e.first("text")),
        entry=[{"reference": one} for one in dict.fromkeys(own)],
        section=[one for one in nested if one],
    )
    if tree and not any(name in tree for name in ("text", "entry", "section")):
        tree["emptyReason"] = {
            "coding": [{"system": "http://terminology.hl7.org/CodeSystem/list-empty-reason", "code": "unavailable"}]
        }
    return tree


def _known(coded: Tree | None, title: str) -> Section:
    table = sections()
    return (
        table.get((coded or {}).get("code", ""))
        or table.get(title)
        or table.get(title.removesuffix("章节"))
        or Section()
    )


def _entries(draft: Draft, e: Element, context: Context) -> list[str]:
    if draft.kind is None:
        return [one for statement in statements(e.all("entry")) for one in take(draft, statement, context)]
    gatherer = Gatherer(draft, context)
    for statement in statements(e.all("entry")):
        gatherer.take(statement)
    gatherer.end()
    return gatherer.made


def body(document: Element) -> tuple[str, bytes] | None:
    """What a document without sections holds instead: media type and bytes, still base64 (nonXMLBody)."""
    for component in document.all("component"):
        text = component.down("nonXMLBody", "text")
        if text is not None:
            return "".join(text.get("mediaType").split()) or "application/octet-stream", "".join(
                text.words().split()
            ).encode()
    return None
