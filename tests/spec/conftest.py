"""Both stores behind one fixture, so that every row of the specification is asked of each."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from minkang.store import keys
from minkang.store.memory import MemoryStore
from minkang.store.store import Store
from tests.spec.running import RepositoryFor


@pytest.fixture(params=["memory", "postgres"])
def dsn(request: pytest.FixtureRequest) -> str | None:
    """The database of the PostgreSQL store; None stands for the naive twin. (Not async: making databases is not.)"""
    return request.getfixturevalue("fresh_database_url") if request.param == "postgres" else None


@pytest.fixture
async def repository_for(dsn: str | None) -> AsyncIterator[RepositoryFor]:
    """An empty store: gives the door for a caller."""
    if dsn is None:
        yield MemoryStore().repository
        return
    store = await Store.open(dsn, keys.generate(), connections=2)
    yield store.repository
    await store.close()
