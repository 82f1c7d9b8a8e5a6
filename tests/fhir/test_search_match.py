"""What a search value finds: tables of resource, search and verdict, one per kind, and sorting."""

from urllib.parse import parse_qsl

import pytest

from minkang.fhir.search.grammar import parse
from minkang.fhir.search.match import matches, sort_key, sort_values

PATIENT = {
    "resourceType": "Patient",
    "id": "p1",
    "meta": {"lastUpdated": "2024-05-01T01:02:03.004Z", "profile": ["http://a.example/profile|1.0"]},
    "identifier": [
        {"system": "urn:oid:1", "value": "A1", "type": {"text": "Health card"}},
        {"value": "bare"},
    ],
    "active": True,
    "name": [{"family": "单", "given": ["丽华"]}, {"text": "José O’Brien"}],
    "telecom": [{"system": "phone", "value": "138-0000-0000"}, {"system": "email", "value": "Li@A.example"}],
    "gender": "female",
    "birthDate": "1990-02-03",
    "address": [{"state": "甲省", "city": "乙市", "line": ["丙路 1 号"], "postalCode": "100000"}],
    "generalPractitioner": [
        {"reference": "Practitioner/d1/_history/3"},
        {"reference": "http://b.example/fhir/Organization/o1"},
    ],
    "managingOrganization": {"identifier": {"system": "urn:org", "value": "O-1"}, "display": "Clinic"},
}
OBSERVATION = {
    "resourceType": "Observation",
    "id": "o1",
    "status": "final",
    "code": {"coding": [{"system": "http://loinc.org", "code": "29463-7", "display": "Body weight"}], "text": "体重"},
    "subject": {"reference": "Patient/p1"},
    "effectivePeriod": {"start": "2024-03-01", "end": "2024-03-31"},
    "valueQuantity": {"value": 72.5, "unit": "kg", "system": "http://unitsofmeasure.org", "code": "kg"},
}
OPEN = {
    "resourceType": "Encounter",
    "id": "e1",
    "status": "in-progress",
    "period": {"start": "2024-03-05T10:00:00+08:00"},
}
RISK = {"resourceType": "RiskAssessment", "id": "r1", "prediction": [{"probabilityDecimal": 0.05}]}
VALUE_SET = {"resourceType": "ValueSet", "id": "v1", "url": "http://a.example/fhir/ValueSet/x"}

