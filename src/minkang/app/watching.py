"""The watched folder: files that somebody puts there go in by the door that fits, and a receipt is left beside them.

    inbox/SENDER/discharge.xml  →  inbox/done/SENDER/discharge.xml  and  discharge.xml.receipt.json
                                   inbox/failed/SENDER/... when something must be corrected

Whoever copies a file there has a few seconds between two pieces; one that is written slowly is best given its name
when it is whole (a name that ends in .part or begins with a dot is left alone). A file is moved after its receipt is
durable: whatever ends in the middle, the next process takes it again, which is harmless.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import orjson
import structlog

from minkang.fhir.problem import Busy, Problem, TooLarge
from minkang.gateways.cda.endpoint import taking as cda
from minkang.gateways.cda.wire import is_archive, members
from minkang.gateways.files import endpoint as tables
from minkang.gateways.hl7v2.endpoint import taking as hl7v2
from minkang.platform.intake.findings import rules_of
from minkang.platform.intake.receipt import Receipt
from minkang.platform.intake.taking import Intake
from minkang.store.contract import Repository

LOOK = 2.0
"""Seconds between two looks."""

STILL = 3.0
"""Seconds a file must not have changed."""

LARGEST = 256 * 1024 * 1024
DONE, FAILED = "done", "failed"

_SENDER = re.compile(r"[A-Za-z0-9\-.]{1,64}")
_TABLES = frozenset({".csv", ".xlsx", ".xls"})
_MESSAGES = frozenset({".hl7", ".er7"})
_DOCUMENTS = frozenset({".xml", ".cda", ".ccda", ".zip"})

log = structlog.get_logger(__name__)


class Taken(NamedTuple):
    """What became of a file, as its receipt says it."""

    good: bool
    told: dict[str, Any]


class Watching:
    """One folder."""

    def __init__(self, folder: Path, repository: Callable[[], Repository]) -> None:
        self._folder, self._repository = folder, repository

    async def run(self) -> None:
        """Until it is cancelled."""
        while True:
            await self.look()
            await asyncio.sleep(LOOK)

    async def look(self) -> None:
        """Take what lies there now."""
        for file in await asyncio.to_thread(waiting, self._folder, time.time() - STILL):
            if not await self._one(file):
                break  # the database is away: what waits, waits

    async def _one(self, file: Path) -> bool:
        """Whether to go on with the next."""
        sender = file.parent.name if file.parent != self._folder else ""
        try:
            content = await asyncio.to_thread(_content, file)
            taken = await self._take(content, file.name, sender)
        except Busy:
            return False
        except Problem as problem:
            taken = Taken(False, {"error": problem.text})
        except OSError as error:
            log.warning("a file in the watched folder cannot be read", error=type(error).__name__)
            return True
        await asyncio.to_thread(put_away, self._folder, file, taken)
        log.info("a file was taken from the watched folder", good=taken.good)
        return True

    async def _take(self, content: bytes, name: str, sender: str) -> Taken:
        """Raises Busy when nothing could be kept, other Problems for what no door reads."""
        kind = Path(name).suffix.lower()
        if kind in _TABLES:
            return await self._table(content, name, sender)
        if kind in _MESSAGES or content.lstrip(b"\x0b\xef\xbb\xbf\r\n ").startswith(b"MSH"):
            return await self._message(content, name, sender)
        if kind not in _DOCUMENTS:
            return Taken(False, {"error": f"Files are .xml, .zip, .hl7, .csv or .xlsx; what is {kind or 'this'}?"})
        intake = Intake(self._repository(), rules_of("minkang.gateways.cda"))
        if not is_archive(content):
            return _told([await cda.taken(intake, content, sender=sender, name=name)])
        found = [
            await cda.taken(intake, one.content, sender=sender, name=f"{name}!{one.name}") for one in members(content)
        ]
        return _told(found)

    async def _message(self, content: bytes, name: str, sender: str) -> Taken:
        intake = Intake(self._repository(), rules_of("minkang.gateways.hl7v2"))
        found: list[Receipt] = []
        for one in re.split(rb"(?<=[\r\n])(?=MSH)", content.strip(b"\x0b\x1c\r\n") + b"\r"):
            taken = await hl7v2.taken(intake, one.strip(b"\x0b\x1c"), sender=sender, name=name)
            if taken.receipt is None:
                raise Busy("The database does not answer.")
            found.append(taken.receipt)
        return _told(found)

    async def _table(self, content: bytes, name: str, sender: str) -> Taken:
        rules = rules_of("minkang.gateways.files")
        asked = tables.Asked("", sender, False, False, name, {})
        answer = await tables.taken(Intake(self._repository(), rules), rules, content, asked)
        told = orjson.loads(answer.body)
        return Taken("quarantined" not in told["outcomes"], told)


def _content(file: Path) -> bytes:
    """Raises TooLarge."""
    if file.stat().st_size > LARGEST:
        raise TooLarge(f"The file is larger than {LARGEST >> 20} MiB. Send it in parts.")
    return file.read_bytes()


def _told(receipts: list[Receipt]) -> Taken:
    return Taken(all(one.is_taken for one in receipts), {"receipts": [one.json() for one in receipts]})


def waiting(folder: Path, before: float) -> list[Path]:
    """Files that lie there and have not changed since (seconds of the epoch), oldest first: in the folder itself, and
    in folders named by a sender."""
    for name in (DONE, FAILED):
        (folder / name).mkdir(parents=True, exist_ok=True)
    found: list[tuple[float, Path]] = []
    for place in (folder, *(one for one in folder.iterdir() if one.is_dir() and one.name not in (DONE, FAILED))):
        if place != folder and not _SENDER.fullmatch(place.name):
            continue
        for file in place.iterdir():
            if file.is_file() and not file.is_symlink() and not file.name.startswith(".") and file.suffix != ".part":
                changed = file.stat().st_mtime
                if changed <= before:
                    found.append((changed, file))
    return [file for _, file in sorted(found)]


def put_away(folder: Path, file: Path, taken: Taken) -> None:
    """The receipt first, then the file; one of the same name keeps its place."""
    sender = file.parent.name if file.parent != folder else ""
    place = folder / (DONE if taken.good else FAILED) / sender
    place.mkdir(parents=True, exist_ok=True)
    target = place / file.name
    number = 1
    while target.exists():
        target = place / f"{file.stem}.{number}{file.suffix}"
        number += 1
    (place / f"{target.name}.receipt.json").write_bytes(orjson.dumps(taken.told, option=orjson.OPT_INDENT_2))
    file.replace(target)
