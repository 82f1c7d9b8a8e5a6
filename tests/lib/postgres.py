"""A PostgreSQL for tests: an embedded cluster of our own that forgets quickly, or the server a setting names."""

from __future__ import annotations

import asyncio
import importlib.util
import os
import secrets
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import asyncpg

from minkang.kit.folders import DataFolder
from minkang.kit.postgres.cluster import Cluster, Options

FORGETFUL = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "shared_buffers": "128MB",
    "max_wal_size": "1GB",
    "max_connections": "120",
    "autovacuum": "off",
}
"""Durability is tested where it matters (tests/kill), on clusters with the real settings."""


@contextmanager
def server() -> Iterator[str]:
    """The URL of a server: MINKANG_TEST_DATABASE_URL or MINKANG_CITUS_URL (a coordinator) if one is set; its role must
    be allowed to create databases, for Citus to be superuser."""
    if url := os.environ.get("MINKANG_CITUS_URL") or os.environ.get("MINKANG_TEST_DATABASE_URL"):
        yield url
        return
    with scratch_folder() as folder:
        cluster = Cluster(folder, Options(settings=FORGETFUL, state=folder.root / "state"))
        try:
            yield cluster.start()
        finally:
            cluster.stop()


@contextmanager
def scratch_folder() -> Iterator[DataFolder]:
    """A data folder that PostgreSQL's own account can reach: pytest's tmp_path is closed to it when root runs tests."""
    root = Path(tempfile.mkdtemp(prefix="minkang-test-"))
    root.chmod(0o711)
    folder = DataFolder(root)
    folder.make()
    try:
        yield folder
    finally:
        shutil.rmtree(root)


class Databases:
    """Makes databases on one server: a migrated template once, then copies of it (about 30 ms each)."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._template: str | None = None
        self._made: list[str] = []
        self._beside: dict[str, list[str]] = {}

    def empty(self) -> str:
        """The URL of a new database with nothing in it."""
        return self._create("template0")

    def migrated(self) -> str:
        """The URL of a new database with the store's schema in it."""
        if os.environ.get("MINKANG_CITUS_URL"):
            return self._distributed()
        if self._template is None:
            made = self.empty()
            if importlib.util.find_spec("minkang.store.migrate") is not None:
                from minkang.store.migrate import migrate

                asyncio.run(_ignore_result(migrate(made)))
            self._template = urlsplit(made).path.lstrip("/")
        return self._create(self._template)

    def _distributed(self) -> str:
        """A database of the same name on every node of the cluster, with the tables distributed. No copy of a template:
        Citus would not know it."""
        from minkang.store.distribution import distribute
        from minkang.store.migrate import migrate

        url = self.empty()
        name = urlsplit(url).path.lstrip("/")
        workers = self._workers()
        for host, port in workers:
            there = urlunsplit(urlsplit(self.url)._replace(netloc=f"{_user(self.url)}{host}:{port}"))
            self._run(f'CREATE DATABASE "{name}" TEMPLATE template0', there)
            self._run("CREATE EXTENSION citus", _with_database(there, name))
            self._beside.setdefault(name, []).append(there)
        self._run("CREATE EXTENSION citus", url)
        parts = urlsplit(self.url)
        self._run(f"SELECT citus_set_coordinator_host('{parts.hostname}', {parts.port or 5432})", url)
        for host, port in workers:
            self._run(f"SELECT citus_add_node('{host}', {port})", url)
        asyncio.run(_ignore_result(migrate(url)))
        asyncio.run(_ignore_result(distribute(url)))
        return url

    def _workers(self) -> list[tuple[str, int]]:
        """The workers that the coordinator of MINKANG_CITUS_URL knows in the database it names."""

        async def run() -> list[tuple[str, int]]:
            connection = await asyncpg.connect(self.url)
            try:
                rows = await connection.fetch("SELECT nodename, nodeport FROM pg_dist_node WHERE groupid <> 0")
                return [(row["nodename"], row["nodeport"]) for row in rows]
            finally:
                await connection.close()

        return asyncio.run(run())

    def drop(self, url: str) -> None:
        name = urlsplit(url).path.lstrip("/")
        self._run(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
        for there in self._beside.pop(name, ()):
            self._run(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)', there)
        self._made.remove(name)

    def close(self) -> None:
        for name in list(self._made):
            self.drop(_with_database(self.url, name))

    def _create(self, template: str) -> str:
        name = f"minkang_test_{secrets.token_hex(6)}"
        self._run(f'CREATE DATABASE "{name}" TEMPLATE "{template}" STRATEGY FILE_COPY')
        self._made.append(name)
        return _with_database(self.url, name)

    def _run(self, statement: str, url: str | None = None) -> None:
        async def run() -> None:
            connection = await asyncpg.connect(url or self.url)
            try:
                await connection.execute(statement)
            finally:
                await connection.close()

        asyncio.run(run())


async def _ignore_result(awaitable: object) -> None:
    await awaitable  # type: ignore[misc]


def _user(url: str) -> str:
    """What stands before the host in a URL, with its @."""
    return "".join(urlsplit(url).netloc.rpartition("@")[:2])


def _with_database(url: str, name: str) -> str:
    return urlunsplit(urlsplit(url)._replace(path=f"/{name}"))
