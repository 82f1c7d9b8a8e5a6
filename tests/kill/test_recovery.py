"""The how-to pages on point-in-time recovery and on a standby, done: the same steps, with the same files."""

from __future__ import annotations

import shutil
import subprocess
import sys

import orjson
import pytest

from minkang.kit.postgres.cluster import Cluster
from tests.kill.writing import Writers
from tests.lib.serving import Platform, get, platform, until

pytestmark = pytest.mark.kill


def test_a_platform_comes_back_as_of_a_moment_in_the_past():
    with platform() as made, Steps(made) as steps:
        with Writers(made.address) as wanted:
            wanted.acknowledge(20)
        moment = steps.sql("SELECT clock_timestamp()")
        with Writers(made.address, number=1) as unwanted:
            unwanted.acknowledge(20)
        made.stop()  # the last of the log goes to the archive at an orderly stop
        other = steps.copy(
            "recovery.signal", f"recovery_target_time = '{moment}'\nrecovery_target_action = 'promote'\n"
        )
        other.start()
        assert _ids(other) == wanted.told.patients.keys()
        other.stop()


def test_a_standby_follows_the_archive_and_serves_once_it_is_promoted():
    with platform() as made, Steps(made) as steps:
        other = steps.copy("standby.signal")
        process = other.launch()
        until(lambda: process.poll() is not None or "the database is a standby" in other.words, "it follows")
        assert process.poll() is None, other.words
        with Writers(made.address) as written:
            written.acknowledge(20)
        made.stop()
        steps.sql("SELECT pg_promote(false)", of=other)
        until(lambda: "is running" in other.words, "it serves")
        until(lambda: _noted(other), "it says where")
        assert _ids(other) == written.told.patients.keys()
        other.stop()


class Steps:
    """An archive, a base backup, and platforms made from them."""

    def __init__(self, made: Platform) -> None:
        self._made = made
        self._others: list[Platform] = []

    def __enter__(self) -> Steps:
        made = self._made
        made.start()
        made.stop()
        self._top = made.folder.root.parent
        home = Cluster(made.folder).home
        assert home is not None
        self._archive = self._top / "archive"
        self._archive.mkdir()
        shutil.chown(self._archive, home.owner(), home.group())
        kept = f"{self._archive}/%f"
        command = f"test ! -f {kept} && cp %p {kept}.part && mv {kept}.part {kept}"
        with (home / "local.conf").open("a") as file:
            file.write(f"archive_mode = on\narchive_command = '{command}'\n")
        made.start()
        self._base = self._top / "base"
        self._minkang(made, "pg", "pg_basebackup", "--data", str(made.folder.root), "-D", str(self._base))
        return self

    def __exit__(self, *_: object) -> None:
        for other in self._others:
            other.close()

    def copy(self, signal_file: str, settings: str = "") -> Platform:
        """A new data folder from the base backup and the keys, which recovers from the archive."""
        home = Cluster(self._made.folder).home
        assert home is not None
        owner, group = home.owner(), home.group()
        other = Platform(self._top / "other", environment=self._made._environment)
        other.folder.make()
        shutil.copytree(self._base, other.folder.postgres)
        shutil.copytree(self._made.folder.keys, other.folder.keys, dirs_exist_ok=True)
        (other.folder.postgres / signal_file).touch()
        local = other.folder.postgres / "local.conf"
        local.write_text(f"restore_command = 'cp {self._archive}/%f %p'\n{settings}")
        for path in [other.folder.postgres, *other.folder.postgres.rglob("*")]:
            shutil.chown(path, owner, group)
        self._others.append(other)
        return other

    def sql(self, query: str, of: Platform | None = None) -> str:
        made = of or self._made
        return self._minkang(made, "psql", "--data", str(made.folder.root), "-Atc", query).strip()

    def _minkang(self, made: Platform, *arguments: str) -> str:
        command = [sys.executable, "-m", "minkang.app.cli", *arguments]
        done = subprocess.run(command, env=made.environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout


def _noted(made: Platform) -> bool:
    note = made.folder.run / "platform.json"
    return note.exists() and "address" in orjson.loads(note.read_bytes())


def _ids(made: Platform) -> set[str]:
    status, body = get(f"{made.address}/fhir/Patient?_count=500&_elements=id")
    assert status == 200, body
    return {entry["resource"]["id"] for entry in orjson.loads(body).get("entry", [])}