FOUND = [
    # token
    (PATIENT, "identifier=A1"),
    (PATIENT, "identifier=urn:oid:1|A1"),
    (PATIENT, "identifier=urn:oid:1|"),
    (PATIENT, "identifier=|bare"),
    (PATIENT, "identifier=nothing,A1"),
    (PATIENT, "identifier:text=health"),
    (PATIENT, "identifier:not=A2"),
    (PATIENT, "gender=female"),
    (PATIENT, "gender=http://hl7.org/fhir/administrative-gender|female"),
    (PATIENT, "gender=|female"),
    (PATIENT, "gender:not=male,other"),
    (PATIENT, "active=true"),
    (PATIENT, "active=http://terminology.hl7.org/CodeSystem/special-values|true"),
    (PATIENT, "phone=13800000000"),
    (PATIENT, "telecom=phone|138 0000 0000"),
    (PATIENT, "email=li@a.example"),
    (PATIENT, "deceased=false"),
    (PATIENT, "_id=p0,p1"),
    (PATIENT, "language:missing=true"),
    (PATIENT, "language:not=zh"),
    (OBSERVATION, "code=http://loinc.org|29463-7"),
    (OBSERVATION, "code:text=body"),
    (OBSERVATION, "code:text=体"),
    (OBSERVATION, "combo-code=29463-7"),
    # string and names
    (PATIENT, "name=单"),
    (PATIENT, "name=单丽华"),
    (PATIENT, "name=丽"),
    (PATIENT, "name=shanlihua"),
    (PATIENT, "name=danli"),
    (PATIENT, "name=Shan Li Hua"),
    (PATIENT, "name=slh"),
    (PATIENT, "name=dlh"),
    (PATIENT, "name:contains=丽华"),
    (PATIENT, "name:contains=lihua"),
    (PATIENT, "name:exact=丽华"),
    (PATIENT, "name:exact=单丽华"),
    (PATIENT, "name=jose o'brien"),
    (PATIENT, "name=JOSÉ"),
    (PATIENT, "name=ｊｏｓｅ"),
    (PATIENT, "family=shan"),
    (PATIENT, "given=lihua"),
    (PATIENT, "given=lh"),
    (PATIENT, "phonetic=shan"),
    (PATIENT, "address=甲省乙市丙路"),
    (PATIENT, "address=乙市"),
    (PATIENT, "address:contains=丙路"),
    (PATIENT, "address-postalcode=1000"),
    # reference
    (OBSERVATION, "subject=Patient/p1"),
    (OBSERVATION, "subject=p1"),
    (OBSERVATION, "subject:Patient=p1"),
    (OBSERVATION, "patient=p1"),
    (OBSERVATION, "performer:missing=true"),
    (PATIENT, "general-practitioner=Practitioner/d1"),
    (PATIENT, "general-practitioner=Practitioner/d1/_history/3"),
    (PATIENT, "general-practitioner=http://b.example/fhir/Organization/o1"),
    (PATIENT, "organization:identifier=urn:org|O-1"),
    # date: the range searched for contains the range of the value
    (PATIENT, "birthdate=1990-02-03"),
    (PATIENT, "birthdate=1990-02"),
    (PATIENT, "birthdate=1990"),
    (PATIENT, "birthdate=ge1990-02-03"),
    (PATIENT, "birthdate=le1990-02-03"),
    (PATIENT, "birthdate=gt1990-02-02"),
    (PATIENT, "birthdate=sa1990-02-02"),
    (PATIENT, "birthdate=eb1990-02-04"),
    (PATIENT, "birthdate=ne1990-02-04"),
    (PATIENT, "birthdate=ap1991"),
    (PATIENT, "birthdate=ge1990&birthdate=lt1991"),
    (PATIENT, "_lastUpdated=2024-05-01T09:02:03.004+08:00"),
    (PATIENT, "_lastUpdated=2024-05-01T09:02:03.004 08:00"),
    (OBSERVATION, "date=2024-03"),
    (OBSERVATION, "date=gt2024-03-15"),
    (OBSERVATION, "date=lt2024-03-15"),
    (OBSERVATION, "date=ap2024-03-15"),
    (OPEN, "date=gt2030"),
    (OPEN, "date=ge2024-03-05"),
    (OPEN, "date=ne2024"),
    # number and quantity
    (RISK, "probability=0.05"),
    (RISK, "probability=0.050"),
    (RISK, "probability=0.1"),  # one digit: [0.05, 0.15)
    (RISK, "probability=gt0.04"),
    (RISK, "probability=ap0.054"),
    (RISK, "probability=5e-2"),
    (OBSERVATION, "value-quantity=72.5"),
    (OBSERVATION, "value-quantity=72.5|http://unitsofmeasure.org|kg"),
    (OBSERVATION, "value-quantity=72.5||kg"),
    (OBSERVATION, "value-quantity=ge72.5"),
    (OBSERVATION, "value-quantity=lt100||kg"),
    (OBSERVATION, "value-quantity=ap70"),
    # uri
    (VALUE_SET, "url=http://a.example/fhir/ValueSet/x"),
    (VALUE_SET, "url:below=http://a.example/fhir/"),
    (VALUE_SET, "url:below=http://a.example/fhir"),
    (VALUE_SET, "url:above=http://a.example/fhir/ValueSet/x/_history/5"),
    (PATIENT, "_profile=http://a.example/profile"),
    (PATIENT, "_profile=http://a.example/profile|1.0"),
]
LEFT_OUT = [
    # `|x` means: without a system
    (PATIENT, "identifier=|A1"),
    (PATIENT, "identifier=urn:oid:2|A1"),
    (PATIENT, "identifier=a1"),
    (PATIENT, "identifier=urn:oid:1|bare"),
    (PATIENT, "identifier:not=A1"),
    (PATIENT, "gender=http://wrong.example|female"),
    (PATIENT, "gender:not=female,male"),
    (PATIENT, "gender:missing=true"),
    (PATIENT, "active=garbage"),
    (PATIENT, "phone=li@a.example"),
    (OBSERVATION, "code=http://snomed.info/sct|29463-7"),
    (OBSERVATION, "code:text=weight"),
    (PATIENT, "name=华"),
    (PATIENT, "name=zhang"),
    (PATIENT, "name:exact=jose o’brien"),
    (PATIENT, "name:contains=zz"),
    (PATIENT, "address=丙路2"),
    (OBSERVATION, "subject=Group/p1"),
    (OBSERVATION, "subject:Group=p1"),
    (OBSERVATION, "subject:Group=Patient/p1"),
    (OBSERVATION, "subject=Patient/p1/_history/1"),
    (PATIENT, "general-practitioner=Organization/o1"),
    (PATIENT, "general-practitioner=http://c.example/fhir/Practitioner/d1"),
    (PATIENT, "general-practitioner=Practitioner/d1/_history/2"),
    (PATIENT, "organization:identifier=|O-1"),
    (PATIENT, "birthdate=1990-02-04"),
    (PATIENT, "birthdate=ne1990"),
    (PATIENT, "birthdate=gt1990"),
    (PATIENT, "birthdate=sa1990-02-03"),
    (PATIENT, "birthdate=lt1990-02-03"),
    # a day does not contain a month: equality is no overlap
    (OBSERVATION, "date=2024-03-15"),
    (OBSERVATION, "date=sa2024-03-15"),
    (OBSERVATION, "date=eb2024-03-15"),
    (OPEN, "date=2024"),
    (OPEN, "date=eb2030"),
    (OPEN, "date=lt2024-03-05"),
    (RISK, "probability=0.051"),
    (RISK, "probability=0.06"),
    (RISK, "probability=gt0.05"),
    (OBSERVATION, "value-quantity=72"),
    (OBSERVATION, "value-quantity=72.5|http://unitsofmeasure.org|g"),
    (OBSERVATION, "value-quantity=72.5|http://other.example|kg"),
    (OBSERVATION, "value-quantity=gt72.5"),
    (VALUE_SET, "url=http://a.example/fhir/ValueSet"),
    (VALUE_SET, "url:below=http://a.example/fh"),
    (VALUE_SET, "url:above=http://a.example/fhir"),
    (PATIENT, "_profile=http://a.example/profile|2.0"),
    (PATIENT, "_id=p1&gender=male"),
]


