"""Which way a chain or `_has` takes: its targets first where they are few, the candidates' own links where not."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from minkang.fhir.problem import Incorrect, TooCostly
from minkang.fhir.resource import parse
from minkang.fhir.search import grammar
from minkang.fhir.search.linking import is_link
from minkang.fhir.search.query import Query
from minkang.store.contract import Entry, Stored
from minkang.store.keys import generate
from minkang.store.scope import EVERYTHING, Actor
from minkang.store.search import linking, page, plan
from minkang.store.search.plan import Way
from minkang.store.store import Store
from minkang.store.terms import TermHash

HASH = TermHash(generate())


class Found:
    """Answers inner searches from a table, and remembers what was asked."""

    def __init__(self, narrow: bool = False, **by_type: list[Stored] | None):
        self.known: dict[Any, Any] = {}
        self.asked: list[str] = []
        self._narrow = narrow
        self._by_type = by_type

    async def few(self, query: Query, most: int) -> list[Stored] | None:
        self.asked.append(str(query.type))
        return self._by_type.get(str(query.type))

    async def all(self, query: Query) -> list[Stored]:
        return await self.few(query, 0) or []

    def is_narrow(self, query: Query) -> bool:
        return self._narrow


def one(type: str, id: str, more: str = "") -> Stored:
    return Stored(type, id, 1, None, f'{{"resourceType":"{type}","id":"{id}"{more}}}'.encode())  # type: ignore[arg-type]


def query(type: str, search: str) -> Query:
    pairs = [tuple(pair.split("=", 1)) for pair in search.split("&")]
    return grammar.parse(type, pairs, strict=True)  # type: ignore[arg-type]


def settled(type: str, search: str, find: Found) -> Query:
    return asyncio.run(linking.settled(query(type, search), find))


def test_few_targets_become_the_residents_whose_rows_are_walked():
    found = settled("Observation", "subject:Patient.name=x", Found(Patient=[one("Patient", "p"), one("Patient", "q")]))
    made = plan.make(found, HASH)
    assert (made.way, made.named, made.links, made.elsewhere) == (Way.PERSON, ["p", "q"], [], [])


def test_few_targets_elsewhere_become_terms():
    found = settled("Encounter", "service-provider.name=x", Found(Organization=[one("Organization", "o")]))
    assert plan.make(found, HASH).way is Way.TERMS


def test_no_target_means_that_nothing_is_read():
    assert plan.make(settled("Observation", "patient.name=x", Found(Patient=[])), HASH).empty
    assert plan.make(settled("Patient", "_has:Condition:patient:code=x", Found(Condition=[])), HASH).empty


def test_what_is_referred_to_is_read_by_its_primary_key():
    subject = ',"subject":{"reference":"Patient/p"}'
    hits = [one("Condition", "a", subject), one("Condition", "b", subject)]
    found = settled("Patient", "_has:Condition:patient:code=x", Found(Condition=hits))
    made = plan.make(found, HASH)
    assert made.way is Way.NAMES
    assert {id for _, id in made.names or ()} == {"p"}


def test_many_targets_are_left_to_the_candidates():
    found = settled("Observation", "patient.name=x&code=y", Found(Patient=None))
    assert [is_link(clause) for clause in found.clauses] == [False, True]
    assert plan.make(found, HASH).links


def test_a_narrow_search_asks_nothing_beforehand():
    find = Found(narrow=True, Patient=[one("Patient", "p")])
    assert any(map(is_link, settled("Observation", "identifier=1&patient.name=x", find).clauses))
    assert find.asked == []


def test_a_link_that_was_tried_is_not_tried_again():
    find = Found(Patient=None)
    settled("Observation", "patient.name=x", find)
    settled("Observation", "patient.name=x", find)
    assert find.asked == ["Patient"]


@pytest.mark.parametrize(
    ("type", "search", "words"),
    [
        ("Organization", "partof." * 6 + "name=x", "more than 5 resources"),
        ("Patient", "&".join(["_has:Condition:patient:code=x"] * 11), "More than 10 chains"),
        ("Observation", "patient.name=" + ",".join("x" * 1001), "More than 1000 values"),
        ("Provenance", "target._id=x", "name one as target:"),
    ],
)
def test_searches_built_to_hurt_are_refused_with_words(type, search, words):
    with pytest.raises(Incorrect, match=words):
        query(type, search)


def test_a_chain_over_many_types_must_name_them(monkeypatch):
    monkeypatch.setattr(grammar, "MAX_ENDS", 3)
    with pytest.raises(Incorrect, match="too many types"):
        query("Observation", "performer.name=x")
    assert query("Observation", "performer:Practitioner.name=x").clauses


async def test_too_much_that_refers_is_too_costly(fresh_database_url, monkeypatch):
    monkeypatch.setattr(linking, "MOST", 0)
    monkeypatch.setattr(page, "WALK", 2)
    store = await Store.open(fresh_database_url, generate())
    try:
        repository = store.repository(Actor("Device/test"), EVERYTHING)
        body = b'{"resourceType":"Patient"}'
        entries = [Entry("PUT", "Patient", "p", parsed=parse(body))]
        body = b'{"resourceType":"Condition","subject":{"reference":"Patient/p"},"code":{"coding":[{"code":"x"}]}}'
        entries += [Entry("POST", "Condition", parsed=parse(body)) for _ in range(3)]
        await repository.transaction(entries)
        with pytest.raises(TooCostly, match="refer to these"):
            await repository.search(query("Patient", "_has:Condition:patient:code=x"))
    finally:
        await store.close()
