"""Bring a database to this version's schema: numbered SQL files, each applied once and checked against the live schema.

`NNNN_pre_what.sql` runs before the new code starts, `NNNN_post_what.sql` after the old code is gone; one supervisor
starting alone runs both. Beside each file stands `.expect`, the schema as it must be afterwards: a migration that
reports success and skipped a column has hurt others (hapi-fhir #8027).
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from importlib import resources
from typing import Any

import asyncpg

from minkang.kit.db import Connection

_LOCK = 0x6D696E6B616E67  # "minkang"
_FOLDER = resources.files("minkang.store").joinpath("sql", "migrations")


class SchemaDiffers(Exception):
    """The live schema is not what the migration should have made."""


@dataclass(frozen=True, slots=True)
class Migration:
    number: int
    phase: str
    name: str
    sql: str
    expect: str

    @property
    def checksum(self) -> str:
        return hashlib.sha256(self.sql.encode()).hexdigest()


def migrations() -> list[Migration]:
    """All migrations of this version, in order."""
    files = sorted(file.name for file in _FOLDER.iterdir() if file.name.endswith(".sql"))
    return [_load(name) for name in files]


def _load(name: str) -> Migration:
    number, phase, _ = name.split("_", 2)
    expect = _FOLDER.joinpath(name.removesuffix(".sql") + ".expect").read_text()
    return Migration(int(number), phase, name.removesuffix(".sql"), _FOLDER.joinpath(name).read_text(), expect)


async def migrate(dsn: str, *, phases: tuple[str, ...] = ("pre", "post")) -> list[str]:
    """Apply what is missing, under a lock, each file in a transaction of its own; return the names applied.

    Raises SchemaDiffers when the schema afterwards is not the expected one, or when an applied file was edited since.
    """
    connection = await asyncpg.connect(dsn)
    try:
        await connection.execute("SELECT pg_advisory_lock($1)", _LOCK)
        await connection.execute(
            "CREATE TABLE IF NOT EXISTS migration (number integer PRIMARY KEY, name text NOT NULL,"
            " checksum text NOT NULL, applied timestamptz NOT NULL DEFAULT now())"
        )
        return [m.name for m in migrations() if m.phase in phases and await _apply(connection, m)]
    finally:
        await connection.close()


async def _apply(connection: Connection[Any], migration: Migration) -> bool:
    checksum = await connection.fetchval("SELECT checksum FROM migration WHERE number = $1", migration.number)
    if checksum is not None:
        if checksum != migration.checksum:
            raise SchemaDiffers(f"Migration {migration.name} was edited after it was applied here.")
        return False
    async with connection.transaction():
        await connection.execute(migration.sql)
        await check(connection, migration)
        await connection.execute(
            "INSERT INTO migration (number, name, checksum) VALUES ($1, $2, $3)",
            migration.number,
            migration.name,
            migration.checksum,
        )
    return True


async def check(connection: Connection[Any], migration: Migration) -> None:
    """Raises SchemaDiffers with the lines that are missing or too many."""
    live, expected = set((await describe(connection)).splitlines()), set(migration.expect.splitlines())
    missing, surplus = sorted(expected - live), sorted(live - expected)
    if missing or surplus:
        lines = [f"- {line}" for line in missing] + [f"+ {line}" for line in surplus]
        raise SchemaDiffers(f"After {migration.name} the schema differs:\n" + "\n".join(lines))


async def describe(connection: Connection[Any]) -> str:
    """The live schema as sorted text: columns, indexes, constraints, sequences."""
    lines = await connection.fetch(
        """
        SELECT format('%s.%s %s%s', c.relname, a.attname, format_type(a.atttypid, a.atttypmod),
                      CASE WHEN a.attnotnull THEN ' not null' ELSE '' END) AS line
          FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
         WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind IN ('r', 'p')
           AND a.attnum > 0 AND NOT a.attisdropped
        UNION ALL
        SELECT regexp_replace(indexdef, ' ON [^ .]+\\.', ' ON ') FROM pg_indexes WHERE schemaname = current_schema()
        UNION ALL
        SELECT format('sequence %s', relname) FROM pg_class
         WHERE relnamespace = current_schema()::regnamespace AND relkind = 'S'
        ORDER BY 1
        """
    )
    return "\n".join(row["line"] for row in lines) + "\n"