def query_of(tree, search):
    pairs = parse_qsl(search.replace("+", "%2B"), strict_parsing=True)
    return parse(tree["resourceType"], pairs, strict=True)


@pytest.mark.parametrize(("tree", "search"), FOUND, ids=lambda one: one if isinstance(one, str) else "")
def test_a_search_finds(tree, search):
    assert matches(query_of(tree, search), tree)


@pytest.mark.parametrize(("tree", "search"), LEFT_OUT, ids=lambda one: one if isinstance(one, str) else "")
def test_a_search_leaves_out(tree, search):
    assert not matches(query_of(tree, search), tree)


@pytest.mark.parametrize(
    ("typed", "low", "high"),
    [
        ("100", 99.5, 100.5),
        ("100.00", 99.995, 100.005),
        ("1e2", 95, 105),
        ("5.40e-3", 0.005395, 0.005405),
        ("-1", -1.5, -0.5),
    ],
)
def test_equality_of_numbers_takes_the_precision_typed(typed, low, high):
    def found(value):
        tree = {"resourceType": "RiskAssessment", "prediction": [{"probabilityDecimal": value}]}
        return matches(query_of(tree, f"probability={typed}"), tree)

    assert found(low)
    assert not found(high)


def test_the_type_of_the_query_counts():
    assert not matches(query_of(OBSERVATION, "_id=p1"), PATIENT)
    assert not matches(parse(None, [("_type", "Observation,Encounter")], strict=True), PATIENT)


def people(*rows):
    return [{"resourceType": "Patient", "id": id_, **members} for id_, members in rows]


@pytest.mark.parametrize(
    ("sort", "order"),
    [
        ("name", "cadb"),
        ("-name", "dacb"),
        ("birthdate", "acbd"),
        ("-birthdate", "bcad"),
        ("gender,-_id", "dcba"),
    ],
)
def test_sorting_puts_missing_values_last_in_both_directions(sort, order):
    rows = people(
        ("a", {"name": [{"text": "张丽"}], "birthDate": "1980", "gender": "male"}),
        ("b", {"birthDate": "1990-06", "gender": "male"}),
        ("c", {"name": [{"family": "安", "given": ["然"]}], "birthDate": "1985-01-01", "gender": "male"}),
        ("d", {"name": [{"text": "Zoe"}], "gender": "female"}),
    )
    query = parse("Patient", [("_sort", sort)], strict=True)
    assert "".join(row["id"] for row in sorted(rows, key=lambda row: sort_key(query.sort, row))) == order


def test_sort_values_are_plain_enough_for_a_cursor():
    query = parse("Patient", [("_sort", "name,-birthdate,language")], strict=True)
    name, born, language = sort_values(query.sort, PATIENT)
    assert (name, type(born), language) == ("shanlihua", int, None)
