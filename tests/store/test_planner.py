"""Which way a search takes, by what is known of its terms; and that none walks for ever."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator

import pytest

from minkang.fhir.problem import TooCostly
from minkang.fhir.resource import parse
from minkang.fhir.search import grammar
from minkang.store.contract import Entry
from minkang.store.keys import generate
from minkang.store.scope import EVERYTHING, Actor
from minkang.store.search import page, plan
from minkang.store.search.frequencies import Frequencies
from minkang.store.search.plan import Way
from minkang.store.store import Store
from minkang.store.terms import TermHash
from minkang.store.types import NUMBERS

HASH = TermHash(generate())
COMMON = HASH("Observation|code|c|common")
FLAG = HASH("Observation|status|c|final")
OBSERVATION = NUMBERS["Observation"]


def known(**rows: float) -> Frequencies:
    """Ten million rows, half of them observations."""
    terms = {HASH(f"Observation|code|c|{code}"): number for code, number in rows.items()}
    return Frequencies(1e7, _terms=terms, _types={OBSERVATION: 0.5}, _least=1e-4)


def way(search: str, frequencies: Frequencies) -> Way:
    pairs = [tuple(pair.split("=", 1)) for pair in search.split("&")]
    query = grammar.parse("Observation", pairs, strict=True)  # type: ignore[arg-type]
    return plan.make(query, HASH, frequencies).way


@pytest.mark.parametrize(
    ("search", "expected"),
    [
        ("code=rare", Way.TERMS),
        ("code=common", Way.WALK),
        ("code=common&identifier=1", Way.TERMS),
        ("code=common,rare", Way.WALK),
        ("code=common&patient=p1", Way.PERSON),
        ("status=final", Way.WALK),
    ],
)
def test_a_common_term_is_walked_and_a_rare_one_sought(search, expected):
    frequencies = known(common=1e6)
    frequencies.found([FLAG], 4e6)
    assert way(search, frequencies) is expected


def test_before_anything_is_known_every_term_is_sought():
    assert way("code=common", Frequencies()) is Way.TERMS


def test_what_a_search_found_out_is_remembered():
    frequencies = known()
    assert way("code=common", frequencies) is Way.TERMS
    frequencies.found([COMMON], 5_001)
    assert way("code=common", frequencies) is Way.WALK


def test_what_would_surely_be_far_is_refused_at_once_with_the_way_out():
    frequencies = known(a=6_000, b=6_000)
    with pytest.raises(TooCostly, match="patient, identifier or a narrow date"):
        way("code=a&code=b", frequencies)
    assert way("code=a&code=b&date=2026-11-01", frequencies) is Way.WALK
    assert way("code=a&code=b&patient=p1", frequencies) is Way.PERSON


@pytest.fixture
async def store(fresh_database_url: str) -> AsyncIterator[Store]:
    opened = await Store.open(fresh_database_url, generate())
    yield opened
    await opened.close()


async def _fill(store: Store) -> None:
    entries = [
        Entry("POST", "Observation", parsed=parse(json.dumps(_observation(number)).encode())) for number in range(300)
    ]
    await store.repository(Actor("Device/test"), EVERYTHING).transaction(entries)


def _observation(number: int) -> dict:
    code = {"coding": [{"system": "urn:x", "code": "often" if number % 3 else "seldom"}]}
    return {"resourceType": "Observation", "status": "final", "code": code, "effectiveDateTime": f"{1900 + number}"}


@pytest.mark.anyio
async def test_the_statistics_of_the_database_tell(store):
    await _fill(store)
    async with store.database.connection() as connection:
        await connection.execute("ANALYZE resource")
    await store.learn()
    term = store.indexer.hash("Observation|code|s|urn:x|often")
    assert store.frequencies.rows == 300
    assert store.frequencies.of([term]) == pytest.approx(200, rel=0.01)
    assert store.frequencies.rows_of([OBSERVATION]) == pytest.approx(300, rel=0.01)


@pytest.mark.anyio
async def test_a_walk_that_finds_nothing_ends_in_words(store, monkeypatch):
    await _fill(store)
    monkeypatch.setattr(page, "BUDGET", -1.0)
    repository = store.repository(Actor("Device/test"), EVERYTHING)
    rare = grammar.parse("Observation", [("value-quantity", "gt5")], strict=True)
    with pytest.raises(TooCostly, match="narrow date"):
        await repository.search(rare)
    store_answers = grammar.parse("Observation", [("code", "often"), ("_count", "1")], strict=True)
    assert len((await repository.search(store_answers)).hits) == 1


@pytest.mark.anyio
async def test_an_estimate_counts_what_is_few_and_estimates_what_is_many(store, monkeypatch):
    await _fill(store)
    async with store.database.connection() as connection:
        await connection.execute("ANALYZE resource")
    await store.learn()
    repository = store.repository(Actor("Device/test"), EVERYTHING)

    async def total(kind: str, *pairs: tuple[str, str]) -> int | None:
        asked = [*pairs, ("_total", kind), ("_count", "1")]
        return (await repository.search(grammar.parse("Observation", asked, strict=True))).total

    often, dated = ("code", "urn:x|often"), ("date", "lt2000-06")
    assert await total("estimate", often) == await total("accurate", often) == 200
    assert await total("estimate", dated) == await total("accurate", dated) == 101
    monkeypatch.setattr(page, "FEW", 50)
    assert await total("estimate", often) == pytest.approx(200, rel=0.05)
    assert 50 <= (await total("estimate", dated) or 0) <= 300
