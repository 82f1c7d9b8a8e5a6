"""What all tests may ask for: a PostgreSQL, databases on it with the store's schema, and asyncio as the only loop."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.lib.postgres import Databases, server


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """The URL of a server for this test process: an embedded one without durability, or MINKANG_TEST_DATABASE_URL."""
    with server() as url:
        yield url


@pytest.fixture(scope="session")
def databases(postgres: str) -> Iterator[Databases]:
    made = Databases(postgres)
    yield made
    made.close()


@pytest.fixture
def fresh_database_url(databases: Databases) -> Iterator[str]:
    """A database of this test's own, with the store's schema and nothing in it."""
    url = databases.migrated()
    yield url
    databases.drop(url)


@pytest.fixture
def empty_database_url(databases: Databases) -> Iterator[str]:
    """A database of this test's own without any schema."""
    url = databases.empty()
    yield url
    databases.drop(url)


@pytest.fixture(scope="module")
def database_url(databases: Databases) -> Iterator[str]:
    """A database shared by the tests of one file, with the store's schema."""
    url = databases.migrated()
    yield url
    databases.drop(url)
