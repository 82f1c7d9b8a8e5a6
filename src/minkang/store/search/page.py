"""One page of a search: run the plan, recheck what the terms left open, refill until the page is full.

A page never reads without bounds: a search whose hits are too rare to be met by walking and too common to be found by
terms is refused with words that say how to narrow it. http://hl7.org/fhir/R4/search.html
"""

from __future__ import annotations

import heapq
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from operator import itemgetter
from typing import Any, NamedTuple

import orjson

from minkang.fhir.problem import TooCostly
from minkang.fhir.resource import Resource
from minkang.fhir.search.match import clause_matches, ordered, sort_values
from minkang.fhir.search.query import Clause, Query
from minkang.kit.db import Connection
from minkang.store import cursor
from minkang.store.contract import Hit, Page, Stored
from minkang.store.rows import NO_DATE, stored
from minkang.store.scope import Scope
from minkang.store.seal import Sealer, name_of
from minkang.store.search import linking, sql
from minkang.store.search import plan as planning
from minkang.store.search import slow as telling
from minkang.store.search.frequencies import UNKNOWN, Frequencies
from minkang.store.search.include import included
from minkang.store.search.plan import Plan, Way
from minkang.store.terms import TermHash
from minkang.store.types import NAMES

BUDGET = 1.0
"""Seconds a page may be sought by walking."""

GLANCE = 0.2
"""Seconds an inner search may take to turn out small."""

SMALL = 20_000
"""Rows of types that an inner search may walk through."""

NARROW = 50
"""Resources or residents up to which candidates are looked at before an inner search is carried out."""

WALK = 100_000
"""Rows one search may recheck: a bound against runaway searches, not yet tuned by measurement."""

READ = 10_000
"""Rows one search may read for words: reading one takes some ten times as long as comparing a code."""

SORT = 50_000
"""Candidates one search may sort by something other than the type's own date."""

FEW = 5_000
"""Hits that an estimate counts before it estimates."""

COUNT = 1_000_000
"""Rows one accurate total may count."""

_STEP = 1_000
_PLACE = (cursor.SMALL, cursor.BIG, cursor.BIG, cursor.TEXT)


class Candidate(NamedTuple):
    place: sql.Place
    stored: Stored


def bare(query: Query, count: int) -> Query:
    """The same criteria without includes and totals: for conditions."""
    return replace(query, includes=(), revincludes=(), total="none", count=count, cursor=None, summary=None)


async def search(
    connection: Connection[Any],
    sealer: Sealer,
    hash: TermHash,
    scope: Scope,
    query: Query,
    frequencies: Frequencies = UNKNOWN,
    *,
    slow: float | None = None,
) -> Page:
    """Raises TooCostly; Incorrect for a foreign cursor. What takes longer than `slow` seconds is logged."""
    if slow is None:
        return await _search(connection, sealer, hash, scope, query, frequencies, [])
    begun, done = time.monotonic(), list[Search]()
    try:
        return await _search(connection, sealer, hash, scope, query, frequencies, done)
    finally:
        seconds = time.monotonic() - begun
        if seconds > slow:
            telling.tell(query, done[0].plan if done else None, seconds, done[0].rows if done else 0)


async def _search(
    connection: Connection[Any],
    sealer: Sealer,
    hash: TermHash,
    scope: Scope,
    query: Query,
    frequencies: Frequencies,
    done: list[Search],
) -> Page:
    """`done` is given what carries the plan out."""
    inner = Inner(connection, sealer, hash, scope, frequencies)
    query = await linking.settled(query, inner)
    plan = planning.make(query, hash, frequencies)
    walk = Search(connection, sealer, scope, plan, frequencies, inner)
    done.append(walk)
    if query.summary == "count" or query.count == 0:
        return Page([], total=await walk.asked_total(query))
    found, following = await (walk.sorted_page(query) if plan.sorted else walk.page(query))
    hits = [Hit(one) for one in found]
    if query.includes or query.revincludes:
        hits += await included(connection, sealer, hash, scope, query, found)
    total = await walk.asked_total(query) if query.total != "none" else None
    return Page(hits, following, total)


