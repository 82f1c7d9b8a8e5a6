"""Allergies to AllergyIntolerance."""

from __future__ import annotations

from minkang.gateways.cda.mapping.datatypes import concept, moment, time
from minkang.gateways.cda.mapping.draft import Context, Draft, Tree, kept, present
from minkang.gateways.cda.mapping.groups import Gathered, grouped
from minkang.gateways.cda.mapping.people import spoken
from minkang.gateways.cda.mapping.statements import about, builds, inner, numbers, people, refused, rest
from minkang.gateways.cda.mapping.tables import codes
from minkang.gateways.cda.mapping.targets.problems import coded_value, templated
from minkang.gateways.cda.wire import Element

_VERIFICATION = "http://terminology.hl7.org/CodeSystem/allergyintolerance-verification"
_CLINICAL = "http://terminology.hl7.org/CodeSystem/allergyintolerance-clinical"
_REACTION, _SEVERITY = "2.16.840.1.113883.10.20.22.4.9", "2.16.840.1.113883.10.20.22.4.8"
_STATUS, _CRITICAL = "2.16.840.1.113883.10.20.22.4.28", "2.16.840.1.113883.10.20.22.4.145"
_NONE = ("无", "否认", "没有", "不详")


@grouped("allergy")
def flagged(draft: Draft, group: Gathered, context: Context) -> str:
    """过敏史标志 with 过敏史. The flag is kept as it was said; no means that none is known."""
    flag = group.value(draft, "flag").get("valueBoolean")
    words, coded = group.words(draft, "name"), group.concept(draft, "name")
    if flag is None and not words and not coded:
        return ""
    denied = flag is False or (flag is None and words.startswith(_NONE))
    return draft.add(
        "AllergyIntolerance",
        (context.section, words),
        extension=[
            *(kept("within", valueReference={"reference": context.within}) if context.within else []),
            *kept("flag", valueBoolean=flag),
            *kept("element", valueString=group.element("name") or group.element("flag")),
        ],
        clinicalStatus={"coding": [{"system": _CLINICAL, "code": "inactive" if denied else "active"}]},
        verificationStatus={"coding": [{"system": _VERIFICATION, "code": "refuted" if denied else "unconfirmed"}]},
        code=coded or {"text": words or ("否认过敏史" if denied else "有过敏史，过敏原未说明")},
        patient={"reference": draft.patient},
        encounter={"reference": draft.encounter} if draft.encounter else None,
        recordedDate=group.moment(draft) or context.time,
    )


@builds("allergy")
def allergy(draft: Draft, e: Element, context: Context) -> str:
    """An allergy observation: what is consumed is the substance, the value the kind of intolerance."""
    kind = coded_value(draft, e)
    substance = _substance(draft, e)
    kinds = [one.get("code", "") for one in (kind or {}).get("coding", ())]
    category = [found for one in kinds if (found := codes("allergy-category", one))]
    type = [found for one in kinds if (found := codes("allergy-type", one))]
    critical, state = templated(e, _CRITICAL), templated(e, _STATUS)
    criticals = [one.get("code", "") for one in (coded_value(draft, critical) or {}).get("coding", ())]
    level = [found for one in criticals if (found := codes("criticality", one))]
    status = [one.get("code", "") for one in (coded_value(draft, state) or {}).get("coding", ())]
    clinical = [found for one in status if (found := codes("clinical", one))]
    reactions, used = _reactions(draft, e)
    severity = templated(e, _SEVERITY)
    used |= {id(one) for one in (critical, state, severity) if one is not None}
    time_ = e.first("effectiveTime")
    made = draft.add(
        "AllergyIntolerance",
        (context.section, *(n["value"] for n in numbers(e)[:1])),
        extension=[
            *about(draft, e, context),
            *kept("kind", valueCodeableConcept=kind or {}),
            *kept("code", valueCodeableConcept=concept(draft, e.first("code")) or {}),
            *_parts(draft, critical, state, severity),
        ],
        identifier=numbers(e),
        clinicalStatus={"coding": [{"system": _CLINICAL, "code": clinical[0]}]} if clinical else None,
        verificationStatus={"coding": [{"system": _VERIFICATION, "code": "refuted" if refused(e) else "confirmed"}]},
        type=type[0] if type else None,
        category=category[:1],
        criticality=level[0] if level else None,
        code=substance or kind or {"text": context.title or "allergy"},
        patient={"reference": draft.patient},
        encounter={"reference": draft.encounter} if draft.encounter else None,
        onsetDateTime=moment(draft, time_),
        recordedDate=spoken(draft, e)[1] or context.time,
        lastOccurrence=None,
        recorder=next((one for one in people(draft, e, context) if one.get("type") == "Practitioner"), None),
        reaction=reactions,
    )
    ended = time(draft, time_.first("high")) if time_ is not None else None
    if ended and not clinical:
        draft.resources[made]["clinicalStatus"] = {"coding": [{"system": _CLINICAL, "code": "resolved"}]}
    rest(draft, e, context, made, used)
    return made


def _substance(draft: Draft, e: Element) -> Tree | None:
    for one in e.all("participant"):
        entity = one.down("participantRole", "playingEntity")
        found = concept(draft, entity.first("code")) if entity is not None else None
        if entity is not None and found is None and (named := entity.first("name")) is not None:
            found = {"text": words} if (words := draft.referred(named)) else None
        if found:
            return found
    return None


def _parts(draft: Draft, *parts: Element | None) -> list[Tree]:
    """Code and value of the observations that became an element, as they were."""
    return [
        one
        for e in parts
        if e is not None
        for name in ("code", "value")
        for one in kept("status", valueCodeableConcept=concept(draft, e.first(name)) or {})
    ]


def _reactions(draft: Draft, e: Element) -> tuple[list[Tree], set[int]]:
    """Reactions with their severities, and which statements (by id()) were used up."""
    found: list[Tree] = []
    used: set[int] = set()
    severity = templated(e, _SEVERITY)
    for one in inner(e):
        if not any(t.get("root") == _REACTION for t in one.all("templateId")):
            continue
        sign = coded_value(draft, one)
        if sign is None:
            continue
        used.add(id(one))
        own = templated(one, _SEVERITY)
        found.append(_reaction(draft, one, sign, own if own is not None else severity, own is not None))
        for deeper in inner(one):
            if deeper is not own:
                found[-1].setdefault("extension", []).extend(_parts(draft, deeper))
    return found, used


def _reaction(draft: Draft, e: Element, sign: Tree, severity: Element | None, own: bool) -> Tree:
    graded = coded_value(draft, severity)
    levels = [found for c in (graded or {}).get("coding", ()) if (found := codes("severity", c.get("code", "")))]
    time_ = e.first("effectiveTime")
    return present(
        extension=[
            *kept("kind", valueCodeableConcept=concept(draft, e.first("code")) or {}),
            *_parts(draft, severity),
            *(kept("interpretation", valueCodeableConcept=_judged(draft, severity)) if own or severity else []),
        ],
        manifestation=[sign],
        onset=moment(draft, time_),
        severity=levels[0] if levels else None,
    )


def _judged(draft: Draft, e: Element | None) -> Tree:
    return (concept(draft, e.first("interpretationCode")) or {}) if e is not None else {}
