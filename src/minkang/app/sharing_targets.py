"""Where rows of an agreement go: a table of a database of the recipient's, or CSV files in a folder.

A portion of a table is written in a thread, for a database may be slow; lines of a file are not.
"""

from __future__ import annotations

import asyncio
import csv
import os
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.engine import Engine

from minkang.app.frontdb_source import address, engine
from minkang.platform.sharing.agreement import Agreement
from minkang.platform.sharing.rows import Row

LONGEST = 1000
"""Characters of a value in a database; longer ones are cut, which the page of the agreement says."""


class TableTarget:
    """Makes the table when it is not there. Raises Trouble for a URL that is none, SQLAlchemyError."""

    def __init__(self, url: str, agreement: Agreement) -> None:
        self._engine: Engine = engine(address(url))
        names = [sa.Column(one.name, sa.Unicode(LONGEST)) for one in agreement.columns]
        own = [
            sa.Column("resource_id", sa.Unicode(64), primary_key=True),
            sa.Column("updated", sa.Unicode(40), nullable=False),
            sa.Column("deleted", sa.SmallInteger(), nullable=False),
        ]
        self._table = sa.Table(agreement.table, sa.MetaData(), *own, *names, mysql_charset="utf8mb4")

    def write(self, rows: Sequence[Row]) -> None:
        """In one transaction: the rows of these ids go, and come again as they are now. One that was taken back stays
        as a row without values, so that the recipient sees it."""
        with self._engine.begin() as connection:
            self._table.create(connection, checkfirst=True)
            ids = [{"gone": row["resource_id"]} for row in rows]
            connection.execute(self._table.delete().where(self._table.c.resource_id == sa.bindparam("gone")), ids)
            connection.execute(self._table.insert(), [_cut(row) for row in rows])

    async def put(self, rows: Sequence[Row]) -> None:
        await asyncio.to_thread(self.write, rows)

    async def finish(self) -> None:
        """Each portion is there already."""

    def close(self) -> str:
        self._engine.dispose()
        return f"table {self._table.name}"


def _cut(row: Row) -> Row:
    own = {"deleted": int(row["deleted"])}
    texts = {name: None if value is None else str(value)[:LONGEST] for name, value in row.items() if name not in own}
    return texts | own


class FileTarget:
    """One file a run, UTF-8 with a mark for Excel; nobody sees half of it."""

    def __init__(self, folder: Path, agreement: Agreement, now: datetime) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._path = folder / f"{agreement.table}-{now:%Y%m%dT%H%M%SZ}.csv"
        self._draft = self._path.with_suffix(".csv.draft")
        self._file = self._draft.open("w", encoding="utf-8-sig", newline="")
        self._writer = csv.DictWriter(self._file, agreement.fields)
        self._writer.writeheader()

    async def put(self, rows: Sequence[Row]) -> None:
        self._writer.writerows({name: safe(value) for name, value in row.items()} for row in rows)

    async def finish(self) -> None:
        self._file.flush()
        await asyncio.to_thread(os.fsync, self._file.fileno())
        self._file.close()
        self._draft.replace(self._path)

    def close(self) -> str:
        """What was made. Half a file goes."""
        self._file.close()
        self._draft.unlink(missing_ok=True)
        return str(self._path)


def safe(value: object) -> object:
    """A text that a spreadsheet would run as a formula is marked as text: https://owasp.org/www-community/attacks/CSV_Injection."""
    return f"'{value}" if isinstance(value, str) and value[:1] in ("=", "+", "-", "@", "\t", "\r") else value
