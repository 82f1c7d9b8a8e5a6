"""The PostgreSQL store and its naive twin give the same answers, whatever is stored, asked and written.

MINKANG_GENERATIVE=long looks for new examples for some minutes; without it the same bounded set is run every time.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from minkang.fhir.resource import Resource
from tests.generative.searches import searches
from tests.generative.twins import SCOPES, WRITERS, Twins
from tests.generative.vocabulary import IDS, RESOURCES
from tests.generative.writes import TYPES, steps
from tests.spec.language import Row

LONG = os.environ.get("MINKANG_GENERATIVE") == "long"


def bounded(examples: int) -> settings:
    return settings(
        max_examples=examples * 40 if LONG else examples,
        derandomize=not LONG,
        database=None,
        deadline=None,
        print_blob=LONG,
        suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large],
    )


@pytest.fixture(scope="module")
def twins(database_url: str) -> Iterator[Twins]:
    with asyncio.Runner() as runner:
        both = Twins(runner, database_url)
        yield both
        both.close()


@st.composite
def _loaded(draw: st.DrawFn) -> list[tuple[str, Resource]]:
    """Resources by who wrote them; the same one may come again, then the later one counts."""
    resource = st.sampled_from(list(RESOURCES)).flatmap(lambda type: RESOURCES[type])
    named = st.builds(lambda body, id: {**body, "id": id}, resource, st.sampled_from(IDS))
    return draw(st.lists(st.tuples(st.sampled_from(list(WRITERS)), named), min_size=4, max_size=24))


@given(_loaded(), st.lists(st.tuples(searches(), st.sampled_from(list(SCOPES))), min_size=6, max_size=16))
@bounded(45)
def test_every_search_finds_the_same(
    twins: Twins, resources: list[tuple[str, Resource]], asked: list[tuple[str, str]]
) -> None:
    twins.empty()
    twins.load(resources)
    for search, scope in asked:
        naive, postgres = twins.search(search, scope)
        assert postgres == naive, f"{search} (scope {scope}): postgres {postgres}, naive {naive}"


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
@bounded(60)
def test_every_story_of_writes_ends_the_same(twins: Twins, story: list[Row]) -> None:
    twins.empty()
    told = twins.tell([*story, *PROBES])
    for place, (row, naive, postgres) in enumerate(told, 1):
        assert postgres == naive, f"step {place}, {row!r}: postgres {postgres!r}, naive {naive!r}"
