"""Random resources from small vocabularies, so that searches hit: a dozen types, twelve ids of each."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from minkang.fhir.resource import Resource
from tests.lib.builders import CARD, a_concept, a_name, a_quantity, a_reference, a_resource

IDS = list("abcdefghijkl")
NAMES = ["张丽", "张力", "单雄信", "解晓东", "欧阳娜娜", "王芳", "José Müller", "Anna Bai", "𠮷田"]
WORDS = ["South Gate Clinic", "south gate", "Clinique Élysée", "南门社区卫生服务站", "ＳＯＵＴＨ", "A, B|C$D"]
PLACES = [(30.5, 114.3), (30.52, 114.31), (30.9, 114.9), (-17, 179.99), (-17, -179.99), (89.9, 0), (90, 180)]
PROSE = ["急性心肌梗死", "慢性心力衰竭 NYHA III", "type 2 diabetes", "Type 2糖尿病", "diabetic foot, 糖尿病足"]
CODES = ["bp", "BP", "glucose", "aspirin", "E11.9"]
SYSTEMS = ["http://minkang.example/code", "http://loinc.org", None]
CARD_SYSTEMS = [CARD, "http://minkang.example/ward", None]
CARDS = ["1", "2", "100"]
PHONES = ["13800000001", "+86 138-0000-0002"]
DATES = ["2024", "2024-03", "2024-03-01", "2024-02-29", "2023-12-31", "1980-05-06"]
MOMENTS = ["2024-03-01T10:00:00+08:00", "2024-03-01T02:00:00.5Z", "2024-03-01T23:30:00Z", *DATES]
VALUES = [0, 0.5, 0.54, 5.4, 5.44, 100, 120, -3]
UNITS = ["mmol/L", "umol/L", "mm[Hg]", None]
GENDERS = ["female", "male", "unknown"]
URLS = ["http://minkang.example/vs", "http://minkang.example/vs/sex", "urn:oid:2.16.156.10011"]
PEOPLE = [f"Patient/{id}" for id in IDS[:4]]
STAFF = [f"Practitioner/{id}" for id in IDS[:3]]
HOUSES = [f"Organization/{id}" for id in IDS[:4]]

maybe = st.none()


def one_of(pool: list[Any]) -> st.SearchStrategy[Any]:
    """One of the pool, or nothing."""
    return st.none() | st.sampled_from(pool)


def a_few(of: st.SearchStrategy[Any], most: int = 2) -> st.SearchStrategy[list[Any]]:
    return st.lists(of, max_size=most)


names = st.builds(a_name, st.sampled_from(NAMES))
concepts = st.builds(a_concept, st.sampled_from(CODES), st.sampled_from(SYSTEMS), one_of(["Blood pressure", "血压"]))
identifiers = st.builds(
    lambda system, value, kind: a_resource(system=system, value=value, type=kind),
    st.sampled_from(CARD_SYSTEMS),
    st.sampled_from(CARDS),
    st.none() | concepts,
)
periods = st.builds(lambda start, end: a_resource(start=start, end=end), one_of(DATES[1:]), one_of(DATES[1:]))
quantities = st.builds(a_quantity, st.sampled_from(VALUES), st.sampled_from(UNITS), st.sampled_from(UNITS))
components = st.builds(lambda code, value: a_resource(code=code, valueQuantity=value), concepts, quantities)
phones = st.builds(lambda value: {"system": "phone", "value": value}, st.sampled_from(PHONES))
logical = st.builds(
    lambda literal, type, system, value, display: a_resource(
        reference=literal,
        type=type,
        identifier=a_resource(system=system, value=value),
        display=display,
    ),
    one_of(PEOPLE[:2]),
    st.sampled_from([None, "Patient", "Group"]),
    st.sampled_from(CARD_SYSTEMS),
    st.sampled_from(CARDS),
    one_of(["张丽", "Zhang Li"]),
)
patients = logical | st.builds(
    a_reference, st.sampled_from([*PEOPLE, "Patient/a/_history/1", "https://other.example/Patient/a"])
)
staff = st.builds(a_reference, st.sampled_from(STAFF))
houses = st.builds(a_reference, st.sampled_from(HOUSES))
performers = staff | houses | st.builds(a_reference, st.sampled_from(PEOPLE))


metas = st.builds(
    lambda tag, profile: {"tag": [tag], **({"profile": [profile]} if profile else {})},
    st.builds(
        lambda system, code: a_resource(system=system, code=code), st.sampled_from(SYSTEMS), st.sampled_from(CODES[:3])
    ),
    one_of([*URLS[:2], f"{URLS[0]}|1"]),
)


def a_position(place: tuple[float, float]) -> Resource:
    return {"latitude": place[0], "longitude": place[1]}


def a_narrative(one: str, other: str) -> Resource:
    return {"status": "generated", "div": f'<div xmlns="http://www.w3.org/1999/xhtml"><p>{one}</p><b>{other}</b></div>'}


def _of(type: str, /, **members: st.SearchStrategy[Any]) -> st.SearchStrategy[Resource]:
    members["meta"] = maybe | maybe | metas
    return st.fixed_dictionaries(members).map(lambda found: a_resource(resourceType=type, **found))


RESOURCES: dict[str, st.SearchStrategy[Resource]] = {
    "Patient": _of(
        "Patient",
        name=a_few(names),
        identifier=a_few(identifiers),
        gender=one_of(GENDERS),
        birthDate=one_of(DATES),
        active=one_of([True, False]),
        telecom=a_few(phones, 1),
        managingOrganization=maybe | houses,
        link=a_few(st.builds(lambda other: {"other": other, "type": "seealso"}, patients), 1),
    ),
    "Practitioner": _of("Practitioner", name=a_few(names), identifier=a_few(identifiers, 1), gender=one_of(GENDERS)),
    "Organization": _of("Organization", name=one_of(WORDS), partOf=maybe | houses, active=one_of([True, False])),
    "Location": _of(
        "Location",
        name=one_of(WORDS),
        status=one_of(["active", "inactive"]),
        position=maybe | st.builds(a_position, st.sampled_from(PLACES)),
    ),
    "Observation": _of(
        "Observation",
        status=st.sampled_from(["final", "amended"]),
        code=concepts,
        subject=maybe | patients,
        encounter=maybe | st.builds(a_reference, st.sampled_from(["Encounter/a", "Encounter/b"])),
        effectiveDateTime=one_of(MOMENTS),
        performer=a_few(performers),
        valueQuantity=maybe | quantities,
        component=a_few(components),
    ),
    "Encounter": _of(
        "Encounter",
        status=st.sampled_from(["finished", "in-progress"]),
        **{"class": st.sampled_from([{"code": "AMB"}, {"code": "IMP", "system": SYSTEMS[0]}])},
        subject=maybe | patients,
        period=maybe | periods,
        participant=a_few(st.builds(lambda who: {"individual": who}, staff), 1),
        serviceProvider=maybe | houses,
    ),
    "Condition": _of(
        "Condition",
        code=maybe | concepts,
        subject=patients,
        asserter=maybe | patients | staff,
        onsetDateTime=one_of(MOMENTS),
    ),
    "MedicationRequest": _of(
        "MedicationRequest",
        status=st.sampled_from(["active", "stopped"]),
        intent=st.just("order"),
        medicationCodeableConcept=concepts,
        subject=patients,
        requester=maybe | staff,
        authoredOn=one_of(MOMENTS),
    ),
    "Procedure": _of(
        "Procedure",
        status=st.just("completed"),
        subject=patients,
        code=maybe | concepts,
        performedPeriod=maybe | periods,
    ),
    "Appointment": _of(
        "Appointment",
        status=st.sampled_from(["booked", "cancelled"]),
        start=one_of(["2024-03-01T10:00:00+08:00", "2024-03-01T23:30:00Z"]),
        participant=st.lists(
            st.builds(lambda actor: {"actor": actor, "status": "accepted"}, patients | staff), min_size=1, max_size=2
        ),
    ),
    "RiskAssessment": _of(
        "RiskAssessment",
        status=st.just("final"),
        subject=patients,
        prediction=a_few(st.builds(lambda value: {"probabilityDecimal": value}, st.sampled_from(VALUES))),
    ),
    "Composition": _of(
        "Composition",
        status=st.just("final"),
        type=concepts,
        subject=maybe | patients,
        author=st.lists(staff, min_size=1, max_size=1),
        date=st.sampled_from(MOMENTS),
        title=st.sampled_from([*WORDS, *PROSE]),
        text=maybe | st.builds(a_narrative, st.sampled_from(PROSE), st.sampled_from(PROSE)),
    ),
    "ValueSet": _of("ValueSet", status=st.sampled_from(["active", "draft"]), url=one_of(URLS), name=one_of(WORDS)),
}

SET, LOST_SET = f"{URLS[0]}/codes", f"{URLS[0]}/lost"
DEFINITIONS: list[tuple[str, Resource]] = [
    (
        "east",
        {
            "resourceType": "List",
            "id": "members",
            "status": "current",
            "mode": "working",
            "entry": [
                {"item": {"reference": f"{type}/{id}"}, **({"deleted": True} if id == "d" else {})}
                for type in ["Patient", "Observation", "Organization", "Composition", "Location"]
                for id in IDS[:4]
            ],
        },
    ),
    (
        "east",
        {
            "resourceType": "CodeSystem",
            "id": "codes",
            "status": "active",
            "url": SYSTEMS[0],
            "content": "complete",
            "concept": [{"code": "bp", "concept": [{"code": "BP"}]}, {"code": "glucose"}],
        },
    ),
    (
        "east",
        {
            "resourceType": "ValueSet",
            "id": "codes",
            "status": "active",
            "url": SET,
            "compose": {
                "include": [
                    {"system": SYSTEMS[0], "filter": [{"property": "concept", "op": "is-a", "value": "bp"}]},
                    {"system": SYSTEMS[1]},
                    {"system": "http://hl7.org/fhir/administrative-gender", "concept": [{"code": "female"}]},
                ],
                "exclude": [{"system": SYSTEMS[1], "concept": [{"code": "E11.9"}]}],
            },
        },
    ),
]
"""Stored before every generated world: what `:in` and `:below` look up."""
