"""The PostgreSQL store and its naive twin behind one fixture; a conftest takes in `dsn` and `repository_for`."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable

import pytest

from minkang.store import keys
from minkang.store.contract import Repository
from minkang.store.memory import MemoryStore
from minkang.store.scope import Actor, Scope
from minkang.store.store import Store

RepositoryFor = Callable[[Actor, Scope], Repository]
"""A store: the door for a caller."""


@pytest.fixture(params=["memory", "postgres"])
def dsn(request: pytest.FixtureRequest) -> str | None:
    """The database of the PostgreSQL store; None stands for the naive twin. (Not async: making databases is not.)"""
    return request.getfixturevalue("fresh_database_url") if request.param == "postgres" else None


@pytest.fixture
async def repository_for(dsn: str | None) -> AsyncIterator[RepositoryFor]:
    """An empty store."""
    if dsn is None:
        yield MemoryStore().repository
        return
    store = await Store.open(dsn, keys.generate(), connections=8)
    yield store.repository
    await store.close()
