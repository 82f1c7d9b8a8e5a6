"""The bulk import beside its limit: one connection's binary COPY of the very same rows into the same tables.

The limit is measured in the same run, on the same server with the same settings, right after the import.
"""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import asyncpg

from minkang.app.importing import load
from minkang.app.prepare import key_file
from minkang.kit.postgres.cluster import Cluster
from minkang.store.migrate import migrate
from tests.lib.serving import Platform

TABLES = ("locator", "resource")


def imported(running: Platform, file: Path) -> dict[str, float]:
    """Imports the file; resources a second from the call to the last commit, processes' start included."""
    url = Cluster(running.folder).url
    began = time.perf_counter()
    result = load(url, key_file(running.folder), [file], source="bench", workers=3, again=True)
    seconds = time.perf_counter() - began
    if result.counts.rejected:
        raise SystemExit(f"{result.counts.rejected} lines were refused")
    done = sum(result.counts[:3])
    return {"import.resources": done, "import.seconds": seconds, "import.resources_per_s": done / seconds}


def disk(running: Platform) -> dict[str, float]:
    """Bytes of all record tables with their indexes, for each current resource."""
    return asyncio.run(_disk(Cluster(running.folder).url))


async def _disk(url: str) -> dict[str, float]:
    connection = await asyncpg.connect(url)
    try:
        tables = "'resource', 'resource_version', 'locator', 'batch', 'resource_text'"
        size = await connection.fetchval(
            f"SELECT sum(pg_total_relation_size(oid)) FROM pg_class WHERE relname IN ({tables}) AND relkind = 'r'"
        )
        return {"disk.bytes_per_resource": float(size) / await connection.fetchval("SELECT count(*) FROM resource")}
    finally:
        await connection.close()


def copied(running: Platform, work: Path) -> dict[str, float]:
    """The limit: rows a second of COPY."""
    return asyncio.run(_copied(Cluster(running.folder).url, work))


async def _copied(url: str, work: Path) -> dict[str, float]:
    source = await asyncpg.connect(url)
    try:
        for table in TABLES:
            await source.copy_from_table(table, output=str(work / f"{table}.copy"), format="binary")
        rows = await source.fetchval("SELECT count(*) FROM resource")
        await source.execute("CREATE DATABASE copy_limit TEMPLATE template0")
        parts = urlsplit(url)
        target_url = urlunsplit(parts._replace(path="/copy_limit"))
        await migrate(target_url)
        seconds = await _copy_all(target_url, work)
        await source.execute("DROP DATABASE copy_limit")
    finally:
        await source.close()
        for table in TABLES:
            (work / f"{table}.copy").unlink(missing_ok=True)
    return {"copy.resources_per_s": rows / seconds, "copy.seconds": seconds}


async def _copy_all(url: str, work: Path) -> float:
    target = await asyncpg.connect(url)
    try:
        began = time.perf_counter()
        for table in TABLES:
            await target.copy_to_table(table, source=str(work / f"{table}.copy"), format="binary")
        return time.perf_counter() - began
    finally:
        await target.close()
