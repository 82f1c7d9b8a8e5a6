"""The PostgreSQL store and its naive twin give the same answers, whatever is stored, asked and written.

`make test-generative` (the profile `long`) looks for new examples for some minutes; without it the same bounded set is
run every time, so that the suite says the same twice.
"""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, assume, given, settings
from hypothesis import strategies as st

from minkang.fhir.resource import Resource
from minkang.store.search import page
from minkang.store.search.plan import Plan
from tests.generative.reducing import smallest, smallest_search
from tests.generative.searches import NET, chains, linked, searches, single_clauses, sorted_lists, wide_searches
from tests.generative.twins import SCOPES, WRITERS, Twins
from tests.generative.vocabulary import IDS, RESOURCES
from tests.generative.writes import TYPES, steps
from tests.spec.language import Row

LONG = os.environ.get("MINKANG_HYPOTHESIS_PROFILE") == "long"


def bounded(examples: int) -> settings:
    return settings(
        max_examples=examples * 20 if LONG else examples,
        derandomize=not LONG,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        print_blob=LONG,
        suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large],
    )


@pytest.fixture(scope="module")
def twins(database_url: str) -> Iterator[Twins]:
    with asyncio.Runner() as runner:
        both = Twins(runner, database_url)
        yield both
        both.close()


@pytest.fixture(params=["as it is", "tight"])
def limits(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Few rows never meet the limits of the search; tight ones make it change its way and refill its pages often."""
    if request.param == "tight":
        monkeypatch.setattr(page, "_STEP", 3)
        monkeypatch.setattr(page.linking, "MOST", 1)
        monkeypatch.setattr(page.planning, "make", _with_few_hits(page.planning.make))


def _with_few_hits(make: Callable[..., Plan]) -> Callable[..., Plan]:
    def tight(*asked: Any) -> Plan:
        plan = make(*asked)
        plan.most = 2
        return plan

    return tight


Written = list[tuple[str, Resource]]
"""Resources, each by the caller who wrote it; the same one may come again, then the later one counts."""


@st.composite
def _worlds(draw: st.DrawFn) -> tuple[Written, list[tuple[str, str]]]:
    """Many records of few types, and searches for them, each with the scope of who asks."""
    types = draw(st.lists(st.sampled_from(list(RESOURCES)), min_size=1, max_size=3, unique=True))
    resource = st.sampled_from(types).flatmap(lambda type: RESOURCES[type])
    named = st.builds(lambda body, id: {**body, "id": id}, resource, st.sampled_from(IDS))
    written = draw(st.lists(st.tuples(st.sampled_from(list(WRITERS)), named), min_size=6, max_size=30))
    wanted = st.one_of(*[searches(types)] * 5, wide_searches(types))
    asked = st.tuples(wanted, st.sampled_from(list(SCOPES)))
    return written, draw(st.lists(asked, min_size=10, max_size=24))


@pytest.mark.parametrize("type", RESOURCES)
@given(data=st.data())
@bounded(1)
def test_every_value_of_every_parameter_finds_the_same(twins: Twins, type: str, data: st.DataObject) -> None:
    """Twelve records of one type, then each clause there is by itself."""
    named = st.tuples(*(RESOURCES[type].map(lambda body, id=id: {**body, "id": id}) for id in IDS))
    resources = [("east", resource) for resource in data.draw(named)]
    assume(len({json.dumps({**resource, "id": ""}) for _, resource in resources}) >= len(IDS) // 2)
    twins.fill(resources)
    for search in [*single_clauses(type), *sorted_lists(type)]:
        naive, postgres = twins.search(search, "city")
        if postgres != naive:
            pytest.fail(_told(twins, resources, search, "city"), pytrace=False)


@st.composite
def _nets(draw: st.DrawFn) -> Written:
    """Four of each type that refer to each other."""
    return [("east", {**draw(RESOURCES[type]), "id": id}) for type in NET for id in IDS[:4]]


@given(_nets(), st.lists(chains(), min_size=40, max_size=40))
@bounded(6)
def test_every_chain_of_includes_brings_the_same(twins: Twins, resources: Written, asked: list[str]) -> None:
    twins.fill(resources)
    for search in asked:
        naive, postgres = twins.search(search, "city")
        if postgres != naive:
            pytest.fail(_told(twins, resources, search, "city"), pytrace=False)


@given(_nets(), st.lists(st.tuples(linked(), st.sampled_from(list(SCOPES))), min_size=40, max_size=40))
@bounded(12)
@pytest.mark.usefixtures("limits")
def test_every_search_by_links_finds_the_same(twins: Twins, resources: Written, asked: list[tuple[str, str]]) -> None:
    resources = [(list(WRITERS)[place % len(WRITERS)], one) for place, (_, one) in enumerate(resources)]
    twins.fill(resources)
    for search, scope in asked:
        naive, postgres = twins.search(search, scope)
        if postgres != naive:
            pytest.fail(_told(twins, resources, search, scope), pytrace=False)


@given(_worlds())
@bounded(50)
@pytest.mark.usefixtures("limits")
def test_every_search_finds_the_same(twins: Twins, world: tuple[Written, list[tuple[str, str]]]) -> None:
    resources, asked = world
    twins.fill(resources)
    for search, scope in asked:
        naive, postgres = twins.search(search, scope)
        if postgres != naive:
            pytest.fail(_told(twins, resources, search, scope), pytrace=False)


def _told(twins: Twins, resources: Written, search: str, scope: str) -> str:
    """The difference, on as few resources and with as short a search as show it."""

    def differs(some: Written, asked: str) -> bool:
        twins.fill(some)
        naive, postgres = twins.search(asked, scope)
        return naive != postgres

    few = smallest(resources, lambda fewer: differs(fewer, search))
    short = smallest_search(search, lambda shorter: differs(few, shorter))
    few = smallest(few, lambda fewer: differs(fewer, short))
    twins.fill(few)
    naive, postgres = twins.search(short, scope)
    lines = [f"{by}: {json.dumps(resource, ensure_ascii=False)}" for by, resource in few]
    unlike = [
        f"{key}: naive {naive[key]}, postgres {postgres.get(key)}" for key in naive if naive[key] != postgres.get(key)
    ]
    return "\n".join([f"GET {short} (scope {scope}) differs on", *lines, *unlike])


PROBES = [Row(f"GET {type}/{id}/_history", "") for type in TYPES for id in IDS[:3]] + [
    Row("GET Patient?_total=accurate&_count=100", ""),
    Row("GET Patient?gender=female", ""),
    Row("GET Observation?subject=Patient/a", ""),
    Row("GET Observation?code=bp&status=amended", ""),
    Row("GET Patient/a/Observation", "", by="east"),
    Row("GET Patient/a/$everything?_count=2", ""),
    Row("GET Patient/a/$everything", "", by="west"),
    Row("GET Patient/_history", ""),
    Row("GET _history", "", by="east"),
]


@given(st.lists(steps(), min_size=3, max_size=14))
@bounded(90)
def test_every_story_of_writes_ends_the_same(twins: Twins, story: list[Row]) -> None:
    if twins.first_difference([*story, *PROBES]) is not None:
        few = smallest([*story, *PROBES], lambda fewer: twins.first_difference(fewer) is not None)
        lines = [repr(row) for row in few]
        pytest.fail("\n".join(["the stores part after", *lines, str(twins.first_difference(few))]), pytrace=False)
