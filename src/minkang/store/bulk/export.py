"""An export from its wish to its files: NDJSON, one type in each, some at once; it goes on after any kind of end.

The state is saved after the files it speaks of are on the disk. Who starts it again with the saved state gets the files
cut back to that point and the walk going on behind it. http://hl7.org/fhir/uv/bulkdata/STU2/export.html
"""

from __future__ import annotations

import asyncio
import errno
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

import msgspec
import orjson

from minkang.fhir.bulk import ExportWish
from minkang.fhir.instants import moment
from minkang.fhir.problem import Busy, Incorrect
from minkang.store.bulk.files import Appending
from minkang.store.contract import Extract, Moment, Portion, Repository, Stored

FILE_ROWS = 100_000
"""Resources of one file, after which the next one begins."""

CHECKPOINT = 2.0
"""Seconds between two savings of the state: what a crash costs at most."""

_DELETIONS = 100
"""Entries of one Bundle of deletions."""

_MEMBERS = 200_000
"""Patients of a group: their numbers are held in memory."""


@dataclass(slots=True)
class OutFile:
    """One file. `kind` is output or deleted; `count` its lines, `size` its readable bytes, `kept` those on the disk."""

    name: str
    kind: str
    type: str
    count: int = 0
    size: int = 0
    kept: int = 0


@dataclass(slots=True)
class ExportState:
    """How far an export has come. `place` is where the walk goes on, `over` that there is nothing behind it."""

    position: int
    time: str
    place: str | None = None
    rows: int = 0
    done: float = 0.0
    over: bool = False
    files: list[OutFile] = field(default_factory=list[OutFile])

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, tree: dict[str, Any]) -> ExportState:
        """Raises msgspec.ValidationError (a ValueError)."""
        return msgspec.convert(tree, cls)

    @property
    def moment(self) -> Moment:
        return Moment(self.position, datetime.fromisoformat(self.time))


Opener = Callable[[OutFile], Appending]
"""Opens a file behind what is kept of it."""

Save = Callable[[ExportState], Awaitable[None]]


async def run(
    repository: Repository,
    wish: ExportWish,
    open: Opener,
    save: Save,
    state: ExportState | None = None,
    told: Callable[[ExportState], None] = lambda _: None,
) -> ExportState:
    """Carry it out, from the beginning or from a saved state; the state in the end. `told` is called often.

    Raises Busy when the disk is full or the database away: the same call with the saved state goes on. Raises NotFound
    for a group that is not there.
    """
    extract = await _extract(repository, wish, state)
    if state is None:
        state = ExportState(extract.moment.position, extract.moment.time.isoformat())
        await save(state)
    if state.over:
        return state
    out = _Out(state, wish, open)
    try:
        await _walk(repository, extract, state, out, save, told)
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            raise Busy("The disk is full. Make room: the export goes on where it stopped.") from error
        raise
    finally:
        out.close()
    return state


async def _walk(
    repository: Repository,
    extract: Extract,
    state: ExportState,
    out: _Out,
    save: Save,
    told: Callable[[ExportState], None],
) -> None:
    last = time.monotonic()
    async for portion in repository.export(extract, after=state.place):
        out.take(portion)
        told(state)
        if time.monotonic() - last > CHECKPOINT:
            await asyncio.to_thread(out.sync)
            await save(state)
            last = time.monotonic()
    state.over, state.done = True, 1.0
    await asyncio.to_thread(out.sync)
    await save(state)
    told(state)


