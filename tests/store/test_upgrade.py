"""Upgrades: a database that an earlier release filled says the same after this release's migrations.

Each release leaves its own under `releases/` (scripts/freeze_release.py).
"""

from __future__ import annotations

import json
from pathlib import Path

import asyncpg
import pytest

from minkang.fhir.search import grammar
from minkang.store import keys, migrate
from minkang.store.scope import EVERYTHING, Actor
from minkang.store.store import Store

pytestmark = pytest.mark.anyio

RELEASES = sorted(Path(__file__).with_name("releases").iterdir())


@pytest.mark.parametrize("release", RELEASES, ids=lambda folder: folder.name)
async def test_what_an_earlier_release_wrote_is_there_word_for_word(release: Path, empty_database_url: str) -> None:
    connection = await asyncpg.connect(empty_database_url)
    await connection.execute((release / "dump.sql").read_text(encoding="utf-8"))
    await connection.close()
    await migrate.migrate(empty_database_url)
    store = await Store.open(empty_database_url, keys.load(release / "store.key"))
    repository = store.repository(Actor("Device/test"), EVERYTHING)
    expected = json.loads((release / "contents.json").read_text(encoding="utf-8"))
    page = await repository.history(count=len(expected) + 1)
    found = {f"{one.type}/{one.id}/{one.version}": one.content.decode() for one in page.versions}
    people = await repository.search(grammar.parse("Patient", [("name", "zl"), ("birthdate", "ge1900")], strict=True))
    await store.close()
    assert found == expected
    assert len(people.hits) == 1


async def test_a_release_left_its_database_for_this_test() -> None:
    assert [folder.name for folder in RELEASES]
    for folder in RELEASES:
        assert {file.name for file in folder.iterdir()} == {"contents.json", "dump.sql", "store.key"}
