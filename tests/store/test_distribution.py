"""The store could lie on several machines: every statement says whom it asks, and the tables keep Citus's rules."""

from __future__ import annotations

import os
import re
from collections.abc import AsyncIterator

import pytest

from minkang.fhir.search import grammar
from minkang.store import distribution, migrate
from minkang.store.contract import Extract
from minkang.store.distribution import PLACEMENTS
from minkang.store.keys import generate
from minkang.store.scope import EVERYTHING, Actor
from minkang.store.search import plan, sql
from minkang.store.search.plan import Way
from minkang.store.sql import SQL
from minkang.store.store import Store
from minkang.store.terms import TermHash
from tests.lib.builders import a_patient, an_observation, parsed
from tests.lib.statements import CUT_BY, inside, kind

pytestmark = pytest.mark.anyio

BY_NAME = "names of any number of residents in one turn: each node looks them up by primary key"
EVERYBODY = "a question about everybody"
WRITTEN = "what a transaction wrote lies with all whom it concerns"

FAN_OUT = {
    "locate": BY_NAME,
    "last_versions": BY_NAME,
    "archive": BY_NAME,
    "forget_texts": BY_NAME,
    "relocate": BY_NAME,
    "move_versions": BY_NAME,
    "read_located": "one name, one turn: the place comes from the locator, the row by primary key",
    "read_many": BY_NAME,
    "taken": BY_NAME,
    "import_known": BY_NAME,
    "versions_of": BY_NAME,
    "some_versions": BY_NAME,
    "versions_with_batch": BY_NAME,
    "newest_words": BY_NAME,
    "moves_of": BY_NAME,
    "move_rows": BY_NAME,
    "move_texts": BY_NAME,
    "unplace": BY_NAME,
    "expunge_many": BY_NAME,
    "expunge_versions": BY_NAME,
    "expunge_current": BY_NAME,
    "entomb_many": BY_NAME,
    "definitions": "value sets and the like lie anywhere, found by a term",
    "counts": EVERYBODY,
    "rooms": EVERYBODY,
    "rows_with_terms": EVERYBODY,
    "parameter_resources": "the few SearchParameters there are, wherever they lie",
    "parameter_portion": EVERYBODY,
    "parameter_any_row": EVERYBODY,
    "feed_rows": WRITTEN,
    "feed_sizes": WRITTEN,
    "feed_change": WRITTEN,
}
"""Named statements that ask every node, and why they may."""

BUILT = {
    Way.NAMES: "fan-out",
    Way.PERSON: "fan-out",  # who moved is looked up in the same statement (docs/how-to/outgrow-one-machine.md)
    Way.TERMS: "fan-out",
    Way.TEXT: "fan-out",
    Way.WALK: "fan-out",
}

SEARCHES = {
    Way.NAMES: "_id=o1",
    Way.PERSON: "patient=p1",
    Way.TERMS: "code=rare",
    Way.TEXT: "_content=fever",
    Way.WALK: "status=final",
}


@pytest.mark.parametrize("name", sorted(SQL))
def test_every_named_statement_is_routed_or_local_or_means_to_ask_everybody(name: str) -> None:
    expected = "fan-out" if name in FAN_OUT else None
    found = kind(SQL[name])
    assert found == expected or (expected is None and found in ("routed", "local")), (
        f"{name} is {found}: give it an equality on what cuts the table, or say in FAN_OUT why every node is asked."
    )


def test_nothing_is_excused_that_does_not_exist() -> None:
    assert FAN_OUT.keys() <= SQL.keys()


@pytest.mark.parametrize("one", migrate.migrations(), ids=lambda one: one.name)
def test_what_functions_do_is_routed(one: migrate.Migration) -> None:
    ours, theirs = _ours_and_theirs(one.sql)
    assert not re.search(rf"\b({'|'.join(p.table for p in PLACEMENTS if p.where != 'local')})\b", theirs)
    for name, statements in inside(ours).items():
        assert statements, name
        assert {kind(statement) for statement in statements} <= {"routed", "local"}, name


def _ours_and_theirs(sql: str) -> tuple[str, str]:
    """The queue's own schema keeps to its own tables, which are local; its dialect is not parsed."""
    before, begun, rest = sql.partition("-- >>> procrastinate")
    theirs, _, after = rest.partition("-- <<< procrastinate")
    return (before + after, theirs) if begun else (sql, "")


@pytest.mark.parametrize("way", Way)
def test_every_way_of_a_search(way: Way) -> None:
    made = _plan(way)
    assert made.way is way
    assert kind(sql.rows(made, EVERYTHING, after=None, limit=10).text) == BUILT[way]
    assert kind(sql.count(made, EVERYTHING, 10).text) == BUILT[way]


