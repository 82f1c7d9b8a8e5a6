"""The walk of an export: along the primary key, portion by portion, everything as it was at one moment.

Every portion is read in a snapshot of its own, so that an export of hours holds back no vacuum, and one that was broken
off goes on where it was. What was written since the moment is told by its batch (`moment.py`); for each resource in
the range of a portion there is one place where it is decided, whatever happens meanwhile:

    unchanged since      the current row
    changed since        the newest older version that the moment shows
    deleted since        the same, found by its tombstone
    moved since          decided where it was at the moment, found by `resource_moved`

An export of some residents walks their records first, then asks the index for what names them and lives elsewhere.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import orjson

from minkang.fhir.compartments import in_compartment
from minkang.fhir.references import patient_of
from minkang.fhir.resource import Resource
from minkang.fhir.search.match import matches
from minkang.kit.db import Connection, Database
from minkang.store import cursor, shards
from minkang.store.bulk import moment
from minkang.store.contract import Extract, Portion, Stored
from minkang.store.rows import admits, stored
from minkang.store.scope import Scope
from minkang.store.seal import Sealer
from minkang.store.search.plan import elsewhere
from minkang.store.search.scope_sql import scope_condition
from minkang.store.sql import SQL
from minkang.store.terms import TermHash
from minkang.store.types import NAMES, NUMBERS

Key = tuple[int, int, str]
"""Shard, type, id."""

PORTION = 2_000
"""Rows read at once: some 2 MB."""

_RESIDENTS = 500
"""Shards named in one statement."""

_NAMED = 50
"""Patients whose names are sought in others' records by one statement."""

_ELSEWHERE = -1
"""In the place of a type: the records of the residents are over, the number before it counts patients."""

_LAST_PART = 0.1
"""What the second half is told to be of an export of some residents."""

_START: Key = (-1, 0, "")
_OVER = (2**15 - 1, "")
"""Behind every type and id of a shard."""
_END: Key = (2**63 - 1, *_OVER)
_SPACE = 2.0**63
_OF_THE_RANGE = 8
"""Arguments that every statement has: where it begins and ends, types, residents."""
_PLACE = (cursor.BIG, cursor.SMALL, cursor.TEXT)


class _Statement(NamedTuple):
    text: str
    more: tuple[Any, ...]


@dataclass(slots=True)
class _Found:
    """What lies in the range of one portion."""

    end: Key | None
    rows: list[Any]
    tombs: list[Any]
    moves: list[Any]
    settled: set[int] = field(default_factory=set[int])
    """Batches that the moment shows, among those it must be asked of."""
    living: set[Key] = field(default_factory=set[Key])
    """Names of the rows, when there are deletions to compare them with."""


