"""One write: a unit of work that collects what changes and puts it down in a few statements.

    open     number, time, and a shared hold on the residents concerned
    locate   where the named ids live
    find     the current rows, held
    put / remove   decide the new versions (pure; nothing is sent yet)
    flush    superseded rows to history, new rows and the batch in, in one go

The caller owns the transaction. http://hl7.org/fhir/R4/http.html#create and the sections after it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from minkang.fhir.problem import NotFound, PreconditionFailed
from minkang.fhir.references import patient_of
from minkang.fhir.resource import Parsed, members, stamped
from minkang.kit.db import Connection
from minkang.store import shards
from minkang.store.contract import Stored, Written
from minkang.store.index import Indexer
from minkang.store.index_rules import has_text
from minkang.store.rows import Name, Past, Row, TextRow, admits, organization_number
from minkang.store.scope import Actor, Scope
from minkang.store.seal import Sealer, name_of
from minkang.store.sql import SQL
from minkang.store.types import NAMES, NUMBERS


@dataclass(frozen=True, slots=True)
class Current:
    """What is there before the write: a live row, or a tombstone (`content` empty)."""

    shard: int
    version: int
    updated: datetime
    content: bytes

    @property
    def deleted(self) -> bool:
        return not self.content


class Raced(Exception):
    """Somebody changed the row between our look and our hold; start the transaction again."""


@dataclass(slots=True)
class Write:
    """A unit of work on one connection, for one actor. Not to be reused after `flush`."""

    connection: Connection[Any]
    sealer: Sealer
    indexer: Indexer
    actor: Actor
    scope: Scope
    batch: int = 0
    updated: datetime = datetime.min
    _located: dict[Name, int] = field(default_factory=dict[Name, int])
    _current: dict[Name, Current] = field(default_factory=dict[Name, Current])
    _rows: list[Row] = field(default_factory=list[Row])
    _texts: list[TextRow] = field(default_factory=list[TextRow])
    _tombs: list[Past] = field(default_factory=list[Past])
    _archive: list[tuple[int, int, str]] = field(default_factory=list[tuple[int, int, str]])
    _claims: list[tuple[int, str, int]] = field(default_factory=list[tuple[int, str, int]])
    _moves: list[tuple[int, int, str, int]] = field(default_factory=list[tuple[int, int, str, int]])

    async def open(self, shared: Sequence[int], alone: Sequence[int]) -> None:
        """Hold the lock numbers, shared (residents: a merge waits) and alone; then take batch number and time."""
        row = await self.connection.fetchrow(SQL["begin"], shared, alone)
        assert row is not None  # noqa: S101 - it always answers
        self.batch, self.updated = row["batch"], row["updated"]

    async def locate(self, names: Iterable[Name]) -> None:
        """Learn where ids live that do not tell it themselves."""
        wanted = [name for name in names if name not in self._located]
        if wanted:
            types, ids = [NUMBERS[type] for type, _ in wanted], [id for _, id in wanted]
            for row in await self.connection.fetch(SQL["locate"], types, ids):
                self._located[NAMES[row["type"]], row["id"]] = row["shard"]

    def shard_of(self, name: Name) -> int:
        """Where a resource lives, as far as `locate` was asked."""
        return self._located.get(name) or shards.natural(*name)

    async def find(self, names: Iterable[Name]) -> dict[Name, Current]:
        """The rows (or tombstones) of these names, held until the transaction ends. Ask `locate` first."""
        wanted = [name for name in names if name not in self._current]
        if not wanted:
            return self._current
        await self._find(SQL["current"], wanted)
        absent = [name for name in wanted if name not in self._current]
        if absent:
            await self._find(SQL["last_versions"], absent)
        return self._current

    async def _find(self, sql: str, names: list[Name]) -> None:
        where = [self.shard_of(name) for name in names]
        types, ids = [NUMBERS[type] for type, _ in names], [id for _, id in names]
        for row in await self.connection.fetch(sql, where, types, ids):
            type = NAMES[row["type"]]
            if not admits(self.scope, row["shard"], row["org"], row["region"]):
                raise NotFound(f"There is no {type}/{row['id']}.")
            if row["content"] is None:
                raise Raced
            # A version that another machine's clock dated must not be older than the one it follows.
            self.updated = max(self.updated, row["updated"])
            sealed, version = row["content"], row["version"]
            content = self.sealer.open(sealed, name_of(type, row["id"], version)) if sealed else b""
            self._current[type, row["id"]] = Current(row["shard"], version, row["updated"], content)

    def current(self, type: str, id: str) -> Current | None:
        """What `find` found."""
        return self._current.get((type, id))

    def home_of(self, type: str, patients: Sequence[str]) -> int | None:
        """The shard a resource's patients give it: the first one's; None when it names none."""
        if not patients or type == "Patient" or not shards.is_personal(type):
            return None
        return self.shard_of(("Patient", patients[0]))

    def new_id(self, type: str, patients: Sequence[str]) -> str:
        """An id for a new resource. `patients`: whose it will be, once its references are rewritten."""
        return shards.new_id(type, self.home_of(type, patients))

    def put(
        self, type: str, id: str, parsed: Parsed, *, if_match: int | None = None, if_none_match: str | None = None
    ) -> Written:
        """The new version of a resource, or its first one. Raises PreconditionFailed."""
        current = self._current.get((type, id))
        check_condition(current, if_match, if_none_match, f"{type}/{id}")
        if current and not current.deleted and current.content == stamped(parsed, id, current.version, current.updated):
            return Written(Stored(type, id, current.version, current.updated, current.content), "unchanged")
        version = current.version + 1 if current else 1
        patients = patient_of(parsed.tree)
        shard = self._place(type, id, patients, current)
        if current and not current.deleted:
            self._archive.append((current.shard, NUMBERS[type], id))
        text = self._add(shard, type, id, version, parsed, patients)
        did = "updated" if current and not current.deleted else "created"
        return Written(Stored(type, id, version, self.updated, text, method="POST" if version == 1 else "PUT"), did)

    def create(self, type: str, id: str, parsed: Parsed) -> Written:
        """The first version under an id made by `new_id`, which needs no look at what is there."""
        patients = patient_of(parsed.tree)
        home, natural = self.home_of(type, patients), shards.natural(type, id)
        shard = home if home is not None else natural
        if shard != natural:
            # The id was made before the references were rewritten, and they name somebody else now.
            self._claims.append((NUMBERS[type], id, shard))
        text = self._add(shard, type, id, 1, parsed, patients)
        return Written(Stored(type, id, 1, self.updated, text, method="POST"), "created")

    def remove(self, type: str, id: str, *, if_match: int | None = None) -> Written | None:
        """A tombstone; None when there is nothing to delete. Raises PreconditionFailed."""
        current = self._current.get((type, id))
        if current is None or current.deleted:
            return None
        check_condition(current, if_match, None, f"{type}/{id}")
        version = current.version + 1
        self._archive.append((current.shard, NUMBERS[type], id))
        org, region = organization_number(self.actor.organization), self.actor.division
        tomb = Past(current.shard, NUMBERS[type], id, version, self.batch, org, region, self.updated, True, b"")
        self._tombs.append(tomb)
        return Written(Stored(type, id, version, self.updated, b"", deleted=True, method="DELETE"), "deleted")

    def _place(self, type: str, id: str, patients: Sequence[str], current: Current | None) -> int:
        """Where the new version goes; notes the claim or the move that this needs."""
        home = self.home_of(type, patients)
        # What names nobody (any more) must not stay among a resident's rows, whatever shard its id carries.
        shard = home if home is not None else shards.hashed(type, id)
        if not shards.is_personal(type):
            return self.shard_of((type, id))
        if current is None:
            self._claims.append((NUMBERS[type], id, shard))
        elif current.shard != shard:
            self._moves.append((current.shard, NUMBERS[type], id, shard))
        return shard

    def _add(self, shard: int, type: str, id: str, version: int, parsed: Parsed, patients: Sequence[str]) -> bytes:
        """A row, and what goes beside it; the text it holds."""
        raw = members(parsed.text)
        terms = self.indexer.index(type, id, parsed, raw, patients)
        words = self.indexer.text_row(shard, type, id, parsed.tree)
        if words is not None:
            self._texts.append(words)
        text = stamped(parsed, id, version, self.updated, raw)
        content = self.sealer.seal(text, name_of(type, id, version))
        org, region = organization_number(self.actor.organization), self.actor.division
        place = (shard, NUMBERS[type], id, version, self.batch, org, region)
        self._rows.append(Row(*place, terms.date, self.updated, terms.keys, terms.flags, content))
        return text

    async def flush(
        self, source: str | None = None, message_id: str | None = None, answer: bytes | None = None
    ) -> None:
        """Send everything. Raises asyncpg.UniqueViolationError when somebody else was quicker (start again)."""
        rows = len(self._rows) + len(self._tombs)
        if not rows and message_id is None:
            return
        if self._archive:
            await self.connection.execute(SQL["archive"], *columns(self._archive, 3))
        if self._tombs:
            await self.connection.execute(SQL["entomb"], self._tombs)
        await self._flush_places()
        await self._flush_texts()
        told = (self.batch, self.updated, self.actor.reference, source, message_id, rows, answer)
        await self.connection.execute(SQL["insert"], self._rows, *told)

    async def _flush_texts(self) -> None:
        """Words of the superseded versions out, of the new ones in; nothing for most types."""
        stale = [place for place in self._archive if has_text(NAMES[place[1]])]
        if stale:
            await self.connection.execute(SQL["forget_texts"], *columns(stale, 3))
        if self._texts:
            await self.connection.execute(SQL["insert_texts"], self._texts)

    async def _flush_places(self) -> None:
        if self._claims:
            await self.connection.execute(SQL["claim"], *columns(self._claims, 3))
        if self._moves:
            await self.connection.execute(SQL["move_versions"], *columns(self._moves, 4))
            await self.connection.execute(SQL["tell_moved"], *columns(self._moves, 4)[:3], self.batch)
            moved = [(type, id, target) for _, type, id, target in self._moves]
            known = [move for move in moved if (NAMES[move[0]], move[1]) in self._located]
            new = [move for move in moved if (NAMES[move[0]], move[1]) not in self._located]
            await self.connection.execute(SQL["relocate"], *columns(known, 3))
            await self.connection.execute(SQL["claim"], *columns(new, 3))


def check_condition(current: Current | None, if_match: int | None, if_none_match: str | None, name: str) -> None:
    """If-Match and If-None-Match (http://hl7.org/fhir/R4/http.html#concurrency). Raises PreconditionFailed."""
    alive = current is not None and not current.deleted
    if if_match is not None and (not alive or (current and current.version != if_match)):
        there = f"is at version {current.version}" if alive and current else "does not exist"
        raise PreconditionFailed(f"{name} {there}, If-Match names version {if_match}.")
    if if_none_match == "*" and alive:
        raise PreconditionFailed(f"{name} exists already.")


def columns(rows: list[Any], width: int) -> list[list[Any]]:
    """Rows as the arrays that `unnest` takes."""
    return [list(column) for column in zip(*rows, strict=True)] if rows else [[] for _ in range(width)]
