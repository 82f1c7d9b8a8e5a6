"""Query strings read, and refused."""

from urllib.parse import parse_qsl

import pytest
from hypothesis import given
from hypothesis import strategies as st

from minkang.fhir.problem import Incorrect, Unsupported
from minkang.fhir.search.escapes import split, unescape
from minkang.fhir.search.grammar import MAX_ALTERNATIVES, MAX_PAIRS, MAX_VALUE, parse
from minkang.fhir.search.query import Include, Query


def read(search, *, strict=True):
    type_, _, pairs = search.partition("?")
    return parse(type_ or None, parse_qsl(pairs, keep_blank_values=True), strict=strict)


def test_repeated_parameters_are_anded_and_commas_ored():
    first, second = read("Patient?given=a,b,a&given=c").clauses
    assert [len(first.wanted), len(second.wanted)] == [2, 1]
    assert (first.parameter.code, first.modifier) == ("given", None)


def test_control_parameters_land_in_their_fields():
    query = read(
        "Observation?_count=5&_sort=-date,_id&_include=Observation:subject:Patient&_revinclude:iterate=Provenance:target"
        "&_summary=data&_elements=code,status&_total=accurate&_cursor=abc"
    )
    assert (query.count, query.summary, query.total, query.cursor) == (5, "data", "accurate", "abc")
    assert [(one.parameter.code, one.descending) for one in query.sort] == [("date", True), ("_id", False)]
    assert query.includes == (Include("Observation", "subject", "Patient"),)
    assert query.revincludes == (Include("Provenance", "target", None, iterate=True),)
    assert query.elements == ("code", "status")


def test_equal_searches_are_equal_and_hashable():
    search = "Patient?name:contains=li&birthdate=ge1990&identifier=a|b&_sort=birthdate"
    assert read(search) == read(search)
    assert hash(read(search)) == hash(read(search))
    assert read(search) != read(search + "&_count=1")


def test_count_is_capped_and_zero_asks_for_the_number_only():
    assert read("Patient?_count=100000").count == 1000
    assert (read("Patient?_count=0").count, read("Patient?_summary=true&_count=0").summary) == (0, "count")
    assert read("Patient?_count=0&_summary=true").summary == "count"


def test_applied_lists_what_was_understood_in_order():
    pairs = [("name", "a"), ("_format", "json"), ("shoe", "x"), ("_type", "Patient"), ("gender", "male")]
    query = parse(None, pairs, strict=False)
    assert query.applied == (("name", "a"), ("_type", "Patient"), ("gender", "male"))
    assert query.ignored == ("shoe",)


def test_a_system_search_has_the_parameters_of_resource_or_of_its_one_type():
    assert read("?_id=a&_type=Patient,Observation").types == ("Patient", "Observation")
    assert read("?family=a&_type=Patient").clauses[0].parameter.base == "Patient"
    with pytest.raises(Incorrect, match="several types"):
        read("?family=a&_type=Patient,Practitioner")


def test_a_reference_by_our_own_address_is_a_local_one():
    pairs = [("subject", "http://a.example/fhir/Patient/1")]
    own = parse("Observation", pairs, strict=True, base="http://a.example/fhir")
    assert own.clauses == read("Observation?subject=Patient/1").clauses
    assert parse("Observation", pairs, strict=True, base="http://b.example/fhir").clauses != own.clauses


def test_missing_takes_a_boolean():
    assert read("Patient?gender:missing=true").clauses[0].wanted == (True,)
    with pytest.raises(Incorrect, match="true or false"):
        read("Patient?gender:missing=yes")


def test_an_unknown_parameter_names_the_known_ones_when_strict_and_is_ignored_when_lenient():
    with pytest.raises(Incorrect, match=r"Unknown parameter 'foo' for Patient; known: .*birthdate.*name"):
        read("Patient?foo=1")
    assert read("Patient?foo=1&name=a", strict=False).ignored == ("foo",)


@pytest.mark.parametrize(
    "search",
    [
        "Patient?name=",
        "Patient?name=,",
        "Patient?birthdate=2024-13-01",
        "Patient?birthdate=zz2024",
        "Patient?birthdate:exact=2024",
        "Patient?name:nonsense=a",
        "Patient?identifier=|",
        "Patient?identifier=a|b|c",
        "Patient?_count=-1",
        "Patient?_count=x",
        "Patient?_count=1&_count=2",
        "Patient?_sort=shoe",
        "Patient?_include=Patient",
        "Patient?_include=Patient:shoe",
        "Patient?_include=Shoe:patient",
        "Patient?_include=Observation:subject:Medication",
        "Patient?_summary=yes",
        "Patient?_total=many",
        "Patient?_elements=a b",
        "Patient?_type=Observation",
        "?_type=Shoe",
        "Shoe?name=a",
        "Observation?subject:Medication=1",
        "Observation?subject=Shoe/1",
        "Observation?subject=a b",
        "Observation?value-quantity=5|kg",
        "Observation?value-quantity=five",
        "RiskAssessment?probability=1e",
        "ValueSet?url:below=urn:oid:1.2",
        "Patient?name=a\0",
        "Patient?name=%00",
        "Patient?given=" + "a" * (MAX_VALUE + 1),
        "Patient?given=" + ",".join(map(str, range(MAX_ALTERNATIVES + 1))),
        "Patient?" + "&".join(["name=a"] * (MAX_PAIRS + 1)),
    ],
)
def test_what_is_wrong_is_refused(search):
    with pytest.raises(Incorrect):
        read(search)


def test_half_a_surrogate_pair_is_refused():
    with pytest.raises(Incorrect, match="surrogate"):
        parse("Patient", [("name", "\ud800")], strict=False)


@pytest.mark.parametrize(
    "search",
    [
        "Patient?_has:Observation:patient:_filter=code eq a",
        "Patient?_filter=name eq a",
        "Observation?_sort=code-value-quantity",
    ],
)
@pytest.mark.parametrize("strict", [True, False])
def test_what_is_not_spoken_yet_is_refused_even_when_lenient(search, strict):
    with pytest.raises(Unsupported):
        read(search, strict=strict)


def test_a_long_list_of_ids_is_accepted():
    ids = ",".join(f"{number:036d}" for number in range(MAX_ALTERNATIVES))
    assert len(read(f"Patient?_id={ids}").clauses[0].wanted) == MAX_ALTERNATIVES


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("a,b", ["a", "b"]),
        (r"a\,b,c", ["a,b", "c"]),
        (r"a\\,b", ["a\\", "b"]),
        (r"a\|b", ["a|b"]),
        (r"C:\temp", [r"C:\temp"]),
        ("\\", ["\\"]),
        ("", [""]),
    ],
)
def test_escapes_keep_separators_inside_a_value(text, parts):
    assert [unescape(part) for part in split(text, ",")] == parts


NAMES = st.sampled_from(
    [
        *("name", "name:exact", "birthdate", "identifier", "gender:not", "general-practitioner:Practitioner", "x"),
        *("_id", "_lastUpdated", "_sort", "_count", "_type", "_include", "_elements", "_total", "_has:a"),
    ]
)


@given(st.lists(st.tuples(NAMES | st.text(max_size=8), st.text(max_size=20)), max_size=6), st.booleans())
def test_any_pairs_give_a_query_or_a_problem(pairs, strict):
    try:
        answer = parse("Patient", pairs, strict=strict)
        hash(answer)
    except (Incorrect, Unsupported) as problem:
        answer = problem
    assert isinstance(answer, Query) or answer.status == 400