class _Out:
    """The files being written: the newest of each type."""

    def __init__(self, state: ExportState, wish: ExportWish, open: Opener):
        self._state = state
        self._wish = wish
        self._open = open
        self._files: dict[tuple[str, str], tuple[OutFile, Appending]] = {}
        self._full: list[tuple[OutFile, Appending]] = []
        for file in state.files:
            if file.count < FILE_ROWS:
                self._files[file.kind, file.type] = (file, open(file))

    def take(self, portion: Portion) -> None:
        lines: dict[str, list[bytes]] = {}
        deleted: list[Stored] = []
        cut = self._wish.cut if self._wish.elements else None
        for one in portion.versions:
            if one.deleted:
                deleted.append(one)
            else:
                lines.setdefault(one.type, []).append(one.content if cut is None else cut(one.type, one.content))
        for type, texts in lines.items():
            self._append("output", type, texts)
        if deleted:
            self._append("deleted", "Bundle", _deletions(deleted))
        self._state.rows += len(portion.versions)
        self._state.place, self._state.done = portion.place, portion.done

    def _append(self, kind: str, type: str, lines: Sequence[bytes]) -> None:
        while lines:
            file, writer = self._files.get((kind, type)) or self._next(kind, type)
            fitting = lines[: FILE_ROWS - file.count]
            writer.write(b"\n".join(fitting) + b"\n")
            file.count += len(fitting)
            if file.count >= FILE_ROWS:
                self._full.append(self._files.pop((kind, type)))
            lines = lines[len(fitting) :]

    def _next(self, kind: str, type: str) -> tuple[OutFile, Appending]:
        number = 1 + sum(one.kind == kind and one.type == type for one in self._state.files)
        word = type if kind == "output" else kind
        file = OutFile(f"{word}.{number}.ndjson", kind, type)
        self._state.files.append(file)
        self._files[kind, type] = (file, self._open(file))
        return self._files[kind, type]

    def sync(self) -> None:
        """Everything taken so far is on the disk, and the state says how much that is."""
        for file, writer in [*self._full, *self._files.values()]:
            writer.sync()
            file.size, file.kept = writer.size, writer.kept
        for _, writer in self._full:
            writer.close()
        self._full.clear()

    def close(self) -> None:
        for _, writer in [*self._full, *self._files.values()]:
            _close(writer)


def _close(writer: Appending) -> None:
    try:
        writer.close()
    except OSError:  # what it could not write is behind the saved state, which is what counts
        return


def _deletions(deleted: Sequence[Stored]) -> list[bytes]:
    """Bundles as the guide wants them: http://hl7.org/fhir/uv/bulkdata/STU2/export.html#response---output-manifest"""
    return [
        orjson.dumps(
            {
                "resourceType": "Bundle",
                "type": "transaction",
                "entry": [
                    {"request": {"method": "DELETE", "url": f"{one.type}/{one.id}"}}
                    for one in deleted[first : first + _DELETIONS]
                ],
            }
        )
        for first in range(0, len(deleted), _DELETIONS)
    ]


async def _extract(repository: Repository, wish: ExportWish, state: ExportState | None) -> Extract:
    patients = wish.patients or None
    if wish.group is not None:
        members = await _members(repository, wish.group)
        patients = members if patients is None else tuple(one for one in patients if one in set(members))
    return Extract(
        moment=await repository.moment() if state is None else state.moment,
        types=wish.types,
        since=None if wish.since is None else moment("_since", wish.since),
        until=None if wish.until is None else moment("_until", wish.until),
        queries=wish.queries(),
        patients=patients,
        owned=wish.level != "system",
    )


async def _members(repository: Repository, group: str) -> tuple[str, ...]:
    """Patients that are members of a group now. Raises NotFound; Incorrect when there are too many.

    http://hl7.org/fhir/R4/group-definitions.html#Group.member.inactive: those who left do not count.
    """
    tree = orjson.loads((await repository.read("Group", group)).content)
    found: list[str] = []
    for member in tree.get("member", []):
        reference = member.get("entity", {}).get("reference", "")
        if reference.startswith("Patient/") and not member.get("inactive"):
            found.append(reference.removeprefix("Patient/").partition("/")[0])
    if len(found) > _MEMBERS:
        raise Incorrect(f"Group/{group} has more than {_MEMBERS} members; export a part of them with `patient`.")
    return tuple(dict.fromkeys(found))
