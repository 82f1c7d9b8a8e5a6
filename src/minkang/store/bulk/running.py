"""Carrying out the jobs of the desk: each by one runner at a time, gone on with by another when that one dies.

Whoever runs a job holds a lock of a database session of its own while it does: when the process ends, however it ends,
the lock is free and the job is anybody's, who goes on from the saved state.
"""

from __future__ import annotations

import contextlib
import shutil
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import structlog

from minkang.fhir.bulk import ExportWish, RemovalWish
from minkang.fhir.problem import Busy, Fault, Problem, outcome
from minkang.kit.db import Connection, Database
from minkang.kit.folders import make_folder
from minkang.store.bulk import export
from minkang.store.bulk.desk import UPLOAD, Order, order_of, seal_json, state_of
from minkang.store.bulk.export import ExportState, OutFile
from minkang.store.bulk.files import SealedFile
from minkang.store.bulk.removal import Removal, RemovalState
from minkang.store.contract import Repository
from minkang.store.keys import Keys
from minkang.store.scope import Actor, Scope
from minkang.store.seal import Sealer
from minkang.store.sql import SQL

REMEMBERED = timedelta(days=7)
"""How long it is known of a job that its files have expired."""

_NEW = 60.0
"""Seconds within which a folder is of an order that is being made."""

log = structlog.get_logger(__name__)


class Cancelled(Exception):
    """Whoever ordered the job does not want it any more."""


