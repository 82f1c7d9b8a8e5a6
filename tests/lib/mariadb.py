"""A MariaDB for tests where its programs are installed: of our own, in a folder, on a socket."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pymysql
import pytest

from tests.lib.postgres import Databases

DEADLINE = 60
"""Seconds until it must answer."""


def program() -> str | None:
    """The server; None where it is not installed."""
    return shutil.which("mariadbd", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")


@contextmanager
def server() -> Iterator[str]:
    """A URL for SQLAlchemy, of an empty database. Without tables of rights, and so without an installer."""
    found = program()
    assert found is not None
    root = Path(tempfile.mkdtemp(prefix="minkang-mariadb-", dir="/tmp"))
    data, address = root / "data", root / "s"
    data.mkdir()
    user = pwd.getpwuid(os.getuid()).pw_name
    options = ["--no-defaults", f"--datadir={data}", f"--user={user}", "--skip-grant-tables", "--skip-networking"]
    options += [f"--socket={address}", f"--pid-file={root / 'pid'}"]
    options += ["--innodb-buffer-pool-size=32M", "--innodb-flush-log-at-trx-commit=0"]
    try:
        with (root / "log").open("wb") as log:
            process = subprocess.Popen([found, *options], stdout=log, stderr=log)
        try:
            _wait(address, process, root / "log")
            yield f"mysql://root@localhost/front?unix_socket={address}&charset=utf8mb4"
        finally:
            process.terminate()
            process.wait(DEADLINE)
    finally:
        shutil.rmtree(root)


def _wait(address: Path, process: subprocess.Popen[bytes], log: Path) -> None:
    until = time.monotonic() + DEADLINE
    while True:
        with socket.socket(socket.AF_UNIX) as probe, suppress(OSError):
            probe.connect(str(address))
            break
        if process.poll() is not None or time.monotonic() > until:
            raise AssertionError(log.read_text(errors="replace")[-2000:])
        time.sleep(0.05)  # nothing but trying tells that it listens
    with pymysql.connect(unix_socket=str(address), user="root") as connection:
        connection.cursor().execute("CREATE DATABASE front CHARACTER SET utf8mb4")


@contextmanager
def database_of_others(kind: str, databases: Databases) -> Iterator[str]:
    """The URL of an empty database of PostgreSQL or MariaDB; skips the test where mariadbd is not installed."""
    if kind == "postgresql":
        url = databases.empty()
        yield url
        databases.drop(url)
        return
    if program() is None:
        pytest.skip("mariadbd is not installed")
    with server() as url:
        yield url
