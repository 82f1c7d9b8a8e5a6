"""Whatever is sent as FHIRPath: an answer or a clear refusal, in bounded time and memory, from any thread."""

import json
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from minkang.fhir.path import evaluate, nodes
from minkang.fhir.problem import Incorrect
from minkang.fhir.resource import exact

PATIENT = {
    "resourceType": "Patient",
    "id": "p",
    "active": True,
    "birthDate": "1974-12-25",
    "_birthDate": {"extension": [{"url": "http://a.example/time", "valueDateTime": "1974-12-25T14:35:45-05:00"}]},
    "name": [{"family": "李", "given": ["雷", None], "_given": [None, {"id": "g"}]}, {"use": "usual"}],
    "contained": [{"resourceType": "Group", "id": "g"}],
    "multipleBirthInteger": 2,
}
WORDS = [
    *("Patient", "name", "given", "birthDate", "contained", "$this", "$index", "$total", "%resource", "%ucum"),
    *("where(", "select(", "repeat(", "exists(", "iif(", "aggregate(", "is(", "as(", "matches(", "combine(", "sort("),
    *("replace(", "lowBoundary(", "toQuantity(", "children()", "descendants()", "type()", "first()", "power("),
    *("(", ")", "[", "]", "{", "}", ".", ",", "|", "+", "-", "*", "/", "&", "=", "!=", "~", "!~", "<", ">="),
    *("and", "or", "in", "contains", "is", "as", "implies", "div", "mod", "1", "0", "1.50", "'a'", "'(a+)+$'"),
    *("5 'mg'", "2 days", "@2014", "@2014-02-28T10:00", "@T10:30", "true", "{}", "`given`"),
    *("//", "/*", "*/", "é", "\\", "'", "%", "$"),
]


def answered_or_refused(expression: str) -> None:
    with suppress(Incorrect):
        assert isinstance(evaluate(expression, PATIENT), list)


@given(st.lists(st.sampled_from(WORDS), max_size=25).map(" ".join))
@settings(max_examples=400, deadline=None)
def test_words_in_any_order_are_answered_or_refused(expression):
    answered_or_refused(expression)


@given(st.text(max_size=60))
@settings(max_examples=300, deadline=None)
def test_any_text_is_answered_or_refused(expression):
    answered_or_refused(expression)


@pytest.mark.parametrize(
    "expression",
    [
        "(" * 5000 + "1" + ")" * 5000,
        "-" * 5000 + "1",
        "1" + "+1" * 5000,
        "a" + ".a" * 5000,
        "iif(true," * 500 + "1" + ")" * 500,
        "a[" * 3000,
        "x" * 50_000,
        "99999999999999999999",
        "1.repeat($this + 1)",
        "'ab'.repeat($this & $this)",
        "descendants()" + ".select(%resource.descendants())" * 4,
        "(1|2|3|4|5|6|7|8|9)" + ".aggregate($total.combine($total), %resource.descendants())" * 2,
        "'" + "a" * 5000 + "'.replace('', '" + "b" * 5000 + "')",
        "'aaa'.matches('" + "(a+)+" * 300 + "')",
        "'a'.matches('(')",
    ],
)
def test_what_would_not_end_is_refused(expression):
    with pytest.raises(Incorrect):
        evaluate(expression, PATIENT)


@pytest.mark.parametrize(
    ("expression", "found"),
    [
        ("'" + "a" * 5000 + "!'.matches('^(a+)+$')", [False]),
        ("2.power(100000)", []),
        ("10.0.power(100000)", []),
        ("10.0.power(400).toString().length()", [401]),
        ("2147483647 + 1", []),
        ("@9999-12-31 + 1 day", []),
        ("@2014 + 9999999999999999999999.0 years", []),
        ("1 'x{' = 1 'y'", [False]),
        ("5.lowBoundary(29)", []),
    ],
)
def test_what_has_no_value_is_empty(expression, found):
    assert evaluate(expression, PATIENT) == found


def test_two_hundred_conditions_joined_by_a_union_are_taken():
    assert len(evaluate(" | ".join(f"'{number}'" for number in range(200)), PATIENT)) == 200


def test_threads_do_not_see_each_other():
    def counted(number: int) -> list[object]:
        tree = {"resourceType": "Patient", "name": [{"given": [str(n)]} for n in range(number)]}
        return evaluate("Patient.name.where(given.first().toInteger() >= 0).select($index).count()", tree)

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(counted, range(60))) == [[number] for number in range(60)]


def test_an_evaluation_changes_nothing():
    before = json.dumps(PATIENT)
    evaluate("Patient.descendants().combine(Patient.name.given.sort()).distinct().first() | Patient.name", PATIENT)
    assert json.dumps(PATIENT) == before


def test_decimals_keep_their_digits():
    tree = exact(b'{"resourceType":"Observation","valueQuantity":{"value":1.10,"unit":"kg"},"status":"final"}')
    assert evaluate("Observation.value.value.toString()", tree) == ["1.10"]
    assert evaluate("Observation.value.value + 0.20", tree) == [Decimal("1.30")]


@pytest.mark.parametrize(
    ("expression", "key", "index", "kind"),
    [
        ("Patient.name[0].given[0]", "given", 0, "string"),
        ("Patient.birthDate", "birthDate", None, "date"),
        ("Patient.multipleBirth", "multipleBirthInteger", None, "integer"),
        ("Patient.contained", "contained", 0, "Group"),
    ],
)
def test_a_node_knows_its_place_and_type(expression, key, index, kind):
    (node,) = nodes(expression, PATIENT)
    assert (node.key, node.index, node.kind) == (key, index, kind)


@pytest.mark.parametrize(
    ("expression", "says"),
    [
        ("Patient.name.nothing(1)", "character 14: there is no function nothing"),
        ("name.first(1)", "first.. takes no argument"),
        ("name + 1", "\\+ takes one item, there are 2"),
        ("birthDate < 1", "cannot compare these two types"),
        ("%patient", "no variable %patient"),
        ("name.is(Nothing)", "there is no type 'Nothing'"),
        ("name.memberOf('http://a.example')", "no function memberOf"),
        ("@2014-02-30", "no such date"),
        ("1 + ", "character 5"),
    ],
)
def test_a_refusal_says_where_and_why(expression, says):
    with pytest.raises(Incorrect, match=says):
        evaluate(expression, PATIENT)


def test_an_unknown_element_is_empty_unless_asked_strictly():
    assert evaluate("Patient.nickname", PATIENT) == []
    with pytest.raises(Incorrect, match="Patient has no element 'nickname'"):
        nodes("Patient.nickname", PATIENT, strict=True)


def test_variables_are_given_with_the_question():
    assert evaluate("%wanted in name.family", PATIENT, {"wanted": "李"}) == [True]