class Search:
    """One plan being carried out."""

    def __init__(
        self,
        connection: Connection[Any],
        sealer: Sealer,
        scope: Scope,
        plan: Plan,
        frequencies: Frequencies = UNKNOWN,
        inner: Inner | None = None,
    ):
        self._connection = connection
        self._sealer = sealer
        self._open = sealer.open
        self._scope = scope
        self._plan = plan
        self._frequencies = frequencies
        self._checked = 0
        self.rows = 0
        self._inner = inner
        self._deadline: float | None = time.monotonic() + BUDGET if plan.links else None

    @property
    def plan(self) -> Plan:
        return self._plan

    async def page(self, query: Query) -> tuple[list[Stored], str | None]:
        """Hits in the order of the columns, and the cursor of the next page."""
        after: Any = tuple(cursor.decode(query.cursor, _PLACE)) if query.cursor else None
        wanted = query.count + 1
        self._deadline = time.monotonic() + BUDGET
        if self._plan.exact and not self._plan.oldest_first and not self._plan.empty and wanted <= _STEP:
            rows = await self._fetch(after, wanted)
            self.rows = len(rows)
            return self._whole_page(rows, query.count)
        found: list[Candidate] = []
        async for candidate in self._hits(after, wanted):
            found.append(candidate)
            if len(found) == wanted:
                break
        more = len(found) == wanted
        shown = found[: query.count]
        return [one.stored for one in shown], cursor.encode(shown[-1].place) if more and shown else None

    def _whole_page(self, rows: list[Any], count: int) -> tuple[list[Stored], str | None]:
        """One statement was enough and its rows are the page: nothing to recheck, nothing to refill."""
        shown = rows[:count]
        following = cursor.encode(_place_of(shown[-1])) if len(rows) > count and shown else None
        return [stored(row, self._sealer) for row in shown], following

    async def sorted_page(self, query: Query) -> tuple[list[Stored], str | None]:
        """Hits in the order of `_sort`: all candidates are looked at, only the best are kept."""
        last = self._sorted_after(query)
        wanted = query.count + 1
        hits: list[tuple[Any, list[Any], Stored]] = []
        candidates = 0
        async for candidate in self._hits(None, SORT):
            candidates += 1
            if candidates > SORT:
                raise TooCostly(f"More than {SORT} resources would have to be sorted; narrow the search.")
            stored = candidate.stored
            values = sort_values(query.sort, orjson.loads(stored.content))
            key = (ordered(query.sort, values), stored.type, stored.id)
            if last is None or key > last:
                hits.append((key, [*values, stored.type, stored.id], stored))
                if len(hits) == 4 * wanted:
                    hits = heapq.nsmallest(wanted, hits, key=itemgetter(0))
        shown = heapq.nsmallest(query.count, hits, key=itemgetter(0))
        following = self._sorted_cursor(query, shown[-1][1]) if shown and len(hits) > len(shown) else None
        return [stored for _, _, stored in shown], following

    def _sorted_cursor(self, query: Query, values: list[Any]) -> str:
        """Sealed: what a page sorts by may be a name, and links stand in logs."""
        return cursor.seal(self._sealer, values, _order(query))

    def _sorted_after(self, query: Query) -> Any:
        """The key of the last row shown."""
        if query.cursor is None:
            return None
        *values, type, id = cursor.unseal(self._sealer, query.cursor, len(query.sort) + 2, _order(query))
        return (ordered(query.sort, values), type, id)

    async def asked_total(self, query: Query) -> int:
        """As exact as was asked for."""
        return await (self.estimate() if query.total == "estimate" else self.total())

    async def estimate(self) -> int:
        """The exact number while it is small, else about how many by PostgreSQL's statistics, as if what is asked for
        were independent of each other (http://hl7.org/fhir/R4/search.html#total, `estimate`)."""
        if self._plan.empty:
            return 0
        if self._plan.exact:
            statement = sql.count(self._plan, self._scope, FEW)
            number: int = await self._connection.fetchval(statement.text, *statement.arguments)
            return number if number < FEW else max(number, self._by_statistics())
        number = 0
        try:
            async for _ in self._hits(None, _STEP):
                number += 1
                if number == FEW:
                    break
            else:
                return number
        except TooCostly:
            pass  # an estimate is due all the same
        return max(number, self._by_statistics())

    def _by_statistics(self) -> int:
        number = self._frequencies.rows_of(self._plan.types)
        for group in (*self._plan.keys, *self._plan.flags):
            number *= self._frequencies.part_of_type(group, self._plan.types)
        return int(number)

    async def total(self) -> int:
        """The exact number of hits. Raises TooCostly where counting would take too long."""
        if self._plan.empty:
            return 0
        if self._plan.exact:
            statement = sql.count(self._plan, self._scope, COUNT)
            number: int = await self._connection.fetchval(statement.text, *statement.arguments)
            if number >= COUNT:
                raise TooCostly(f"There are more than {COUNT} hits; ask for the total of a narrower search.")
            return number
        number = 0
        async for _ in self._hits(None, _STEP):
            number += 1
        return number

    async def few(self, most: int, deadline: float) -> list[Stored] | None:
        """All hits, None when there are more than `most`. Raises TooCostly after the deadline."""
        self._deadline = deadline
        found: list[Stored] = []
        async for candidate in self._hits(None, min(most + 1, _STEP)):
            found.append(candidate.stored)
            if len(found) > most:
                return None
        return found

    async def _hits(self, after: sql.Place | None, wanted: int) -> AsyncIterator[Candidate]:
        """Candidates that meet every clause, from `after` on; `wanted` says how many the caller hopes for."""
        step = wanted if self._plan.exact else min(max(2 * wanted, 50), _STEP)
        step = min(step, _STEP)
        while not self._plan.empty:
            rows = await self._fetch(after, step)
            self.rows += len(rows)
            candidates = (self._candidate(row) for row in rows)
            for candidate in await self._linked(list(candidates)) if self._plan.links else candidates:
                if self._plan.exact or self._plan.links or self._meets(candidate.stored):
                    yield candidate
            if len(rows) < step:
                after = self._undated(after)
                if after is None:
                    return
                continue
            last = rows[-1]
            after = _place_of(last)
            self._bound(len(rows))
            step = min(step * 2, _STEP)

    async def _linked(self, candidates: list[Candidate]) -> list[Candidate]:
        """Those whose links lead where they should."""
        candidates = [one for one in candidates if self._meets(one.stored)]
        for link in self._plan.links:
            if not candidates or self._inner is None:
                return []
            own = await linking.verified([link], [one.stored for one in candidates], self._inner)
            candidates = [one for one in candidates if clause_matches(own[0], orjson.loads(one.stored.content))]
        return candidates

    def _undated(self, after: sql.Place | None) -> sql.Place | None:
        """Oldest first, rows without a date come in a second round at the end; None when that is over."""
        if not self._plan.oldest_first or (after is not None and after[1] == NO_DATE):
            return None
        return (0, NO_DATE, -1, "")

    def _bound(self, rows: int) -> None:
        self._checked += rows
        if self._plan.exact:
            return
        late = self._deadline is not None and time.monotonic() > self._deadline
        words = any(clause.parameter.kind == "text" for clause in self._plan.recheck)
        if late or self._checked > (READ if words else WALK):
            more = " Words are indexed of few types only (index_rules.json)." if words else ""
            raise TooCostly(f"The search would look at too many resources one by one; {planning.NARROW}{more}")

    async def _fetch(self, after: sql.Place | None, limit: int) -> list[Any]:
        statement = sql.rows(self._plan, self._scope, after=after, limit=limit)
        if self._plan.way is Way.WALK:
            return await self._walk(statement)
        rows = await self._connection.fetch(statement.text, *statement.arguments)
        if self._plan.way not in (Way.TERMS, Way.TEXT):
            return rows
        if rows[0]["hits"] > self._plan.most:
            if self._plan.way is Way.TERMS:
                self._frequencies.found((term for group in self._plan.keys for term in group), rows[0]["hits"])
            # Common after all: other words may be rarer, or the next hit is near on a walk by date.
            self._plan.way = Way.TEXT if self._plan.way is Way.TERMS and self._plan.texts else Way.WALK
            return await self._fetch(after, limit)
        return [row for row in rows if row["id"] is not None]

    async def _walk(self, statement: sql.Statement) -> list[Any]:
        """The rows of a walk, which PostgreSQL could seek for minutes where they are rarer than was thought."""
        left = None if self._deadline is None else max(self._deadline - time.monotonic(), 0.01)
        try:
            return await self._connection.fetch(statement.text, *statement.arguments, timeout=left)
        except TimeoutError:
            words = f"What is sought was not met within {BUDGET:g} s on the way from the newest"
            raise TooCostly(f"{words}; {planning.NARROW}") from None

    def _candidate(self, row: Any) -> Candidate:
        type, id, version = NAMES[row["type"]], row["id"], row["version"]
        text = self._open(row["content"], name_of(type, id, version))
        return Candidate(_place_of(row), Stored(type, id, version, row["updated"], text))

    def _meets(self, stored: Stored) -> bool:
        tree: Resource = orjson.loads(stored.content)
        return all(clause_matches(clause, tree) for clause in self._plan.recheck)


