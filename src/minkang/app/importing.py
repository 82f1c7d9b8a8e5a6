"""`minkang import`: NDJSON files into the store, by several processes; the same command again goes on.

This process reads and cuts, the others (importer.py) load. A piece is committed together with its row of progress, so
whatever is killed, here or there, the next run does what is missing and nothing twice.
"""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from multiprocessing import get_context
from multiprocessing.connection import Connection as Pipe
from multiprocessing.connection import wait
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

from rich.console import Console

from minkang.app.connections import open_database, reaching
from minkang.app.importer import Hello, Loaded, serve
from minkang.app.prepare import key_file
from minkang.app.progress import counted
from minkang.kit.db import Unavailable
from minkang.kit.folders import DataFolder
from minkang.kit.settings import Settings
from minkang.kit.trouble import Trouble
from minkang.store import keys
from minkang.store.bulk import imports
from minkang.store.bulk.imports import Import
from minkang.store.bulk.lines import Chunk, Damaged, chunks, files_of, opened
from minkang.store.bulk.loading import Counts, Place
from minkang.store.scope import Actor
from minkang.store.store import Store

OPERATOR = Actor("Device/operator")
AHEAD = 2
"""Chunks a process has at hand, so that it never waits for this one."""

_ENDED = "A process of the import ended. The same command goes on where this one stopped."

Told = Callable[[int, float], None]
"""Told the resources so far and the part of the whole that is done."""


@dataclass(slots=True)
class Result:
    """What an import did: `counts` of this run alone, `refused` lines of all its runs."""

    job: str
    counts: Counts
    refused: int
    resumed: bool = False


@dataclass(slots=True)
class _Process:
    process: BaseProcess
    pipe: Pipe
    busy: int = 0


@dataclass(slots=True)
class _Team:
    """The loading processes."""

    members: list[_Process]
    counts: Counts = field(default_factory=Counts)

    def give(self, place: Place, chunk: Chunk) -> None:
        """To whoever has least to do; waits until somebody has room. Raises Trouble."""
        while (member := min(self.members, key=lambda one: one.busy)).busy >= AHEAD:
            self.take()
        try:
            member.pipe.send((place, chunk))
        except OSError:
            raise Trouble(_ENDED) from None
        member.busy += 1

    def take(self) -> None:
        """At least one answer. Raises Trouble for one that says what went wrong, and when a process has died."""
        ready = wait([one.pipe for one in self.members])
        for member in self.members:
            if member.pipe in ready:
                self._answered(member)

    def _answered(self, member: _Process) -> None:
        try:
            answer: Loaded = member.pipe.recv()
        except (EOFError, OSError):
            raise Trouble(_ENDED) from None
        member.busy -= 1
        if answer.trouble is not None:
            raise Trouble(f"{answer.trouble} The same command goes on where this one stopped.")
        self.counts = Counts(*(a + b for a, b in zip(self.counts, answer.counts, strict=True)))

    def rest(self) -> None:
        """Every answer that is still owed."""
        while any(one.busy for one in self.members):
            self.take()


def run(
    settings: Settings, paths: Sequence[Path], *, source: str, workers: int | None, again: bool, report: Path | None
) -> int:
    """Imports, says what became of it, and returns the number of refused lines. Raises Trouble."""
    try:
        files = files_of(list(paths))
    except OSError as error:
        raise Trouble(f"{error}.") from error
    folder = DataFolder(settings.data.absolute())
    with open_database(settings, folder) as url, counted("importing") as told:
        result = load(
            url, key_file(folder), files, source=source, workers=workers or settings.workers + 1, again=again, told=told
        )
        rejected = asyncio.run(_report(url, result.job, files, report)) if result.refused else 0
    _say(result, report, rejected)
    return rejected


