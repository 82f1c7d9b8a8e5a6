"""Diagnoses, problems and the history of relatives to Condition and FamilyMemberHistory."""

from __future__ import annotations

from dataclasses import replace

from minkang.gateways.cda.mapping.datatypes import concept, moment, name, period, quantity, time, when
from minkang.gateways.cda.mapping.draft import Context, Draft, Tree, kept, present
from minkang.gateways.cda.mapping.groups import Gathered, grouped
from minkang.gateways.cda.mapping.people import spoken
from minkang.gateways.cda.mapping.statements import (
    about,
    builds,
    inner,
    numbers,
    people,
    refused,
    rest,
    status_of,
    take,
    within,
)
from minkang.gateways.cda.mapping.tables import codes, system
from minkang.gateways.cda.wire import Element

_CATEGORY = "http://terminology.hl7.org/CodeSystem/condition-category"
_VERIFICATION = "http://terminology.hl7.org/CodeSystem/condition-ver-status"
_STATUS, _SEVERITY = "2.16.840.1.113883.10.20.22.4.6", "2.16.840.1.113883.10.20.22.4.8"


def clinical(draft: Draft, code: str) -> Tree | None:
    found = codes("clinical", code)
    return {"coding": [{"system": system("clinical"), "code": found}]} if found else None


def verified(code: str) -> Tree:
    return {"coding": [{"system": _VERIFICATION, "code": code}]}


def templated(e: Element, template: str) -> Element | None:
    """The first statement inside of this template."""
    return next((one for one in inner(e) if any(t.get("root") == template for t in one.all("templateId"))), None)


def coded_value(draft: Draft, e: Element | None) -> Tree | None:
    return concept(draft, e.first("value")) if e is not None else None


@grouped("diagnosis")
def diagnosis(draft: Draft, group: Gathered, context: Context) -> str:
    """A diagnosis by name and code; its section says whether of admission, discharge, before or after surgery."""
    words, code = group.words(draft, "name"), group.concept(draft, "code")
    raw = group.value(draft, "code").get("valueString")
    if not (words or code or raw):
        return ""
    text = (
        words or (code or {}).get("text") or raw or next((c.get("display") for c in (code or {}).get("coding", ())), "")
    )
    outcome = group.concept(draft, "outcome")
    rank = group.value(draft, "rank").get("valueInteger")
    labels = dict.fromkeys(one for part in ("code", "name") if (one := group.label(part)))
    first = next(iter((code or {}).get("coding", ())), {}).get("code", "") or text
    role = codes("diagnosis-role", context.role)
    time_ = group.moment(draft)
    recorded = group.value(draft, "recorded").get("valueDateTime")
    who = [one for one in group.people(draft) if one.get("type") == "Practitioner"]
    return draft.add(
        "Condition",
        (context.section, group.element("code") or group.element("name"), first or ""),
        extension=[
            *(kept("within", valueReference={"reference": context.within}) if context.within else []),
            *kept("element", valueString=", ".join(labels)),
            *kept("element-id", valueString=group.element("code") or group.element("name")),
            *kept("rank", valueInteger=rank),
            *kept("outcome", valueCodeableConcept=outcome or {}),
            *kept("on-admission", valueCodeableConcept=group.concept(draft, "on-admission") or {}),
        ],
        clinicalStatus=_ended(draft, outcome),
        verificationStatus=verified("confirmed"),
        category=[
            {"coding": [{"system": _CATEGORY, "code": "encounter-diagnosis"}]},
            *([{"coding": [{"system": system("diagnosis-role"), "code": role}]}] if role else []),
        ],
        code=present(coding=(code or {}).get("coding"), text=text),
        subject={"reference": draft.patient},
        encounter={"reference": draft.encounter} if draft.encounter else None,
        recordedDate=recorded or time_ or context.time,
        asserter=who[0] if who else None,
    )


def _ended(draft: Draft, outcome: Tree | None) -> Tree | None:
    """CV05.10.010: 1 cured. Everything else does not say whether the condition still is."""
    cured = any(one.get("code") == "1" for one in (outcome or {}).get("coding", ()))
    return clinical(draft, "completed" if cured else "active")


@builds("concern")
def concern(draft: Draft, e: Element, context: Context) -> str:
    """A wrapper: its status and its author count for what is inside. An act with a code of its own stays as one."""
    said, moment_ = spoken(draft, e)
    inside = context.inside("", moment(draft, e.first("effectiveTime")) or moment_)
    made = within(draft, e, inside)
    extra = [
        *kept("concern", valueCodeableConcept=concept(draft, e.first("code")) or {}),
        *kept("concern-status", valueCode=status_of(e) or None),
        *kept("concern-period", valuePeriod=period(draft, e.first("effectiveTime")) or {}),
        *(one for who in said for one in kept("concern-author", valueReference=who)),
        *about(draft, e, context),
    ]
    if not made:
        return draft.add(
            "Basic",
            (context.section, "concern", *(n["value"] for n in numbers(e)[:1])),
            extension=extra,
            identifier=numbers(e),
            code=concept(draft, e.first("code")) or {"text": context.title or context.section},
            subject={"reference": draft.patient},
        )
    tree = draft.resources[made[0]]
    tree["extension"] = [*extra, *tree.get("extension", [])]
    if tree["resourceType"] in ("Condition", "AllergyIntolerance") and "clinicalStatus" not in tree:
        _settle(draft, tree, status_of(e))
    return made[0]


