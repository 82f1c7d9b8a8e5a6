"""The 88 searches of fhir-candle (MIT) over its 12 resources, answered by the grammar and a plain loop."""

import json
from dataclasses import replace
from pathlib import Path
from urllib.parse import parse_qsl

import pytest

from minkang.fhir.search.grammar import parse
from minkang.fhir.search.kinds import reference
from minkang.fhir.search.linking import chained, having, is_link, referred
from minkang.fhir.search.match import clause_matches, matches
from minkang.fhir.search.parameters import parameter
from minkang.fhir.search.query import CHAIN
from tests.conformance.examples import conformance

SCORE = Path(__file__).parents[2] / "build" / "conformance" / "search.json"


@pytest.fixture(scope="module")
def candle():
    return json.loads(conformance("search/candle.json").read_text())


def query_of(search):
    path, _, pairs = search.partition("?")
    segments = path.split("/")
    compartment = (segments[0], segments[1]) if len(segments) == 3 else None
    return parse(segments[-1] or None, parse_qsl(pairs), strict=True, compartment=compartment)


def found_by(query, resources):
    query = replace(query, clauses=tuple(without_links(clause, resources) for clause in query.clauses))
    return [one for one in resources if matches(query, one) and inside(query.compartment, one)]


def without_links(clause, resources):
    """A chain or `_has` as a clause about the resource itself."""
    if not is_link(clause):
        return clause
    found = [
        (one, wanted)
        for wanted in clause.wanted
        for one in resources
        if one["resourceType"] == wanted.type and clause_matches(without_links(wanted.clause, resources), one)
    ]
    if clause.modifier == CHAIN:
        return chained(clause, [(one["resourceType"], one["id"]) for one, _ in found])
    return having(name for one, wanted in found for name in referred(wanted.parameter, one))


def inside(compartment, resource):
    """Observations of a Patient compartment: by subject or performer (the compartment definition of R4)."""
    if compartment is None:
        return True
    wanted = reference.parse("/".join(compartment), None, parameter("Observation", "subject"))
    linked = [value for code in ("subject", "performer") for value in values(resource, code)]
    return any(reference.matches(value, wanted, None) for value in linked)


def values(resource, code):
    return reference.values(parameter(resource["resourceType"], code).elements(resource))


def included(query, found, resources):
    """Resources that the includes of the query add to what was found."""
    added = set()
    for include in query.includes:
        for one in found:
            for value in values(one, include.code):
                added.add((value.type, value.id))
    for include in query.revincludes:
        names = {(one["resourceType"], one["id"]) for one in found}
        for one in resources:
            if one["resourceType"] == include.source and any(
                (v.type, v.id) in names for v in values(one, include.code)
            ):
                added.add((one["resourceType"], one["id"]))
    return len({(one["resourceType"], one["id"]) for one in resources} & added)


def answers(case, resources):
    query = query_of(case["search"])
    found = found_by(query, resources)
    entries = len(found) + included(query, found, resources)
    return len(found) == case["matches"] and case["entries"] in (None, entries)


def test_every_search_finds_what_it_should(candle):
    failed = [case["search"] for case in candle["cases"] if not answers(case, candle["resources"])]
    score = {
        "name": "fhir-candle searches",
        "cases": len(candle["cases"]),
        "passed": len(candle["cases"]) - len(failed),
        "note": "grammar and matching alone, without a store",
    }
    SCORE.parent.mkdir(parents=True, exist_ok=True)
    SCORE.write_text(json.dumps(score))
    assert failed == []
    assert len(candle["cases"]) == 88
