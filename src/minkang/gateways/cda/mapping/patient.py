"""recordTarget to the Patient as this sender registered it."""

from __future__ import annotations

from minkang.fhir.resident_id import resident_id
from minkang.gateways.cda.mapping.datatypes import address, concept, identifier, measured, name, number, telecom, time
from minkang.gateways.cda.mapping.draft import Draft, Tree, kept, present
from minkang.gateways.cda.mapping.people import organization
from minkang.gateways.cda.mapping.tables import codes, numbers
from minkang.gateways.cda.wire import Element
from minkang.platform.intake.reading import id_of

RESIDENT = "urn:oid:2.16.156.10011.1.3"
"""The system of identity-card numbers."""


def patient(draft: Draft) -> bool:
    """Whether somebody was found whose record it is; what is wrong with him is told."""
    targets = list(draft.document.all("recordTarget"))
    role = targets[0].first("patientRole") if targets else None
    if role is None:
        draft.fault("cda-no-patient", draft.document, place="recordTarget/patientRole")
        return False
    if len({str(_numbers(one)) for one in targets}) > 1:
        draft.fault("cda-two-patients", targets[1], str(len(targets)), "1")
        return False
    person = role.first("patient") or Element("patient", role.space, role.line, {})
    found = _numbers(targets[0])
    names = [one for each in person.all("name") if (one := name(each))]
    key = _key(found)
    if not key and not names:
        draft.fault("cda-no-patient", role, place="recordTarget/patientRole/patient/name")
        return False
    if not key:
        draft.fault("cda-no-number", role, place="recordTarget/patientRole/id")
    own = id_of(draft.sender, "Patient", key) if key else id_of(draft.sender, "Patient", draft.set)
    tree = _tree(
        draft,
        role,
        person,
        [one for root, one in found if _whose(root) == "patient" or key.endswith(f"|{one['value']}")],
    )
    draft.patient = f"Patient/{own}"
    draft.put("Patient", own, name=names, **tree)
    _judge(draft, role, draft.resources[draft.patient])
    return True


def _numbers(target: Element) -> list[tuple[str, Tree]]:
    """Every number of the patient with its root."""
    role = target.first("patientRole")
    if role is None:
        return []
    person = role.first("patient")
    elements = [*role.all("id"), *(person.all("id") if person is not None else ())]
    return [(one.get("root"), found) for one in elements if one.get("extension") and (found := identifier(one))]


def _whose(root: str) -> str:
    return numbers().get(root, {}).get("whose", "patient")


def _key(found: list[tuple[str, Tree]]) -> str:
    """By which number the registration goes: the one that lasts longest, of unknown ones the first."""
    ranked = [
        (int(numbers().get(root, {}).get("key", "5")), at, one)
        for at, (root, one) in enumerate(found)
        if _whose(root) in ("patient", "visit")
    ]
    if not ranked:
        return ""
    best = min(ranked, key=lambda one: one[:2])[2]
    return f"{best.get('system', '')}|{best['value']}"


def _tree(draft: Draft, role: Element, person: Element, numbers_: list[Tree]) -> Tree:
    sex = person.first("administrativeGenderCode")
    gender = codes("gender", sex.get("code")) if sex is not None and sex.get("code") else None
    if sex is not None and sex.get("code") and gender is None:
        draft.fault("cda-unknown-code", sex, sex.get("code"), "GB/T 2261.1")
    tongues = [found for one in person.all("languageCommunication") if (found := _tongue(one))]
    elsewhere = [found for one in role.all("addr") if (found := address(one))]
    house = organization(draft, role.first("providerOrganization"))
    return present(
        identifier=_typed(numbers_),
        telecom=[found for e in (role, person) for one in e.all("telecom") if (found := telecom(one))],
        gender=gender,
        birthDate=time(draft, person.first("birthTime"), day=True),
        deceasedDateTime=time(draft, person.first("deceasedTime")),
        address=elsewhere,
        maritalStatus=concept(draft, person.first("maritalStatusCode")),
        communication=tongues,
        extension=[
            *_more(draft, role, person),
            *kept("provider", valueReference=house or {}),
        ],
    )


def _typed(found: list[Tree]) -> list[Tree]:
    kinds = {f"urn:oid:{root}": row for root, row in numbers().items()}
    made: list[Tree] = []
    for one in found:
        row = kinds.get(one.get("system", ""))
        if row:
            scheme = "http://terminology.hl7.org/CodeSystem/v2-0203"
            one = {"type": {"coding": [{"system": scheme, "code": row["type"]}], "text": row["name"]}} | one
        if one not in made:
            made.append(one)
    return made


def _tongue(e: Element) -> Tree | None:
    code = e.first("languageCode")
    if code is None or not code.get("code"):
        return None
    scheme = "urn:ietf:bcp:47"
    return {"language": {"coding": [{"system": scheme, "code": code.get("code")}]}}


def _more(draft: Draft, role: Element, person: Element) -> list[Tree]:
    """What the Chinese schema adds, and what FHIR has no element for."""
    coded = {
        "ethnic-group": person.first("ethnicGroupCode"),
        "race": person.first("raceCode"),
        "religion": person.first("religiousAffiliationCode"),
        "nationality": person.first("nationalityCode") or person.first("nationality"),
        "education": person.down("educationLevel", "educationLevelCode") or person.first("educationLevelCode"),
        "occupation": person.down("occupation", "occupationCode") or person.first("occupationCode"),
        "patient-type": role.down("patientType", "patienttypeCode") or role.down("patientType", "patientTypeCode"),
    }
    found = [one for name_, e in coded.items() for one in kept(name_, valueCodeableConcept=concept(draft, e) or {})]
    age = person.first("age")
    years = number(age.get("value")) if age is not None else None
    if age is not None and years is not None:
        found += kept("age", valueQuantity=measured(years, age.get("unit")))
    work = organization(draft, person.first("employerOrganization"))
    found += kept("employer", valueReference=work or {})
    house = person.down("household", "place", "addr") or person.down("birthplace", "place", "addr")
    if house is not None:
        found += kept("household" if person.first("household") else "birth-place", valueAddress=address(house) or {})
    return found


def _judge(draft: Draft, role: Element, tree: Tree) -> None:
    """What contradicts itself: the number says when somebody was born and of which sex."""
    place = "recordTarget/patientRole"
    birth = tree.get("birthDate", "")
    written = time(draft, draft.document.first("effectiveTime"), day=True)
    if written and birth > written:
        draft.fault("cda-born-later", role, birth, place=f"{place}/patient/birthTime")
    for one in tree.get("identifier", ()):
        if one.get("system") != RESIDENT:
            continue
        found = resident_id(one["value"])
        if found is None:
            draft.fault("cda-bad-id-number", role, _masked(one["value"]), place=f"{place}/patient/id")
            continue
        if birth and len(birth) == 10 and birth != found.birth.isoformat():
            draft.fault("cda-birth-differs", role, birth, found.birth.isoformat(), f"{place}/patient/birthTime")
        if tree.get("gender") in ("male", "female") and tree["gender"] != found.gender:
            draft.fault("cda-sex-differs", role, tree["gender"], found.gender, f"{place}/patient")


def _masked(number_: str) -> str:
    """Findings are read by people who need not see the whole number."""
    return f"{number_[:3]}{'*' * max(len(number_) - 6, 0)}{number_[-3:]}" if len(number_) > 6 else "*" * len(number_)