def _settle(draft: Draft, tree: Tree, status: str) -> None:
    found = clinical(draft, status)
    if found and tree["resourceType"] == "AllergyIntolerance":
        found["coding"][0]["system"] = "http://terminology.hl7.org/CodeSystem/allergyintolerance-clinical"
    if found:
        tree["clinicalStatus"] = found


@builds("problem")
def problem(draft: Draft, e: Element, context: Context) -> str:
    """A problem observation: its value is the problem, its code the kind of it."""
    values = [found for one in e.all("value") if (found := concept(draft, one))]
    state, severity = templated(e, _STATUS), templated(e, _SEVERITY)
    time_ = e.first("effectiveTime")
    status = coded_value(draft, state)
    clinical_ = next((found for c in (status or {}).get("coding", ()) if (found := clinical(draft, c["code"]))), None)
    ended = time(draft, time_.first("high")) if time_ is not None else None
    if ended and clinical_ is None:
        clinical_ = clinical(draft, "completed")
    kind = concept(draft, e.first("code"))
    who = [one for one in people(draft, e, context) if one.get("type") in ("Practitioner", "Organization")]
    made = draft.add(
        "Condition",
        (context.section, *(n["value"] for n in numbers(e)[:1])),
        extension=[
            *about(draft, e, context),
            *kept("status", valueCodeableConcept=status if status and not clinical_ else {}),
            *kept("status-code", valueCodeableConcept=status or {}),
            *(one for more in values[1:] for one in kept("value", valueCodeableConcept=more)),
        ],
        identifier=numbers(e),
        clinicalStatus=clinical_,
        verificationStatus=verified("refuted") if refused(e) else verified("confirmed"),
        category=[
            {"coding": [{"system": _CATEGORY, "code": "problem-list-item"}]},
            *([kind] if kind else []),
        ],
        severity=coded_value(draft, severity),
        code=values[0] if values else {"text": context.title or "problem"},
        bodySite=[found for one in e.all("targetSiteCode") if (found := concept(draft, one))],
        subject={"reference": draft.patient},
        encounter={"reference": draft.encounter} if draft.encounter else None,
        onsetDateTime=moment(draft, time_),
        abatementDateTime=ended,
        recordedDate=spoken(draft, e)[1] or context.time,
        asserter=next((one for one in who if one.get("type") == "Practitioner"), None),
    )
    for name_, part in (("severity-kind", severity), ("status-kind", state)):
        _kind_of_part(draft, made, name_, part)
    rest(draft, e, context, made, {id(one) for one in (state, severity) if one is not None})
    return made


def _kind_of_part(draft: Draft, made: str, name_: str, part: Element | None) -> None:
    """What the code of a part was that became an element: it names the kind of fact."""
    code = concept(draft, part.first("code")) if part is not None else None
    draft.resources[made]["extension"][:0] = kept(name_, valueCodeableConcept=code or {})


@builds("family")
def family(draft: Draft, e: Element, context: Context) -> str:
    """A relative with what he had."""
    subject = e.down("subject", "relatedSubject")
    person = subject.first("subject") if subject is not None else None
    sex = person.first("administrativeGenderCode") if person is not None else None
    named = person.first("name") if person is not None else None
    conditions: list[Tree] = []
    for one in (child for child in inner(e) if child.name == "observation"):
        value = concept(draft, one.first("value"))
        if value is None:
            continue
        age = templated(one, "2.16.840.1.113883.10.20.22.4.31")
        years = quantity(draft, age.first("value")) if age is not None else None
        conditions.append(
            present(code=value, onsetAge=years, extension=_kind(draft, one, age), onsetString=None)
            | ({} if years else present(onsetString=moment(draft, one.first("effectiveTime"))))
        )
    sex_coded = concept(draft, sex)
    made = draft.add(
        "FamilyMemberHistory",
        (context.section, *(n["value"] for n in numbers(e)[:1])),
        extension=[*about(draft, _without(e), context), *kept("relative", valueCodeableConcept=sex_coded or {})],
        identifier=numbers(e),
        status="completed",
        patient={"reference": draft.patient},
        date=context.time,
        name=(name(named) or {}).get("text") if named is not None else None,
        relationship=(concept(draft, subject.first("code")) if subject is not None else None) or {"text": "?"},
        sex=_sex(sex),
        bornDate=time(draft, person.first("birthTime"), day=True) if person is not None else None,
        condition=conditions,
    )
    for one in (child for child in inner(e) if child.name == "observation"):
        skip = {id(age) for age in [templated(one, "2.16.840.1.113883.10.20.22.4.31")] if age is not None}
        if concept(draft, one.first("value")) is None:
            take(draft, one, context.inside(made))
        else:
            rest(draft, one, context, made, skip)
    return made


def _without(e: Element) -> Element:
    """Whose subject is read here already."""
    return replace(e, children=[one for one in e.children if one.name != "subject"])


def _kind(draft: Draft, one: Element, age: Element | None) -> list[Tree]:
    code = concept(draft, one.first("code"))
    aged = concept(draft, age.first("code")) if age is not None else None
    return [
        *kept("kind", valueCodeableConcept=code or {}),
        *kept("age-kind", valueCodeableConcept=aged or {}),
        *kept("period", valuePeriod=when(draft, one.first("effectiveTime"), "-", "period").get("period") or {}),
    ]


def _sex(sex: Element | None) -> Tree | None:
    code = codes("gender", sex.get("code")) if sex is not None else None
    return {"coding": [{"system": system("gender"), "code": code}]} if code else None
