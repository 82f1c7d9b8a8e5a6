"""Carries out what `$import` orders: the same import as the command's, with its progress told to the desk.

The import runs in a thread, for it only cuts and waits; processes of their own load. A job that is broken off, with its
process or by a full disk, is gone on with by the next order of the same files from the same source.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event
from typing import Any

import orjson

from minkang.app import importing
from minkang.app.connections import reaching
from minkang.app.importing import Result
from minkang.fhir.problem import Unprocessable
from minkang.kit import clock
from minkang.kit.folders import make_folder
from minkang.kit.settings import Settings
from minkang.kit.trouble import Trouble
from minkang.store.bulk import imports
from minkang.store.bulk.files import SealedFile
from minkang.store.bulk.running import Kind, Run

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
        loading = asyncio.create_task(asyncio.to_thread(_load, settings, key, job, progress))
        try:
            while not (await asyncio.wait([loading], timeout=PAUSE))[0]:
                await job.save(progress.state(), progress.rows, progress.done)
            result = loading.result()
        except Trouble as trouble:
            raise Unprocessable(f"{trouble} Order the same files from the same source again to go on.") from None
        finally:
            progress.stop.set()
            await asyncio.gather(loading, return_exceptions=True)
        await job.save(await _outcome(str(settings.database_url), job, result), sum(result.counts[:3]), 1.0)

    return run


def _load(settings: Settings, key: Path, job: Run, progress: _Progress) -> Result:
    files = [Path(file) for file in job.asked["files"]]
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


async def _outcome(url: str, job: Run, result: Result) -> dict[str, Any]:
    """What the status says in the end. The lines refused, of earlier runs too, lie in a sealed file."""
    make_folder(job.folder, 0o700)
    name, count = "refused.ndjson", 0
    out = SealedFile(job.folder / name, job.sealer, f"{job.id}/{name}")
    async with reaching(url) as connection:
        totals = await imports.counts(connection, result.job)
        async for one in imports.rejected(connection, result.job):
            told = {"file": Path(job.asked["files"][one["file"]]).name, "line": one["line"]}
            issues = [{**issue, "location": [f"{told['file']}:{told['line']}"]} for issue in one["outcome"]["issue"]]
            out.write(orjson.dumps({**one["outcome"], "issue": issues}) + b"\n")
            count += 1
    out.sync()
    out.close()
    refused = {"kind": "error", "type": "OperationOutcome", "name": name, "count": count, "size": out.size}
    numbers = {each: totals[each] for each in ("created", "updated", "unchanged", "rejected")}
    return {"import": result.job, "time": clock.now().isoformat(), **numbers, "files": [refused] if count else []}