class Walk:
    """One export being carried out for one scope."""

    def __init__(self, database: Database, sealer: Sealer, hash: TermHash, scope: Scope, extract: Extract):
        self._database = database
        self._sealer = sealer
        self._hash = hash
        self._scope = scope
        self._extract = extract
        self._types = _types(extract)
        self._residents: list[int] | None = None
        self._rows = self._rows_statement()
        self._tombs = self._tombs_statement()
        self._moves = self._moves_statement()

    async def portions(self, after: str | None) -> AsyncIterator[Portion]:
        """All of it, or what lies behind a place where another walk of the same extract ended."""
        if self._types == ():
            return
        if self._extract.patients is not None:
            self._residents = await self._shards_of(self._extract.patients)
        shard, type, id = cursor.decode(after, _PLACE) if after is not None else _START
        place: Key | None = (shard, type, id) if type != _ELSEWHERE else None
        while place is not None:
            group = self._group(place)
            if group == []:
                break
            async with self._database.connection() as connection:
                versions, end = await self._portion(connection, place, group)
            place = end if end is not None or group is None else (group[-1], *_OVER)
            yield self._told(versions, place)

        patients = sorted(set(self._extract.patients or ()))
        for first in range(shard if type == _ELSEWHERE else 0, len(patients), _NAMED):
            async with self._database.connection() as connection:
                versions = await self._elsewhere(connection, patients[first : first + _NAMED], set(patients))
            next = first + _NAMED
            done = 1 - _LAST_PART * (1 - min(next / len(patients), 1.0))
            yield Portion(versions, cursor.encode((next, _ELSEWHERE, "")), done)

    def _told(self, versions: list[Stored], place: Key | None) -> Portion:
        if place is None:
            return Portion(versions, cursor.encode(_END), 1.0)
        residents = self._residents
        if residents is None:
            return Portion(versions, cursor.encode(place), max(place[0] / _SPACE, 0.0))
        done = (1 - _LAST_PART) * bisect_left(residents, place[0] + 1) / len(residents)
        return Portion(versions, cursor.encode(place), done)

    def _group(self, place: Key) -> list[int] | None:
        """The next of the residents asked for; None when everybody is."""
        if self._residents is None:
            return None
        # A place at the end of a shard is that shard's last; else the shard is not over yet.
        first = bisect_left(self._residents, place[0] + (place[1:] == _OVER))
        return self._residents[first : first + _RESIDENTS]

    async def _shards_of(self, patients: Iterable[str]) -> list[int]:
        names = sorted(set(patients))
        async with self._database.connection() as connection:
            rows = await connection.fetch(SQL["locate"], [NUMBERS["Patient"]] * len(names), names)
        moved = {row["id"]: row["shard"] for row in rows}
        return sorted({moved.get(name) or shards.of_patient(name) for name in names})

    async def _portion(
        self, connection: Connection[Any], after: Key, group: list[int] | None
    ) -> tuple[list[Stored], Key | None]:
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            # Rare types lie far apart; and each statement has an index that gives its order, whatever the plan.
            await connection.execute("SET LOCAL statement_timeout = 0; SET LOCAL enable_bitmapscan = off")
            found = await self._find(connection, after, group)
            since_then = await self._as_of_the_moment(connection, found)
        open = self._sealer
        versions = [
            stored(row, open)
            for row in found.rows
            if row["content"] is not None and self._is_shown(row, found) and self._is_owned(row)
        ]
        if self._extract.since is not None:
            versions += [stored(row, open) for row in found.tombs if self._is_told(row, found)]
        versions += [stored(row, open) for row in since_then if self._is_wanted(row)]
        return self._matching(versions), found.end

    async def _find(self, connection: Connection[Any], after: Key, group: list[int] | None) -> _Found:
        rows = await self._fetch(connection, self._rows, after, None, group)
        end = _key(rows[-1]) if len(rows) == PORTION else None
        others: list[list[Any]] = []
        for statement in (self._tombs, self._moves):
            some = await self._fetch(connection, statement, after, end, group)
            if len(some) == PORTION:  # more deletions than rows: the portion ends where they do
                some = _whole(some)
                end = _key(some[-1])
            others.append(some)
        tombs, moves = ([row for row in each if end is None or _key(row) <= end] for each in others)
        tombs = _newest(tombs)
        rows = [row for row in rows if end is None or _key(row) <= end]
        found = _Found(end, rows, tombs, moves)
        if tombs:
            found.living = {_key(row) for row in rows}
        doubtful = {row["batch"] for row in [*rows, *tombs] if row["updated"] >= self._extract.moment.time}
        doubtful.update(row["batch"] for row in moves)
        if doubtful:
            found.settled = await moment.inside(connection, self._extract.moment.position, doubtful)
        return found

    async def _fetch(
        self, connection: Connection[Any], statement: _Statement, after: Key, end: Key | None, group: list[int] | None
    ) -> list[Any]:
        types = None if self._types is None else [NUMBERS[name] for name in self._types]
        bounds = (*after, *(end or _END))
        return await connection.fetch(statement.text, *bounds, types, group, *statement.more)

    # -- statements ---------------------------------------------------------------------------------------------------

    def _statement(self, select: str, where: str, *more: Any) -> _Statement:
        """`more`: arguments behind those of the range."""
        conditions = ["(shard, type, id) > ($1, $2, $3) AND (shard, type, id) <= ($4, $5, $6)"]
        conditions.append("$7::smallint[] IS NULL" if self._types is None else "type = ANY ($7::smallint[])")
        everybody = self._extract.patients is None
        conditions.append("$8::bigint[] IS NULL" if everybody else "shard = ANY ($8::bigint[])")
        text = f"SELECT {select} WHERE {where} AND {' AND '.join(conditions)} ORDER BY shard, type, id"
        return _Statement(f"{text} LIMIT {PORTION}", more)

    def _rows_statement(self) -> _Statement:
        """Contents come along only for what is in scope and in time: for a county most rows are others'."""
        arguments: list[Any] = [None] * _OF_THE_RANGE
        conditions = scope_condition(self._scope, arguments)
        for bound, operator in ((self._extract.since, ">="), (self._extract.until, "<")):
            if bound is not None:
                arguments.append(bound)
                conditions.append(f"updated {operator} ${len(arguments)}")
        content = f"CASE WHEN {' AND '.join(conditions) or 'true'} THEN content END AS content"
        columns = f"shard, type, id, version, batch, updated, {content}"
        return self._statement(f"{columns} FROM resource", "true", *arguments[_OF_THE_RANGE:])

    def _tombs_statement(self) -> _Statement:
        """Deletions as far back as it matters, in index order: after millions of them nothing is sorted."""
        columns = "shard, type, id, version, batch, updated, org, region, content"
        oldest = self._extract.moment.time if self._extract.since is None else self._extract.since
        where = "deleted AND updated >= $9"
        return self._statement(f"{columns} FROM resource_version", where, oldest)

    def _moves_statement(self) -> _Statement:
        return self._statement("shard, type, id, batch FROM resource_moved", "true")

    # -- what the moment shows ----------------------------------------------------------------------------------------

    def _is_shown(self, row: Any, found: _Found) -> bool:
        return row["updated"] < self._extract.moment.time or row["batch"] in found.settled

    async def _as_of_the_moment(self, connection: Connection[Any], found: _Found) -> Sequence[Any]:
        """Versions of what was changed, deleted or moved away since, as they were."""
        changed = {_key(row) for row in [*found.rows, *found.tombs] if not self._is_shown(row, found)}
        away = {_key(row) for row in found.moves if row["batch"] not in found.settled}
        if not changed and not away:
            return []
        was = await self._where_it_was(connection, changed | away)
        now = await self._where_it_is(connection, away - changed)
        places = [key for key in changed if was.get(key[1:], key[0]) == key[0]]
        places += [now[key[1:]] for key in away - changed if was[key[1:]] == key[0]]
        return await self._versions(connection, places)

    async def _where_it_was(self, connection: Connection[Any], keys: set[Key]) -> dict[tuple[int, str], int]:
        """Shards at the moment, of what has moved since: the first move since tells."""
        names = sorted({key[1:] for key in keys})
        rows = await connection.fetch(SQL["moves_of"], [type for type, _ in names], [id for _, id in names])
        if not rows:
            return {}
        settled = await moment.inside(connection, self._extract.moment.position, {row["batch"] for row in rows})
        was: dict[tuple[int, str], int] = {}
        for row in rows:
            if row["batch"] not in settled:
                was.setdefault((row["type"], row["id"]), row["shard"])
        return was

    async def _where_it_is(self, connection: Connection[Any], keys: set[Key]) -> dict[tuple[int, str], Key]:
        if not keys:
            return {}
        names = sorted({key[1:] for key in keys})
        rows = await connection.fetch(SQL["locate"], [type for type, _ in names], [id for _, id in names])
        located = {(row["type"], row["id"]): row["shard"] for row in rows}
        return {name: (located.get(name) or shards.natural(NAMES[name[0]], name[1]), *name) for name in names}

    async def _versions(self, connection: Connection[Any], keys: list[Key]) -> Sequence[Any]:
        """The newest version of each that the moment shows."""
        rows = await connection.fetch(SQL["versions_of"], *_columns(keys, 3))
        settled = await moment.inside(connection, self._extract.moment.position, {row["batch"] for row in rows})
        newest: dict[Key, int] = {}
        for row in rows:
            if row["batch"] in settled:
                newest[_key(row)] = max(row["version"], newest.get(_key(row), 0))
        chosen = [(*key, version) for key, version in newest.items()]
        return await connection.fetch(SQL["some_versions"], *_columns(chosen, 4)) if chosen else []

    async def _elsewhere(self, connection: Connection[Any], patients: list[str], all_of_them: set[str]) -> list[Stored]:
        """What names one of these patients but lives with somebody else, who is not asked for.

        Whoever is named with several of those asked for comes with the first of them.
        """
        terms = [term for patient in patients for term in elsewhere(patient, self._hash)]
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            found = await connection.fetch(SQL["rows_with_terms"], terms)
            residents = set(self._residents or ())
            rows = [row for row in found if row["shard"] not in residents and self._is_of_type(row)]
            batches = {row["batch"] for row in rows}
            settled = await moment.inside(connection, self._extract.moment.position, batches) if rows else set[int]()
            shown = [row for row in rows if row["batch"] in settled]
            changed = [_key(row) for row in rows if row["batch"] not in settled]
            shown += await self._versions(connection, changed) if changed else []
        versions = [stored(row, self._sealer) for row in shown if self._is_wanted(row)]
        return self._matching([one for one in versions if _first_named(one, all_of_them) in patients])

    def _is_of_type(self, row: Any) -> bool:
        return self._types is None or NAMES[row["type"]] in self._types

    # -- what is wanted of it -----------------------------------------------------------------------------------------

    def _is_told(self, tomb: Any, found: _Found) -> bool:
        """A deletion that the moment shows. (What has a row again is decided by that row.)"""
        return self._is_shown(tomb, found) and _key(tomb) not in found.living and self._is_wanted(tomb)

    def _is_wanted(self, row: Any) -> bool:
        since, until = self._extract.since, self._extract.until
        if not row["content"] and since is None:
            return False
        return (
            admits(self._scope, row["shard"], row["org"], row["region"])
            and (since is None or row["updated"] >= since)
            and (until is None or row["updated"] < until)
            and self._is_owned(row)
        )

    def _is_owned(self, row: Any) -> bool:
        """What names nobody lies in the shard of its own name."""
        if not self._extract.owned or row["type"] == NUMBERS["Patient"]:
            return True
        return row["shard"] != shards.hashed(NAMES[row["type"]], row["id"])

    def _matching(self, versions: list[Stored]) -> list[Stored]:
        queries = self._extract.queries
        if not queries:
            return versions
        limited = {query.type for query in queries}
        return [one for one in versions if one.type not in limited or one.deleted or _meets(one, queries)]


