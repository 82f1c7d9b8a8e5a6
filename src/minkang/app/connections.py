"""How commands reach the database: one that runs, the embedded one started for the while, or one's own server."""

from __future__ import annotations

import os
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager
from urllib.parse import unquote, urlsplit, urlunsplit

import asyncpg

from minkang.app.prepare import unreachable
from minkang.app.supervisor import claimed, cluster_options
from minkang.kit.folders import DataFolder
from minkang.kit.postgres.cluster import Cluster
from minkang.kit.settings import Settings
from minkang.kit.trouble import Trouble


@contextmanager
def open_database(settings: Settings, folder: DataFolder) -> Generator[str]:
    """The URL of a data folder's database. The embedded one is started for the while if it does not run."""
    if settings.database_url is not None:
        yield settings.database_url
        return
    cluster = Cluster(folder, cluster_options(settings))
    if cluster.home is None:
        raise Trouble(f"There is no database in {folder.root}. Name the data folder with --data.")
    if cluster.running() is not None:
        yield cluster.url
        return
    with claimed(folder):
        try:
            yield cluster.start()
        finally:
            cluster.stop()


@asynccontextmanager
async def reaching(url: str) -> AsyncGenerator[asyncpg.Connection]:
    """A connection for the block. Raises Trouble when the server cannot be reached."""
    try:
        connection = await asyncpg.connect(url)
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        raise unreachable(error) from error
    try:
        yield connection
    finally:
        await connection.close()


def for_program(url: str) -> tuple[str, dict[str, str]]:
    """The URL without its password, and an environment with it: command lines are open to everybody on the machine."""
    parts = urlsplit(url)
    environment = {"PATH": os.defpath, "LC_ALL": "C"} | {k: v for k, v in os.environ.items() if k.startswith("PG")}
    if parts.password is None:
        return url, environment
    place = parts.netloc.rpartition("@")[2]
    bare = parts._replace(netloc=f"{parts.username or ''}@{place}")
    return urlunsplit(bare), environment | {"PGPASSWORD": unquote(parts.password)}
