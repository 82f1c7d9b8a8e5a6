"""kill -9 in the middle of indexing by a new search parameter: it goes on, and what was there is found."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path

import asyncpg
import pytest

from minkang.app.prepare import key_file
from minkang.fhir.search.grammar import parse
from minkang.fhir.search.parameters import ADDING
from minkang.kit.folders import DataFolder
from minkang.store import keys, migrate
from minkang.store.scope import EVERYTHING, Actor
from minkang.store.store import Store
from tests.lib.builders import an_observation, parsed
from tests.lib.serving import until

pytestmark = pytest.mark.kill

ROWS = 400
PARAMETER = {
    "resourceType": "SearchParameter",
    "id": "floor",
    "url": "http://minkang.example/SearchParameter/floor",
    "name": "floor",
    "status": "active",
    "description": "on which floor",
    "code": "floor",
    "base": ["Observation"],
    "type": "token",
    "expression": "Observation.method",
}


async def _fill(url: str, found: keys.Keys) -> None:
    await migrate.migrate(url)
    store = await Store.open(url, found)
    repository = store.repository(Actor("Device/test"), EVERYTHING)
    for number in range(ROWS):
        method = {"coding": [{"code": "seventh"}]}
        await repository.update("Observation", f"o{number}", parsed(an_observation(id=f"o{number}", method=method)))
    await repository.update("SearchParameter", "floor", parsed(PARAMETER))
    await store.close()


def _asked(url: str, statement: str) -> int:
    async def ask() -> int:
        connection = await asyncpg.connect(url)
        try:
            return await connection.fetchval(statement) or 0
        finally:
            await connection.close()

    return asyncio.run(ask())


def test_it_goes_on_where_it_was(fresh_database_url: str, tmp_path: Path) -> None:
    data = tmp_path / "data"
    file = key_file(DataFolder(data))
    file.parent.mkdir(mode=0o700, parents=True)
    found = keys.load_or_create(file)
    asyncio.run(_fill(fresh_database_url, found))
    options = ["--data", str(data), "--database-url", fresh_database_url]
    rows = "SELECT max(rows) FROM search_parameter"
    for _ in range(3):
        before = _asked(fresh_database_url, rows)
        process = subprocess.Popen([sys.executable, "-m", "tests.kill.slow_reindex", *options])
        until(lambda before=before: _asked(fresh_database_url, rows) > before, "some more is indexed")
        process.kill()
        process.wait()
    assert 0 < _asked(fresh_database_url, rows) < ROWS
    whole = [sys.executable, "-m", "minkang.app.cli", "reindex", *options]
    done = subprocess.run(whole, check=True, capture_output=True, timeout=60)
    assert b"active" in done.stdout
    assert _asked(fresh_database_url, rows) == ROWS, "each row was looked at once"
    assert asyncio.run(_on_the_seventh(fresh_database_url, found)) == ROWS


async def _on_the_seventh(url: str, found: keys.Keys) -> int | None:
    store = await Store.open(url, found)
    ADDING.set(store.parameters)
    query = parse("Observation", [("floor", "seventh"), ("_total", "accurate")], strict=True)
    page = await store.repository(Actor("Device/test"), EVERYTHING).search(query)
    await store.close()
    return page.total
