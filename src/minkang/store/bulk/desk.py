"""Where long jobs are ordered, looked at and cancelled: a desk bound to an actor and a scope, like a repository.

A job is a row of `bulk_job`. What it was asked is sealed with the actor and the scope that asked, so that whoever
carries it out later does so within that scope. Nobody but the actor who ordered a job sees it; to others there is no
such job. Who runs it is `running.py`.
"""

from __future__ import annotations

import asyncio
import os
import re
import secrets
import shutil
from collections.abc import AsyncGenerator, Iterable, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec
import orjson

from minkang.fhir.problem import Busy, Forbidden, Gone, NotFound, TooMany
from minkang.kit.db import Database, Unavailable
from minkang.kit.folders import created
from minkang.store.bulk import files, incoming
from minkang.store.scope import Actor, Scope
from minkang.store.seal import Sealer
from minkang.store.sql import SQL

MOST = 10
"""Jobs under way at once, of everybody together."""

QUEUE = "bulk"
"""Name of the queue, and of the job in it that carries an order out; it is put there in the order's transaction."""

UPLOAD = "upload.ndjson"
"""In the folder of its job: a file that came with an order. In the clear, and gone when the job is over."""

UNDER_WAY = ("waiting", "running")

_ID = re.compile(r"[A-Za-z0-9_-]{22}")


@dataclass(frozen=True, slots=True)
class Job:
    """`status`: waiting, running, finished or failed. `asked`: the order; `state`: how far it has come, in the end its
    outcome; both are JSON. `expires`: when its files go."""

    id: str
    kind: str
    status: str
    created: datetime
    expires: datetime | None
    done: float
    rows: int
    asked: dict[str, Any]
    state: dict[str, Any] | None


@dataclass(frozen=True, slots=True)
class Order:
    """What is sealed in a job's row."""

    actor: Actor
    scope: Scope
    asked: dict[str, Any]


def _put_down(folder: Path, content: bytes) -> None:
    folder.parent.mkdir(0o700, parents=True, exist_ok=True)
    folder.mkdir(0o700)
    with created(folder / UPLOAD) as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def seal_json(sealer: Sealer, tree: Any, name: str) -> bytes:
    return sealer.seal(orjson.dumps(tree, default=sorted), name.encode())


def open_json(sealer: Sealer, sealed: bytes, name: str) -> Any:
    return orjson.loads(sealer.open(sealed, name.encode()))


def order_of(sealer: Sealer, id: str, request: bytes) -> Order:
    return msgspec.convert(open_json(sealer, request, f"job:{id}"), Order)


def state_of(sealer: Sealer, id: str, state: bytes | None) -> dict[str, Any] | None:
    return None if state is None else open_json(sealer, state, f"state:{id}")


class Desk:
    """For one caller. `folder`: where the files of jobs lie, each job's in a folder of its own; `import_from`: below
    which files may be imported, `import_urls`: below which addresses."""

    def __init__(
        self,
        database: Database,
        sealer: Sealer,
        actor: Actor,
        scope: Scope,
        folder: Path,
        import_from: Path | None = None,
        import_urls: Sequence[str] = (),
    ):
        self._database = database
        self._sealer = sealer
        self._actor = actor
        self._scope = scope
        self._folder = folder
        self._import_from = import_from
        self._import_urls = import_urls

    async def order(self, kind: str, asked: dict[str, Any], upload: bytes | None = None) -> str:
        """The id of a new job that waits to be carried out. `upload`: a file that came with the order, which lies in
        the job's folder as UPLOAD. Raises TooMany."""
        id = secrets.token_urlsafe(16)
        if upload is None:
            return await self._ordered(id, kind, asked)
        try:
            await asyncio.to_thread(_put_down, self._folder / id, upload)
            return await self._ordered(id, kind, asked)
        except BaseException:
            shutil.rmtree(self._folder / id, ignore_errors=True)
            raise

    async def _ordered(self, id: str, kind: str, asked: dict[str, Any]) -> str:
        order = seal_json(self._sealer, asdict(Order(self._actor, self._scope, asked)), f"job:{id}")
        async with self._translated(), self._database.transaction() as connection:
            made = await connection.fetchval(SQL["job_order"], id, kind, self._actor.reference, order, MOST)
            if made is not None:
                await connection.fetchval(
                    SQL["queue_put"], QUEUE, QUEUE, None, orjson.dumps({"order": id}).decode(), None
                )
        if made is None:
            raise TooMany(f"{MOST} jobs are under way already; try again when some have ended.")
        return id

    def incoming(self, urls: Iterable[str]) -> list[str]:
        """The files to import that these urls name: paths, and addresses that are fetched. Raises Forbidden, Incorrect,
        NotFound."""
        self.check_may_import()
        return incoming.found(self._import_from, urls, self._import_urls)

    def check_may_import(self) -> None:
        """Raises Forbidden."""
        if not self._scope.unlimited or self._scope.writable is not None:
            raise Forbidden("An import writes whatever its files hold, so only who may write everything orders one.")

    async def look(self, id: str) -> Job:
        """Raises NotFound, for somebody else's job too; Gone when its files have expired."""
        async with self._translated(), self._database.connection() as connection:
            row = await connection.fetchrow(SQL["job_look"], id) if _ID.fullmatch(id) else None
        if row is None or row["owner"] != self._actor.reference or row["status"] == "cancelled":
            raise NotFound("There is no such job.")
        if row["status"] == "expired":
            raise Gone("The files of this job have expired; order it again.")
        order = order_of(self._sealer, id, row["request"])
        known = {name: row[name] for name in ("id", "kind", "status", "created", "expires", "done", "rows")}
        return Job(**known, asked=order.asked, state=state_of(self._sealer, id, row["state"]))

    async def cancel(self, id: str) -> None:
        """A job under way stops at its next checkpoint; its files go. Raises NotFound."""
        await self.look(id)
        async with self._translated(), self._database.connection() as connection:
            await connection.execute(SQL["job_cancel"], id)

    def read(self, job: Job, name: str, first: int, last: int) -> Iterator[bytes]:
        """Readable bytes of one of the job's files, which must be one that its state names."""
        return files.read(self._folder / job.id / name, self._sealer, f"{job.id}/{name}", first, last)

    @asynccontextmanager
    async def _translated(self) -> AsyncGenerator[None]:
        try:
            yield
        except Unavailable as error:
            raise Busy("The database does not answer; try again shortly.") from error
