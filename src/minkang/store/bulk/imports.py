"""Imports as the database remembers them: which files, which pieces are done, which lines were refused."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from minkang.kit import ids
from minkang.kit.db import Connection
from minkang.store.sql import SQL


@dataclass(frozen=True, slots=True)
class Import:
    """One import; `done`: pieces that are in, as (place of the file, offset)."""

    id: str
    done: frozenset[tuple[int, int]]
    begun_before: bool


def fingerprints(paths: Sequence[Path]) -> str:
    """What tells that these are still the same files, as JSON."""
    told: list[dict[str, Any]] = []
    for path in paths:
        found = path.stat()
        told.append({"path": str(path.absolute()), "size": found.st_size, "modified": found.st_mtime_ns})
    return orjson.dumps(told).decode()


async def open_or_resume(connection: Connection[Any], files: str, source: str, *, again: bool) -> Import:
    """The unfinished import of the same files from the same source, or a new one. `again`: a new one in any case."""
    row = None if again else await connection.fetchrow(SQL["import_unfinished"], files, source)
    if row is not None:
        done = await connection.fetch(SQL["import_done"], row["id"])
        return Import(row["id"], frozenset((one["file"], one["begin"]) for one in done), begun_before=True)
    id = ids.random()
    await connection.execute(SQL["import_open"], id, source, files)
    return Import(id, frozenset(), begun_before=False)


async def finish(connection: Connection[Any], job: str) -> None:
    """All its pieces are in. Searches are told how common what came in is (search/frequencies.py)."""
    await connection.execute(SQL["import_finish"], job)
    await connection.execute(SQL["analyze"])


async def counts(connection: Connection[Any], job: str) -> dict[str, int]:
    """Created, updated, unchanged, rejected lines and bytes so far."""
    row = await connection.fetchrow(SQL["import_counts"], job)
    return dict(row) if row is not None else {}


async def rejected(connection: Connection[Any], job: str) -> AsyncIterator[dict[str, Any]]:
    """Every refused line: file (its place), line, outcome."""
    async with connection.transaction():
        async for row in connection.cursor(SQL["import_rejected"], job):
            yield {"file": row["file"], "line": row["line"], "outcome": orjson.loads(row["outcome"])}