def load(
    url: str,
    key: Path,
    files: Sequence[Path],
    *,
    source: str,
    workers: int,
    actor: Actor = OPERATOR,
    again: bool = False,
    told: Told = lambda rows, done: None,
) -> Result:
    """The import itself. Raises Trouble, after which the same call goes on."""
    job = asyncio.run(_begun(url, key, files, source, again))
    with _team(Hello(url, key, actor, source), workers) as team:
        for place, chunk, done in _pieces(job, files):
            team.give(place, chunk)
            told(sum(team.counts[:3]), done)
        team.rest()
        told(sum(team.counts[:3]), 1.0)
    return Result(job.id, team.counts, asyncio.run(_finished(url, job.id)), job.begun_before)


def _pieces(job: Import, files: Sequence[Path]) -> Iterator[tuple[Place, Chunk, float]]:
    """Chunks that are not in yet, with the part of all bytes that lies before their end."""
    sizes = [max(file.stat().st_size, 1) for file in files]
    for number, file in enumerate(files):
        before = sum(sizes[:number])
        try:
            with opened(file) as (stream, packed):
                for chunk in chunks(stream):
                    if (number, chunk.begin) not in job.done:
                        yield Place(job.id, number), chunk, (before + packed.tell()) / sum(sizes)
        except Damaged as error:
            raise Trouble(f"{error}. What came before is in; mend the file and import it anew.") from None


@contextmanager
def _team(hello: Hello, workers: int) -> Generator[_Team]:
    """Processes that know what they must; ended, whatever happens."""
    context = get_context("spawn")
    members: list[_Process] = []
    try:
        for _ in range(workers):
            ours, theirs = context.Pipe()
            process = context.Process(target=serve, args=(theirs,), daemon=True)
            process.start()
            theirs.close()
            ours.send(hello)
            members.append(_Process(process, ours))
        yield _Team(members)
        for one in members:
            one.pipe.send(None)
    finally:
        for one in members:
            one.pipe.close()
        for one in members:
            one.process.join(10)


async def _begun(url: str, key: Path, files: Sequence[Path], source: str, again: bool) -> Import:
    """Raises Trouble when the keys are not those of this database: what they seal could never be read again."""
    try:
        store = await Store.open(url, keys.load(key), connections=1)
    except (OSError, keys.KeyFileDamaged, Unavailable) as error:
        raise Trouble(f"The import cannot begin: {error}") from error
    await store.close()
    async with reaching(url) as connection:
        return await imports.open_or_resume(connection, imports.fingerprints(files), source, again=again)


async def _finished(url: str, job: str) -> int:
    """Notes the end of an import; how many lines were refused in all its runs."""
    async with reaching(url) as connection:
        await imports.finish(connection, job)
        return (await imports.counts(connection, job))["rejected"]


async def _report(url: str, job: str, files: Sequence[Path], report: Path | None) -> int:
    """Writes every refused line of the import, of earlier runs too, as one JSON object a line."""
    number = 0
    path = report or report_of(job)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as out:
        async with reaching(url) as connection:
            async for refused in imports.rejected(connection, job):
                told: dict[str, Any] = {**refused, "file": str(files[refused["file"]])}
                out.write(json.dumps(told, ensure_ascii=False) + "\n")
                number += 1
    return number


def report_of(job: str) -> Path:
    """Where the refused lines are told unless another place is named."""
    return Path(f"import-{job}.rejected.ndjson")


def _say(result: Result, report: Path | None, rejected: int) -> None:
    counts = result.counts
    lines = [
        f"{counts.created:,} created, {counts.updated:,} updated, {counts.unchanged:,} unchanged,"
        f" {counts.rejected:,} lines refused (import {result.job})."
    ]
    if result.resumed:
        lines.append("This run went on with an import that had been interrupted; the figures are of this run.")
    if rejected:
        lines.append(f"What was wrong with each of {rejected:,} lines stands in {report or report_of(result.job)}.")
    Console(soft_wrap=True, highlight=False).print("\n".join(lines))
