"""What a database holds, counted whole: for backups, which must be able to say that everything came back."""

from __future__ import annotations

from typing import Any

from minkang.kit.db import Connection
from minkang.store.sql import SQL

_SCHEMA = "SELECT coalesce(max(number), 0) FROM migration"
_TABLES = """
SELECT relname, quote_ident(relname) AS quoted FROM pg_class
WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' ORDER BY relname
"""


async def fingerprint(connection: Connection[Any]) -> str | None:
    """Of the key file this database was sealed with; None before the first start."""
    return await connection.fetchval(SQL["fact"], "keys")


async def schema(connection: Connection[Any]) -> int:
    """The number of the last migration, 0 before the first."""
    return await connection.fetchval(_SCHEMA)


async def rows(connection: Connection[Any]) -> dict[str, int]:
    """Rows of each table, counted one by one."""
    tables = await connection.fetch(_TABLES)
    return {
        table["relname"]: await connection.fetchval(f"SELECT count(*) FROM {table['quoted']}")  # noqa: S608 - quoted above
        for table in tables
    }
