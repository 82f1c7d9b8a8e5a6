"""Migrations: each applied once, checked against the live schema, and refused when it is not what it should be."""

from __future__ import annotations

import asyncio

import asyncpg
import pytest

from minkang.store import migrate

pytestmark = pytest.mark.anyio


async def test_a_second_run_applies_nothing(empty_database_url: str) -> None:
    first = await migrate.migrate(empty_database_url)
    assert first == [one.name for one in migrate.migrations()]
    assert await migrate.migrate(empty_database_url) == []


async def test_two_starts_at_once_apply_each_migration_once(empty_database_url: str) -> None:
    applied = await asyncio.gather(*(migrate.migrate(empty_database_url) for _ in range(3)))
    assert sorted(name for names in applied for name in names) == [one.name for one in migrate.migrations()]


async def test_a_schema_that_lacks_a_column_is_refused_by_name(empty_database_url: str) -> None:
    await migrate.migrate(empty_database_url)
    connection = await asyncpg.connect(empty_database_url)
    try:
        await connection.execute("ALTER TABLE resource DROP COLUMN region")
        with pytest.raises(migrate.SchemaDiffers, match=r"- resource\.region integer not null"):
            await migrate.check(connection, migrate.migrations()[-1])
    finally:
        await connection.close()


async def test_an_edited_migration_is_refused(empty_database_url: str) -> None:
    await migrate.migrate(empty_database_url)
    connection = await asyncpg.connect(empty_database_url)
    await connection.execute("UPDATE migration SET checksum = 'other' WHERE number = 1")
    await connection.close()
    with pytest.raises(migrate.SchemaDiffers, match="was edited after it was applied"):
        await migrate.migrate(empty_database_url)
