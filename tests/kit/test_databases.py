"""The fixtures themselves: each test gets the database it was promised."""

from __future__ import annotations

import asyncpg
import pytest

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize("turn", [1, 2])
async def test_a_fresh_database_holds_nothing_of_the_test_before(fresh_database_url, turn):
    connection = await asyncpg.connect(fresh_database_url)
    try:
        await connection.execute("CREATE TABLE left_behind (turn int)")  # fails when the other turn's is still there
        assert await connection.fetchval("SHOW server_encoding") == "UTF8"
    finally:
        await connection.close()


async def test_databases_of_two_kinds_are_different_ones(database_url, fresh_database_url):
    assert database_url != fresh_database_url