def _plan(way: Way) -> plan.Plan:
    type = "DocumentReference" if way is Way.TEXT else "Observation"
    name, _, value = SEARCHES[way].partition("=")
    return plan.make(grammar.parse(type, [(name, value)], strict=True), TermHash(generate()))


@pytest.mark.parametrize(
    ("statement", "why"),
    [
        ("UPDATE resource_version SET shard = $1 WHERE shard = $2", "by which the table is cut"),
        ("INSERT INTO locator VALUES ($1, $2, $3) ON CONFLICT (type) DO NOTHING", "leaves out id"),
        ("SELECT id FROM resource WHERE type = $1 FOR UPDATE", "rows of several nodes"),
    ],
)
def test_what_cannot_be_distributed_is_noticed(statement: str, why: str) -> None:
    with pytest.raises(AssertionError, match=why):
        kind(statement)


@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        ("SELECT id FROM resource WHERE shard = $1", "routed"),
        ("SELECT id FROM resource WHERE shard = ANY ($1::bigint[])", "routed"),
        ("SELECT id FROM resource WHERE shard = $1 OR type = $2", "fan-out"),
        ("SELECT id FROM resource WHERE shard = type", "fan-out"),
        ("SELECT r.id FROM resource r JOIN resource_version v ON v.id = r.id WHERE r.shard = $1", "fan-out"),
        ("SELECT EXISTS (SELECT FROM resource WHERE keys && $1)", "fan-out"),
        ("SELECT id FROM batch WHERE id = $1", "local"),
    ],
)
def test_how_a_statement_is_told(statement: str, expected: str) -> None:
    assert kind(statement) == expected


def test_every_table_has_its_place_and_unique_rules_contain_what_cuts_it() -> None:
    schema = migrate.migrations()[-1].expect.splitlines()
    tables = {line.partition(".")[0] for line in schema if "." in line.partition(" ")[0]}
    assert tables == {one.table for one in PLACEMENTS}
    for line in schema:
        if line.startswith("CREATE UNIQUE INDEX"):
            table, _, columns = line.partition(" ON ")[2].partition(" USING btree ")
            assert table not in CUT_BY or CUT_BY[table] in columns.strip("()").split(", "), line


@pytest.mark.skipif("MINKANG_CITUS_URL" in os.environ, reason="asks a database without the extension")
async def test_without_the_extension_nothing_is_done(fresh_database_url: str) -> None:
    with pytest.raises(distribution.NoCitus):
        await distribution.distribute(fresh_database_url)


@pytest.fixture
async def store(fresh_database_url: str) -> AsyncIterator[Store]:
    opened = await Store.open(fresh_database_url, generate())
    yield opened
    await opened.close()


@pytest.mark.skipif("MINKANG_CITUS_URL" not in os.environ, reason="needs a Citus cluster: MINKANG_CITUS_URL")
async def test_a_second_distribution_finds_everything_in_its_place(fresh_database_url: str) -> None:
    assert await distribution.distribute(fresh_database_url, dry_run=True) == []


async def test_a_life_of_a_resource(store: Store) -> None:
    """Written, changed, moved to another resident, found by every way, exported, deleted: meant for a cluster."""
    repository = store.repository(Actor("Device/test"), EVERYTHING)
    for id in ("p1", "p2"):
        await repository.update("Patient", id, parsed({**a_patient("王"), "id": id}))
    for about in ("p1", "p1", "p2"):
        observation = {**an_observation(about=f"Patient/{about}", code="rare"), "id": "o1"}
        await repository.update("Observation", "o1", parsed(observation))
    assert (await repository.read("Observation", "o1")).version == 2
    assert (await repository.vread("Observation", "o1", 1)).version == 1
    for search, expected in (
        ("_id=o1", 1),
        ("patient=p2", 1),
        ("patient=p1", 0),
        ("code=rare", 1),
        ("status=final", 1),
    ):
        name, _, value = search.partition("=")
        page = await repository.search(grammar.parse("Observation", [(name, value)], strict=True))
        assert len(page.hits) == expected, search
    chained = await repository.search(grammar.parse("Observation", [("patient.name", "王")], strict=True))
    assert len(chained.hits) == 1
    said = await repository.search(grammar.parse("DocumentReference", [("_content", "fever")], strict=True))
    assert said.hits == []
    assert len((await repository.everything("p2", count=10)).hits) == 2
    assert len((await repository.history("Observation", "o1", count=10)).versions) == 2
    assert len((await repository.history("Observation", count=10)).versions) == 2
    assert await store.sequence() == 4
    moment = await repository.moment()
    exported = [one async for portion in repository.export(Extract(moment)) for one in portion.versions]
    assert len(exported) == 3
    await repository.delete("Observation", "o1")
    assert await repository.expunge("Observation", "o1") == 3
