"""`minkang restore`: a backup into an empty data folder or an empty database, and proof that all of it arrived."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from rich.console import Console

from minkang.app import archive
from minkang.app.archive import Manifest, Reader
from minkang.app.connections import for_program, reaching
from minkang.app.prepare import key_file
from minkang.app.progress import bar
from minkang.app.supervisor import claimed, cluster_options
from minkang.kit.folders import DataFolder
from minkang.kit.postgres import binaries
from minkang.kit.postgres.cluster import Cluster
from minkang.kit.settings import Settings
from minkang.kit.trouble import Trouble
from minkang.store import census
from minkang.store.migrate import migrations


def restore(settings: Settings, file: Path) -> None:
    """Raises Trouble, and leaves no half of anything, when the target is not empty or the backup is not whole."""
    folder = DataFolder(settings.data.absolute())
    with archive.checked(file) as backup:
        _not_too_new(backup.manifest)
        with _target(settings, folder) as url:
            _fill(settings, url, backup)
            _write_key(key_file(folder), backup.open(archive.KEY).read())
    rows = sum(backup.manifest.rows.values())
    Console(soft_wrap=True, highlight=False).print(
        f"Restored {rows:,} rows of {backup.manifest.taken}, counted. Start with: minkang serve --data {settings.data}"
    )


def _fill(settings: Settings, url: str, backup: Reader) -> None:
    if counts := asyncio.run(_rows(url)):
        raise Trouble(f"The database is not empty: it has the tables {', '.join(counts)}.")
    _load(settings, url, backup.open(archive.DUMP), backup.manifest)
    if (counts := asyncio.run(_rows(url))) != backup.manifest.rows:
        raise Trouble(f"The restored tables do not hold what was saved: {_differences(counts, backup.manifest)}.")


@contextmanager
def _target(settings: Settings, folder: DataFolder) -> Generator[str]:
    """The empty database to fill. A data folder that could not be filled is left as empty as it was."""
    if settings.database_url is not None:
        folder.make()
        if key_file(folder).exists():
            raise Trouble(f"There is a key file in {folder.keys} already. Choose an empty data folder with --data.")
        yield settings.database_url
        return
    if not folder.is_empty:
        raise Trouble(f"The data folder {folder.root} is not empty. Choose a new one with --data.")
    there = folder.root.exists()
    folder.make()
    cluster = Cluster(folder, cluster_options(settings))
    done = False
    try:
        with claimed(folder):
            try:
                yield cluster.start()
                done = True
            finally:
                cluster.stop()
    finally:
        if not done:
            _clear(folder, cluster.home, keep_root=there)


def _load(settings: Settings, url: str, dump: IO[bytes], manifest: Manifest) -> None:
    """Feeds the dump to pg_restore, which takes it in one transaction: all of it or nothing."""
    target, environment = for_program(url)
    restoring = binaries.find(settings.postgres_bin).program("pg_restore")
    command = [restoring, "--single-transaction", "--no-owner", "--no-privileges", f"--dbname={target}"]
    with (
        bar("Restoring the database", manifest.members[archive.DUMP].size) as advance,
        subprocess.Popen(command, env=environment, stdin=subprocess.PIPE, stderr=subprocess.PIPE) as process,
    ):
        assert process.stdin is not None  # noqa: S101 - a pipe was asked for
        _pour(dump, process.stdin, advance)
        words = process.communicate()[1].decode(errors="replace").strip()
    if process.returncode != 0:
        raise Trouble(f"pg_restore failed: {words}")


def _pour(source: IO[bytes], into: IO[bytes], advance: Callable[[int], None]) -> None:
    done = 0
    try:
        while chunk := source.read(archive.CHUNK):
            into.write(chunk)
            done += len(chunk)
            advance(done)
    except BrokenPipeError:
        pass  # pg_restore gave up; what it says comes next


async def _rows(url: str) -> dict[str, int]:
    async with reaching(url) as connection:
        return await census.rows(connection)


def _write_key(path: Path, content: bytes) -> None:
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _not_too_new(manifest: Manifest) -> None:
    ours = max(migration.number for migration in migrations())
    if manifest.schema > ours:
        raise Trouble(
            f"The backup was taken by Minkang {manifest.minkang}, which is newer. Restore it with that version."
        )


def _differences(counts: dict[str, int], manifest: Manifest) -> str:
    names = sorted(counts.keys() | manifest.rows.keys())
    wrong = [name for name in names if counts.get(name) != manifest.rows.get(name)]
    return ", ".join(f"{name} has {counts.get(name, 0)} of {manifest.rows.get(name, 0)} rows" for name in wrong)


def _clear(folder: DataFolder, home: Path | None, *, keep_root: bool) -> None:
    """Removes what this restore made; the folder was empty before."""
    if home is not None and home.parent != folder.root.resolve():
        shutil.rmtree(home.parent)
    for entry in folder.root.iterdir():
        if entry.is_symlink() or not entry.is_dir():
            entry.unlink()
        else:
            shutil.rmtree(entry)
    if not keep_root:
        folder.root.rmdir()
