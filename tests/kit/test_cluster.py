"""The embedded PostgreSQL alone: who runs it, who may come in, and what it is promised."""

from __future__ import annotations

import asyncio
import os
import traceback
from collections.abc import Iterator

import asyncpg
import pytest

from minkang.kit.folders import DataFolder
from minkang.kit.postgres.cluster import Cluster, Options
from tests.lib.postgres import scratch_folder

NOBODY = 65534


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    """One with the settings people get, durability and all."""
    with scratch_folder() as folder:
        made = Cluster(folder, Options(state=folder.root / "state"))
        made.start()
        yield made
        made.stop()


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("fsync", "on"),
        ("synchronous_commit", "on"),
        ("full_page_writes", "on"),
        ("data_checksums", "on"),
        ("listen_addresses", ""),
        ("server_encoding", "UTF8"),
        ("timezone", "UTC"),
        ("jit", "off"),
        ("log_error_verbosity", "terse"),
        ("log_min_error_statement", "panic"),
        ("log_parameter_max_length_on_error", "0"),
    ],
)
async def test_a_promised_setting_is_in_force(cluster, name, value):
    connection = await asyncpg.connect(cluster.url)
    try:
        assert await connection.fetchval("SELECT current_setting($1)", name) == value
    finally:
        await connection.close()


@pytest.mark.anyio
async def test_text_sorts_the_same_on_every_machine(cluster):
    connection = await asyncpg.connect(cluster.url)
    try:
        row = await connection.fetchrow(
            "SELECT datlocprovider::text AS provider, datlocale FROM pg_database WHERE datname = current_database()"
        )
        assert tuple(row) == ("b", "C.UTF-8")
    finally:
        await connection.close()


@pytest.mark.anyio
async def test_the_log_of_a_violated_key_does_not_quote_the_row(cluster):
    connection = await asyncpg.connect(cluster.url)
    try:
        await connection.execute("CREATE TEMPORARY TABLE person (name text PRIMARY KEY)")
        await connection.execute("INSERT INTO person VALUES ('Zhang Xiaoming')")
        with pytest.raises(asyncpg.UniqueViolationError):
            await connection.execute("INSERT INTO person VALUES ($1)", "Zhang Xiaoming")
    finally:
        await connection.close()
    log = cluster.log_file.read_text()
    assert "duplicate key value violates unique constraint" in log
    assert "Xiaoming" not in log


def test_settings_of_ones_own_win_and_survive_a_start():
    with scratch_folder() as folder:
        made = Cluster(folder, Options(state=folder.root / "state", settings={"fsync": "off"}))
        made.start()
        made.stop()
        with (made.home / "local.conf").open("a") as file:
            file.write("log_connections = 'all'\nwork_mem = '11MB'\n")
        try:
            assert asyncio.run(_one(made.start(), "SHOW work_mem")) == "11MB"
        finally:
            made.stop()


def test_a_setting_that_postgresql_refuses_is_told_with_its_own_words():
    with scratch_folder() as folder:
        made = Cluster(folder, Options(state=folder.root / "state", settings={"fsync": "off", "work_mem": "much"}))
        with pytest.raises(Exception, match=r"(?s)PostgreSQL did not start.*work_mem"):
            made.start()
        assert made.running() is None
        made.stop()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
def test_another_account_cannot_reach_the_socket(cluster):
    socket = cluster.running().socket_folder / ".s.PGSQL.5432"
    assert _as_nobody(lambda: os.access(socket.parent, os.X_OK) or os.access(socket, os.W_OK)) == "False"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
def test_an_ordinary_user_runs_postgresql_himself():
    def start() -> int:
        made = Cluster(folder, Options(settings={"fsync": "off"}))
        made.start()
        try:
            return os.stat(f"/proc/{made.running().pid}").st_uid  # noqa: PTH116 - its owner, not a file's
        finally:
            made.stop()

    with scratch_folder() as outer:
        top = outer.root / "home"
        top.mkdir()
        os.chown(top, NOBODY, NOBODY)
        folder = DataFolder(top / "data")
        assert _as_nobody(lambda: (folder.make(), start())[1]) == str(NOBODY)


async def _one(url: str, query: str) -> object:
    connection = await asyncpg.connect(url)
    try:
        return await connection.fetchval(query)
    finally:
        await connection.close()


def _as_nobody(do: object) -> str:
    """What the function returns, as text, in a forked process that has given up root: the interpreter itself may lie
    where another user cannot read it, so it is not started anew."""
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.setgroups([])
            os.setgid(NOBODY)
            os.setuid(NOBODY)
            result = str(do())  # type: ignore[operator]
        except BaseException:
            result = traceback.format_exc()
        os.write(write, result.encode())
        os._exit(0)
    os.close(write)
    with os.fdopen(read) as answer:
        text = answer.read()
    os.waitpid(child, 0)
    return text