def _whole(rows: list[Any]) -> list[Any]:
    """A full page without its last name, of which there may be more rows."""
    last = _key(rows[-1])
    return [row for row in rows if _key(row) != last] or rows


def _newest(tombs: list[Any]) -> list[Any]:
    """The newest deletion of each name."""
    newest: dict[Key, Any] = {}
    for row in tombs:
        if _key(row) not in newest or newest[_key(row)]["version"] < row["version"]:
            newest[_key(row)] = row
    return list(newest.values())


def _first_named(one: Stored, patients: set[str]) -> str | None:
    """The first by name of the patients that a resource belongs to or, for a Patient, is linked to."""
    if one.deleted:
        return None
    tree: Resource = orjson.loads(one.content)
    named = set(patient_of(tree))
    links: list[Resource] = tree.get("link", []) if one.type == "Patient" else []
    for link in links:
        named.add(str(link["other"].get("reference", "")).removeprefix("Patient/").partition("/")[0])
    return min(named & patients, default=None)


def _meets(one: Stored, queries: Sequence[Any]) -> bool:
    tree = orjson.loads(one.content)
    return any(query.type == one.type and matches(query, tree) for query in queries)


def _types(extract: Extract) -> tuple[str, ...] | None:
    """None: all of them."""
    if not extract.owned and extract.patients is None:
        return extract.types or None
    personal = ("Patient", *in_compartment("Patient"))
    return tuple(dict.fromkeys(name for name in personal if not extract.types or name in extract.types))


def _key(row: Any) -> Key:
    return (row["shard"], row["type"], row["id"])


def _columns(rows: Sequence[Any], width: int) -> list[list[Any]]:
    return [list(column) for column in zip(*rows, strict=True)] if rows else [[] for _ in range(width)]