@dataclass(frozen=True, slots=True)
class Run:
    """One job being carried out, as its kind sees it. `save(state, rows, done)` raises Cancelled."""

    id: str
    actor: Actor
    repository: Repository
    removal: Removal
    asked: dict[str, Any]
    state: dict[str, Any] | None
    folder: Path
    sealer: Sealer
    save: Callable[[dict[str, Any], int, float], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Standing:
    """`status` as in `desk.Job`; `done`: 0 to 1; `rows`: so far."""

    kind: str
    status: str
    done: float
    rows: int


Kind = Callable[[Run], Awaitable[None]]
"""How jobs of one kind are carried out: it saves its last state before it returns. Busy: try again later."""


class Runner:
    """`keep`: how long files stay after the end. `kinds`: more kinds of jobs than exports."""

    def __init__(
        self,
        database: Database,
        keys: Keys,
        repository_for: Callable[[Actor, Scope], Repository],
        removal_for: Callable[[Actor, Scope], Removal],
        folder: Path,
        keep: timedelta,
        kinds: Mapping[str, Kind],
    ):
        self._database = database
        self._keys = keys
        self._sealer = Sealer(keys)
        self._repository_for = repository_for
        self._removal_for = removal_for
        self._folder = folder
        self._keep = keep
        self._kinds = {"export": run_export, "delete": run_removal, **kinds}

    async def waiting(self) -> list[str]:
        """Ids of jobs to be carried out, oldest first; somebody may be at them already."""
        async with self._database.connection() as connection:
            return [row["id"] for row in await connection.fetch(SQL["jobs_waiting"])]

    async def standing(self, id: str) -> Standing | None:
        """How an order stands; None when there is no such order (any more)."""
        async with self._database.connection() as connection:
            row = await connection.fetchrow(SQL["job_standing"], id)
        return None if row is None else Standing(**row)

    async def run(self, id: str) -> bool:
        """Carry one out, or go on with it. False when somebody else is at it or it is over. Raises Busy when it has to
        be tried again later; it waits then as before."""
        async with self._database.connection() as connection:
            if not await connection.fetchval("SELECT pg_try_advisory_lock(hashtextextended($1, 0))", f"job {id}"):
                return False
            try:
                row = await connection.fetchrow(SQL["job_begin"], id)
                if row is not None:
                    await self._carry_out(connection, id, row)
                return row is not None
            finally:
                if not connection.is_closed():
                    await connection.fetchval("SELECT pg_advisory_unlock(hashtextextended($1, 0))", f"job {id}")

    async def _carry_out(self, connection: Connection[Any], id: str, row: Any) -> None:
        order = order_of(self._sealer, id, row["request"])
        run = self._made(connection, id, order, state_of(self._sealer, id, row["state"]))
        try:
            await self._kinds[row["kind"]](run)
        except Cancelled:
            self._remove(id)
        except Busy:
            await connection.execute(SQL["job_put_back"], id)
            raise
        except Problem as problem:
            log.warning("a bulk job was refused", job=id, kind=row["kind"], problem=type(problem).__name__)
            await self._end(connection, id, "failed", {"outcome": outcome(problem), "status": problem.status})
        except Exception:
            log.exception("a bulk job failed", job=id, kind=row["kind"])
            failed = Fault(f"Something broke on our side; it was logged under {id}.")
            await self._end(connection, id, "failed", {"outcome": outcome(failed), "status": failed.status})
        else:
            await self._end(connection, id, "finished", None)

    def _made(self, connection: Connection[Any], id: str, order: Order, state: dict[str, Any] | None) -> Run:
        async def save(state: dict[str, Any], rows: int, done: float) -> None:
            sealed = seal_json(self._sealer, state, f"state:{id}")
            if await connection.fetchval(SQL["job_save"], id, done, rows, sealed) is None:
                raise Cancelled

        repository = self._repository_for(order.actor, order.scope)
        # A sealer of its own: files are made durable in another thread.
        removal = self._removal_for(order.actor, order.scope)
        return Run(
            id, order.actor, repository, removal, order.asked, state, self._folder / id, Sealer(self._keys), save
        )

    async def _end(self, connection: Connection[Any], id: str, status: str, state: dict[str, Any] | None) -> None:
        sealed = None if state is None else seal_json(self._sealer, state, f"state:{id}")
        await connection.execute(SQL["job_end"], id, status, self._keep, sealed)
        if status == "failed":
            self._remove(id)

    async def sweep(self) -> int:
        """Remove the files of what has expired, was cancelled or is not known; how many folders that were."""
        async with self._database.connection() as connection:
            await connection.execute(SQL["jobs_forget"])
            await connection.fetch(SQL["jobs_expired"], REMEMBERED)
            if not self._folder.is_dir():
                return 0
            there = [path.name for path in self._folder.iterdir() if path.is_dir()]
            known = {row["id"] for row in await connection.fetch(SQL["jobs_known"], there)}
        gone = [name for name in there if name not in known and self._settled(name)]
        for name in gone:
            self._remove(name)
        return len(gone)

    def _settled(self, id: str) -> bool:
        """Not just being ordered: a file that comes with an order is there before it."""
        with contextlib.suppress(FileNotFoundError):
            return time.time() - (self._folder / id / UPLOAD).stat().st_mtime > _NEW
        return True

    def _remove(self, id: str) -> None:
        shutil.rmtree(self._folder / id, ignore_errors=True)


async def run_export(run: Run) -> None:
    """`$export`: files sealed under the job's folder, named by the state."""
    make_folder(run.folder, 0o700)

    def opened(file: OutFile) -> SealedFile:
        name = f"{run.id}/{file.name}"
        return SealedFile(run.folder / file.name, run.sealer, name, file.kept, file.size)

    async def save(state: ExportState) -> None:
        await run.save(state.to_json(), state.rows, state.done)

    begun = None if run.state is None else ExportState.from_json(run.state)
    await export.run(run.repository, ExportWish.from_json(run.asked), opened, save, begun)


async def run_removal(run: Run) -> None:
    """`$bulk-delete`."""

    async def save(state: RemovalState) -> None:
        await run.save(state.to_json(), state.rows, state.done)

    begun = None if run.state is None else RemovalState.from_json(run.state)
    await run.removal.run(RemovalWish.from_json(run.asked), save, begun)