def _place_of(row: Any) -> sql.Place:
    return (row["type"], row["date"], row["shard"], row["id"])


class Inner:
    """The searches inside a search: for chains and `_has`, within the same scope (`linking.Find`)."""

    def __init__(
        self, connection: Connection[Any], sealer: Sealer, hash: TermHash, scope: Scope, frequencies: Frequencies
    ):
        self._connection = connection
        self._sealer = sealer
        self._hash = hash
        self._scope = scope
        self._frequencies = frequencies
        self.known: dict[Clause, Clause] = {}

    async def few(self, query: Query, most: int) -> list[Stored] | None:
        query = await linking.settled(query, self)
        try:
            plan = planning.make(query, self._hash, self._frequencies)
            if plan.links or (plan.way is Way.WALK and self._frequencies.rows_of(plan.types) > SMALL):
                return None
            return await self._hits(plan, most, time.monotonic() + GLANCE)
        except TooCostly:
            return None

    async def all(self, query: Query) -> list[Stored]:
        query = await linking.settled(query, self)
        plan = planning.make(query, self._hash, self._frequencies)
        found = await self._hits(plan, WALK, time.monotonic() + BUDGET)
        if found is None:
            raise TooCostly(f"Too many resources refer to these; {planning.NARROW}")
        return found

    def is_narrow(self, query: Query) -> bool:
        try:
            plan = planning.make(query, self._hash, self._frequencies)
        except TooCostly:
            return False
        if plan.way is Way.NAMES:
            return len(plan.names or ()) <= NARROW
        if plan.way is Way.PERSON:
            return len(plan.named) <= NARROW
        return any(one.parameter.code == "identifier" and one.modifier is None for one in query.clauses)

    async def _hits(self, plan: Plan, most: int, deadline: float) -> list[Stored] | None:
        search = Search(self._connection, self._sealer, self._scope, plan, self._frequencies, self)
        return await search.few(most, deadline)


def _order(query: Query) -> str:
    """What a sorted page is sorted by, as text."""
    return f"{query.type}?" + ",".join(f"{'-' if one.descending else ''}{one.parameter.code}" for one in query.sort)
