"""`minkang backup`: the database as of one moment, and the keys, in one file. The platform may go on running."""

from __future__ import annotations

import asyncio
import subprocess
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version as version_of
from pathlib import Path
from typing import Any

import asyncpg
import structlog
from rich.console import Console
from rich.filesize import decimal

from minkang.app import archive
from minkang.app.connections import for_program, open_database, reaching
from minkang.app.prepare import key_file
from minkang.app.progress import bar
from minkang.kit import clock
from minkang.kit.folders import DataFolder
from minkang.kit.postgres import binaries
from minkang.kit.settings import Settings
from minkang.kit.trouble import Trouble
from minkang.store import census, keys
from minkang.store.keys import Keys

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Moment:
    """What dump and counts share. `snapshot` names the moment for pg_dump; `size` is the database's, in bytes."""

    snapshot: str
    schema: int
    size: int
    rows: dict[str, int]
    postgresql: str


def back_up(settings: Settings, file: Path) -> None:
    """Writes the backup. Raises Trouble when the file exists, or what is to be saved is not there."""
    folder = DataFolder(settings.data.absolute())
    if file.exists():
        raise Trouble(f"{file} exists; a backup never replaces another. Choose another name.")
    found = _keys(folder)
    with open_database(settings, folder) as url:
        manifest = asyncio.run(_write(settings, url, key_file(folder), found, file))
    size, rows = decimal(file.stat().st_size), sum(manifest.rows.values())
    Console(soft_wrap=True, highlight=False).print(
        f"Saved {rows:,} rows to {file} ({size}).\nIt holds the keys: whoever has this file can read everything in it."
    )


async def _write(settings: Settings, url: str, key: Path, found: Keys, file: Path) -> archive.Manifest:
    async with reaching(url) as connection, connection.transaction(isolation="repeatable_read", readonly=True):
        moment = await _moment(connection, found)
        with archive.written(file) as writer, bar("Saving the database", moment.size) as advance:
            await asyncio.to_thread(_dump, settings, url, moment, writer, advance)
            with key.open("rb") as source:
                writer.add(archive.KEY, source)
            manifest = archive.Manifest(
                minkang=version_of("minkang"),
                postgresql=moment.postgresql,
                schema=moment.schema,
                taken=clock.now().isoformat(timespec="seconds"),
                keys=found.fingerprint,
                rows=moment.rows,
                members=writer.members,
            )
            writer.finish(manifest)
    return manifest


async def _moment(connection: asyncpg.Connection, found: Keys) -> Moment:
    """Counts everything in a snapshot that pg_dump then looks through too."""
    told = await census.fingerprint(connection)
    if told not in (None, found.fingerprint):
        raise Trouble(
            "The key file is not the one this database was sealed with; find that one before you save them together."
        )
    return Moment(
        snapshot=await _value(connection, "SELECT pg_export_snapshot()"),
        schema=await census.schema(connection),
        size=await _value(connection, "SELECT pg_database_size(current_database())"),
        rows=await census.rows(connection),
        postgresql=await _value(connection, "SHOW server_version"),
    )


async def _value(connection: asyncpg.Connection, query: str) -> Any:
    return await connection.fetchval(query)


def _dump(
    settings: Settings, url: str, moment: Moment, writer: archive.Writer, advance: Callable[[int], object]
) -> None:
    target, environment = for_program(url)
    command = [
        binaries.find(settings.postgres_bin).program("pg_dump"),
        "--format=custom",
        # Sealed bytes are written as hexadecimal digits; the quickest level takes that doubling away again.
        "--compress=gzip:1",
        "--no-owner",
        "--no-privileges",
        f"--snapshot={moment.snapshot}",
        f"--dbname={target}",
    ]
    with _running(command, environment) as dumping:
        assert dumping.stdout is not None  # noqa: S101 - a pipe was asked for
        writer.add(archive.DUMP, dumping.stdout, advance)


@contextmanager
def _running(command: list[str], environment: dict[str, str]) -> Generator[subprocess.Popen[bytes]]:
    """The program with its output as a pipe. Raises Trouble when it fails, and stops it when we do."""
    with subprocess.Popen(
        command, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        try:
            yield process
        except BaseException:
            process.kill()
            raise
        words = process.communicate()[1].decode(errors="replace").strip()
    if process.returncode != 0:
        raise Trouble(f"pg_dump failed: {words}")


def _keys(folder: DataFolder) -> Keys:
    if not key_file(folder).exists():
        raise Trouble(
            f"There is nothing to save without the key file, and {folder.root} holds none:"
            " name the platform's data folder with --data."
        )
    try:
        return keys.load(key_file(folder))
    except keys.KeyFileDamaged as error:
        raise Trouble(f"There is nothing to save without the key file. {error}") from error
