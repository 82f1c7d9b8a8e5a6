"""What value sets hold: the algebra of code sets against plain sets, and bounds against sets built to hurt."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from minkang.fhir.problem import Fault, Incorrect, Problem, TooCostly, Unsupported
from minkang.fhir.resource import Resource
from minkang.fhir.search import resolving
from minkang.fhir.search.grammar import parse
from minkang.fhir.search.match import matches
from minkang.fhir.terminology.asking import is_needed
from minkang.fhir.terminology.codesets import CodeSet, union
from minkang.fhir.terminology.filters import filtered
from minkang.fhir.terminology.hierarchy import concepts_of
from minkang.fhir.terminology.valuesets import MOST_CODES, codes_around, codes_in, newest

WORLD = [(system, code) for system in "ST" for code in "abc"]
codes = st.frozensets(st.sampled_from(WORLD))
sets = st.builds(
    lambda listed, systems, but: CodeSet(listed, systems, frozenset(one for one in but if one[0] in systems)),
    codes,
    st.frozensets(st.sampled_from("ST")),
    codes,
)


def members(one: CodeSet) -> set[tuple[str, str]]:
    return {code for code in WORLD if code in one}


@given(sets, sets)
def test_the_algebra_is_that_of_sets(one: CodeSet, other: CodeSet) -> None:
    assert members(one | other) == members(one) | members(other)
    assert members(one & other) == members(one) & members(other)
    assert members(one - other) == members(one) - members(other)
    assert members(union([one, other, one])) == members(one) | members(other)


def answered(asking: Generator[Any, Sequence[Resource], Any], stored: Sequence[Resource]) -> Any:
    """Drive an asking over a list of resources."""
    try:
        need = next(asking)
        while True:
            need = asking.send([one for one in stored if is_needed(need, one)])
    except StopIteration as done:
        return done.value


def a_value_set(name: str, *include: dict[str, Any], **more: Any) -> Resource:
    return {"resourceType": "ValueSet", "id": name, "url": f"u:{name}", "compose": {"include": [*include]}, **more}


def a_code_system(concepts: list[dict[str, Any]], **more: Any) -> Resource:
    return {"resourceType": "CodeSystem", "id": "s", "url": "u:s", "content": "complete", "concept": concepts, **more}


def test_value_sets_that_include_each_other_many_times_are_expanded_once_each() -> None:
    layers = [a_value_set(f"{n}", *[{"valueSet": [f"u:{n + 1}"]}] * 30) for n in range(60)]
    bottom = a_value_set("60", {"system": "s", "concept": [{"code": "x"}]})
    assert answered(codes_in("u:0"), [*layers, bottom]).codes == {("s", "x")}


def test_a_value_set_of_too_many_others_is_too_costly() -> None:
    layers = [a_value_set(f"{n}", {"valueSet": [f"u:{n + 1}"]}) for n in range(300)]
    with pytest.raises(TooCostly, match="more than 200"):
        answered(codes_in("u:0"), layers)


def test_too_many_codes_are_too_costly() -> None:
    many = [{"code": str(n)} for n in range(MOST_CODES + 1)]
    with pytest.raises(TooCostly, match="10000 codes"):
        answered(codes_in("u:many"), [a_value_set("many", {"system": "s", "concept": many})])
    parts = [a_value_set(f"p{n}", {"system": "s", "concept": many[n * 4000 : (n + 1) * 4000]}) for n in range(3)]
    query = parse("Condition", [("code:in", "u:p0,u:p1,u:p2")], strict=True)
    found = {name: answered(resolving.meaning(name), parts) for name in resolving.open_names(query)}
    with pytest.raises(TooCostly, match="10000 codes"):
        resolving.closed(query, found)


def test_what_is_not_in_use_any_more_is_left_out_where_the_value_set_says_so() -> None:
    retired = {"code": "b", "property": [{"code": "status", "valueCode": "retired"}]}
    gone = {"code": "c", "property": [{"code": "inactive", "valueBoolean": True}]}
    system = a_code_system([{"code": "a"}, retired, gone])
    for inactive, found in ((False, "a"), (True, "abc"), (None, "abc")):
        one = a_value_set("w", {"system": "u:s"})
        one["compose"]["inactive"] = inactive
        assert answered(codes_in("u:w"), [one, system]).codes == {("u:s", code) for code in found}


def test_a_system_too_large_to_list_is_included_as_a_whole() -> None:
    system = a_code_system([{"code": str(n)} for n in range(MOST_CODES + 1)])
    found = answered(codes_in("u:w"), [a_value_set("w", {"system": "u:s"}), system])
    assert found == CodeSet(systems=frozenset({"u:s"}))


def test_too_many_names_in_one_search_are_too_costly() -> None:
    query = parse("Condition", [("code:in", ",".join(f"u:{n}" for n in range(51)))], strict=True)
    with pytest.raises(TooCostly, match="50"):
        resolving.open_names(query)


def test_a_deep_nesting_of_concepts_does_not_exhaust_the_stack() -> None:
    concept: dict[str, Any] = {"code": "0"}
    for n in range(1, 5000):
        concept = {"code": str(n), "concept": [concept]}
    assert len(answered(codes_around("u:s", "4999", above=False), [a_code_system([concept])]).codes) == 5000


def test_a_circle_of_concepts_ends() -> None:
    ring = [{"code": code, "property": [{"code": "parent", "valueCode": up}]} for code, up in ("ab", "bc", "ca")]
    assert answered(codes_around("u:s", "a", above=True), [a_code_system(ring)]).codes == {("u:s", c) for c in "abc"}


TREE = concepts_of(
    a_code_system(
        [
            {"code": "a", "concept": [{"code": "b", "concept": [{"code": "c"}]}]},
            {"code": "d", "display": "Dee", "property": [{"code": "kind", "valueCoding": {"code": "k"}}]},
            {"code": "e", "property": [{"code": "child", "valueCode": "d"}, {"code": "on", "valueBoolean": False}]},
        ]
    )
)


@pytest.mark.parametrize(
    ("property", "op", "value", "found"),
    [
        ("concept", "is-a", "b", "bc"),
        ("concept", "descendent-of", "a", "bc"),
        ("concept", "is-not-a", "a", "de"),
        ("concept", "child-of", "a", "b"),
        ("concept", "generalizes", "c", "abc"),
        ("code", "=", "a", "a"),
        ("code", "in", "a, d", "ad"),
        ("code", "not-in", "a,d", "bce"),
        ("parent", "=", "e", "d"),
        ("child", "=", "d", "e"),
        ("kind", "=", "k", "d"),
        ("kind", "in", "k,l", "d"),
        ("kind", "not-in", "k", "abce"),
        ("kind", "exists", "true", "d"),
        ("kind", "exists", "false", "abce"),
        ("on", "=", "false", "e"),
        ("display", "=", "Dee", "d"),
    ],
)
def test_filters(property: str, op: str, value: str, found: str) -> None:
    assert filtered(TREE, {"property": property, "op": op, "value": value}) == set(found)


@pytest.mark.parametrize("property", ["concept", "display"])
def test_a_filter_by_pattern_is_refused(property: str) -> None:
    with pytest.raises(Unsupported, match="regex"):
        filtered(TREE, {"property": property, "op": "regex", "value": ".*"})


def test_of_several_versions_the_highest_that_is_not_retired_is_meant() -> None:
    versions = ["1.9", "1.10", "1.2"]
    found = [{"resourceType": "ValueSet", "id": one, "version": one, "status": "active"} for one in versions]
    assert newest(found, "") == found[1]
    assert newest(found, "1.9") == found[0]
    assert newest([*found, {**found[0], "version": "2", "status": "retired"}], "") == found[1]
    assert newest([{**found[0], "version": "9" * 5000}], "") is not None
    assert newest([], "") is None


@pytest.mark.parametrize(
    ("made", "kind"),
    [
        (lambda: codes_in("u:nowhere"), Incorrect),
        (lambda: codes_around("u:nowhere", "a", above=True), Incorrect),
    ],
)
def test_what_is_not_here_is_refused_with_words_that_help(
    made: Callable[[], Generator[Any, Any, Any]], kind: type[Problem]
) -> None:
    with pytest.raises(kind, match="PUT"):
        answered(made(), [])


@pytest.mark.parametrize(
    "clause", ["code:in=u:x", "code:not-in=u:x", "code:below=u:s|x", "asserter:below=Organization/x", "_list=x"]
)
def test_what_nobody_looked_up_is_a_fault_and_never_everything(clause: str) -> None:
    name, _, value = clause.partition("=")
    query = parse("Condition", [(name, value)], strict=True)
    coded = {"coding": [{"system": "u:s", "code": "x"}]}
    tree = {"resourceType": "Condition", "id": "x", "code": coded, "asserter": {"reference": "Organization/x"}}
    with pytest.raises(Fault, match="looked up"):
        matches(query, tree)
