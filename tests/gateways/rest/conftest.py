"""The FHIR door over the naive store, in this process, with the logs of production."""

from __future__ import annotations

import io
from collections.abc import AsyncIterator, Iterator

import pytest
import structlog

from minkang.gateways.rest.gateway import build
from minkang.kit import log
from minkang.store import keys
from minkang.store.contract import Repository
from minkang.store.memory import MemoryStore
from minkang.store.scope import EVERYTHING, Actor
from minkang.store.store import Store
from tests.lib.asgi import Client

MAX_BODY = 200_000


@pytest.fixture(scope="session", autouse=True)
def logged() -> Iterator[io.StringIO]:
    """What is logged meanwhile, as in production: without local values, on lines of JSON."""
    lines = io.StringIO()
    log.set_up("info", stream=lines)
    yield lines
    structlog.reset_defaults()


class PostgresStore:
    """A PostgreSQL store that is called like the naive one."""

    def __init__(self, opened: Store) -> None:
        self.opened = opened

    def repository(self) -> Repository:
        return self.opened.repository(Actor("Device/test"), EVERYTHING)


@pytest.fixture(params=["memory", "postgres"])
def database(request: pytest.FixtureRequest) -> str | None:
    """Where the records go: None is the naive store."""
    return None if request.param == "memory" else request.getfixturevalue("fresh_database_url")


@pytest.fixture
async def store(database: str | None) -> AsyncIterator[MemoryStore | PostgresStore]:
    if database is None:
        yield MemoryStore()
        return
    opened = await Store.open(database, keys.generate())
    yield PostgresStore(opened)
    await opened.close()


@pytest.fixture
def door(store: MemoryStore | PostgresStore) -> Client:
    return Client(build(lambda request: store.repository(), max_body=MAX_BODY))
