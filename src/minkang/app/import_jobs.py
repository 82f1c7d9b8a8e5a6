"""Carries out what `$import` orders: the same import as the command's, with its progress told to the desk.

The import runs in a thread, for it only cuts and waits; processes of their own load. A job that is broken off, with its
process or by a full disk, is gone on with by the next order of the same files from the same source.
"""

from __future__ import annotations

import asyncio
import shutil
import time
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from threading import Event
from typing import Any
from urllib.parse import urlsplit

import orjson

from minkang.app import importing
from minkang.app.connections import reaching
from minkang.app.importing import Result
from minkang.fhir.problem import Unprocessable
from minkang.kit import clock
from minkang.kit.fetching import TooMuch, fetch
from minkang.kit.folders import make_folder
from minkang.kit.outgoing import NoAnswer
from minkang.kit.settings import Settings
from minkang.kit.targets import PORTS, NotAllowed, allowed
from minkang.kit.trouble import Trouble
from minkang.store.bulk import imports
from minkang.store.bulk.desk import UPLOAD
from minkang.store.bulk.files import SealedFile
from minkang.store.bulk.running import Kind, Run

IDLE = 60.0
"""Seconds without a byte after which a file that is fetched is given up."""

LEFT_FREE = 1 << 30
"""Bytes of the disk that a file which is fetched leaves to the database."""

PAUSE = 1.0
"""Seconds between two signs of life."""


class _Stopped(Exception):
    """Nobody wants it any more."""


@dataclass(slots=True)
class _Progress:
    """Written by the thread, read by the loop."""

    stop: Event = field(default_factory=Event)
    began: float = field(default_factory=time.monotonic)
    rows: int = 0
    done: float = 0.0
    first: float | None = None

    def tell(self, rows: int, done: float) -> None:
        if self.stop.is_set():
            raise _Stopped
        if self.first is None:
            self.first, self.began = done, time.monotonic()  # what an earlier run did tells nothing of this one's rate
        self.rows, self.done = rows, done

    def state(self) -> dict[str, Any]:
        """`rate`: resources a second; `left`: seconds, once that can be told."""
        seconds = max(time.monotonic() - self.began, 0.001)
        gone = self.done - (self.first or 0.0)
        left = round(seconds * (1 - self.done) / gone) if gone > 0 else None
        return {"rate": round(self.rows / seconds), "left": left}


def kind(settings: Settings, key: Path) -> Kind:
    """How jobs of the kind `import` are carried out."""

    async def run(job: Run) -> None:
        progress = _Progress()
        loading = asyncio.create_task(asyncio.to_thread(_carry_out, settings, key, job, progress))
        try:
            while not (await asyncio.wait([loading], timeout=PAUSE))[0]:
                await job.save(progress.state(), progress.rows, progress.done)
            result = loading.result()
        except Trouble as trouble:
            await asyncio.to_thread(_clear, job)
            raise Unprocessable(f"{trouble} Order the same files from the same source again to go on.") from None
        finally:
            progress.stop.set()
            await asyncio.gather(loading, return_exceptions=True)
        await job.save(await _outcome(str(settings.database_url), job, result), sum(result.counts[:3]), 1.0)
        await asyncio.to_thread(_clear, job)

    return run


def _carry_out(settings: Settings, key: Path, job: Run, progress: _Progress) -> Result:
    """Fetch what lies elsewhere, then load. Broken off, it goes on: a file that was fetched is not fetched again."""
    names: list[str] = job.asked["files"]
    files = [_place(job, number, name) for number, name in enumerate(names)]
    for name, file in zip(names, files, strict=True):
        if _is_elsewhere(name) and not file.exists():
            _fetch(settings, job, name, file, progress)
    return _load(settings, key, job, files, progress)


def _is_elsewhere(name: str) -> bool:
    return urlsplit(name).scheme in PORTS


def _place(job: Run, number: int, name: str) -> Path:
    """Where a file of the order lies on this machine. What is fetched is named by its number, and packed as it says."""
    if name == UPLOAD:
        return job.folder / UPLOAD
    if not _is_elsewhere(name):
        return Path(name)
    packed = "".join(one for one in PurePosixPath(urlsplit(name).path).suffixes if one in (".gz", ".zst"))
    return job.folder / f"fetched-{number}.ndjson{packed}"


def _fetch(settings: Settings, job: Run, url: str, file: Path, progress: _Progress) -> None:
    def going() -> None:
        if progress.stop.is_set():
            raise _Stopped

    make_folder(job.folder, 0o700)
    most = max(shutil.disk_usage(job.folder).free - LEFT_FREE, 0)
    try:
        fetch(allowed(url, settings.import_urls), file, most=most, idle=IDLE, going=going)
    except NotAllowed as refused:
        raise Trouble(f"{url[:200]}: {refused}") from None
    except (NoAnswer, TooMuch) as error:
        raise Trouble(f"{url[:200]}: {error}") from None


def _clear(job: Run) -> None:
    """What was fetched or came with the order lay there in the clear."""
    for file in [job.folder / UPLOAD, *job.folder.glob("fetched-*")]:
        file.unlink(missing_ok=True)


def _load(settings: Settings, key: Path, job: Run, files: list[Path], progress: _Progress) -> Result:
    try:
        return importing.load(
            str(settings.database_url),
            key,
            files,
            source=job.asked["source"],
            workers=settings.workers,
            actor=job.actor,
            told=progress.tell,
        )
    except OSError as error:
        raise Trouble(f"{Path(str(error.filename)).name} cannot be read: {error.strerror}.") from None


def _named(file: str) -> str:
    """As its report calls a file."""
    return PurePosixPath(urlsplit(file).path).name if _is_elsewhere(file) else Path(file).name


async def _outcome(url: str, job: Run, result: Result) -> dict[str, Any]:
    """What the status says in the end. The lines refused, of earlier runs too, lie in a sealed file."""
    make_folder(job.folder, 0o700)
    name, count = "refused.ndjson", 0
    out = SealedFile(job.folder / name, job.sealer, f"{job.id}/{name}")
    async with reaching(url) as connection:
        totals = await imports.counts(connection, result.job)
        async for one in imports.rejected(connection, result.job):
            told = {"file": _named(job.asked["files"][one["file"]]), "line": one["line"]}
            issues = [{**issue, "location": [f"{told['file']}:{told['line']}"]} for issue in one["outcome"]["issue"]]
            out.write(orjson.dumps({**one["outcome"], "issue": issues}) + b"\n")
            count += 1
    out.sync()
    out.close()
    refused = {"kind": "error", "type": "OperationOutcome", "name": name, "count": count, "size": out.size}
    numbers = {each: totals[each] for each in ("created", "updated", "unchanged", "rejected")}
    return {"import": result.job, "time": clock.now().isoformat(), **numbers, "files": [refused] if count else []}
