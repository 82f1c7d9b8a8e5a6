"""Who is told through a socket: what has happened since, as soon as it has, one notification after the other.

    bind → handshake → events since the last that was taken → events as they come; a heartbeat where one is asked for

A worker looks after all its sockets with one question a moment. What a socket has been sent counts as taken; a client
whose line broke in between sees by the number of the next event that it missed some, and asks for them by `$events`.
http://hl7.org/fhir/uv/subscriptions-backport/STU1.1/channels.html#websockets
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace

import structlog

from minkang.fhir.problem import Busy, Forbidden
from minkang.fhir.subscriptions.notification import About, notification
from minkang.fhir.subscriptions.wish import Wish
from minkang.kit import clock
from minkang.kit.db import Unavailable
from minkang.platform.subscriptions.records import Record, record
from minkang.platform.subscriptions.telling import House, Next, Visit
from minkang.store.sql import SQL

PAUSE = 0.25
"""Seconds between two looks at what has happened."""

MOST = 1_000
"""Bindings of one worker."""

log = structlog.get_logger(__name__)


@dataclass(slots=True, eq=False)
class _Bound:
    """One Subscription on one socket. `cursor`: the last event that was sent."""

    id: str
    cursor: int
    wake: asyncio.Event


@dataclass(slots=True)
class Sockets:
    """Of one worker."""

    house: House
    _bound: dict[str, set[_Bound]] = field(default_factory=dict[str, set[_Bound]])
    _watching: asyncio.Task[None] | None = None

    async def notifications(self, ids: Sequence[str]) -> AsyncIterator[bytes]:
        """What to send for these Subscriptions, for as long as one of them goes on. Asked for the next, the former
        counts as taken. Raises Forbidden for one that cannot be told of, Busy when there are too many."""
        wake = asyncio.Event()
        bounds: list[_Bound] = []
        try:
            for id in ids:
                found, wish = await self._servable(id)
                bound = self._bind(id, found.delivered, wake)
                bounds.append(bound)
                yield self._text("handshake", found, wish, [])
                await self._greeted(found, wish)
            wake.set()
            while bounds:
                await wake.wait()
                wake.clear()
                for bound in list(bounds):
                    async for text in self._news(bound):
                        if text is None:
                            self._unbind(bound)
                            bounds.remove(bound)
                        else:
                            yield text
        except Unavailable as error:
            raise Busy("The database does not answer; bind again shortly.") from error
        finally:
            for bound in bounds:
                self._unbind(bound)

    async def _news(self, bound: _Bound) -> AsyncIterator[bytes | None]:
        """What is to be told of one now. None: it is over, and nothing will come any more."""
        try:
            found, wish = await self._servable(bound.id)
        except Forbidden:
            about = About(bound.id, None, "off", bound.cursor)
            yield notification("query-status", about, [], "empty", self.house.base, clock.now())
            yield None
            return
        held = self.house.authority(found.actor)
        if held is None:  # asked a moment ago
            return
        quiet = found.quiet
        while True:
            visit = Visit(self.house, replace(found, delivered=bound.cursor), wish, *held)
            events = await visit.next()
            if not events:
                break
            yield self._text("event-notification", found, wish, events)
            bound.cursor = max(bound.cursor, *(one.event.number for one in events))
            await visit.taken(events)
            quiet = False
        if quiet:
            yield self._text("heartbeat", found, wish, [])
            await Visit(self.house, found, wish, *held).taken([])

    async def _greeted(self, found: Record, wish: Wish) -> None:
        """From now on it counts when the next heartbeat is due."""
        held = self.house.authority(found.actor)
        if held is not None:
            await Visit(self.house, found, wish, *held).taken([])

    def _text(self, kind: str, found: Record, wish: Wish, events: Sequence[Next]) -> bytes:
        """The backport sends Bundles; R4's own form `bound` and `ping`."""
        if wish.topic is None:
            return f"{'bound' if kind == 'handshake' else 'ping'} {found.id}".encode()
        about = About(found.id, wish.topic, "active", found.events)
        now = clock.now()
        return notification(kind, about, [one.event for one in events], wish.content, self.house.base, now)

    async def _servable(self, id: str) -> tuple[Record, Wish]:
        async with self.house.database.connection() as connection:
            found = await record(connection, self.house.sealer, id)
        wish = found.wish if found is not None else None
        if found is None or wish is None or wish.channel != "websocket" or found.status != "active" or found.over:
            raise Forbidden(f"Subscription/{id} is no active Subscription with a websocket channel.")
        if self.house.authority(found.actor) is None:
            raise Forbidden("Whoever wrote this Subscription may not be told of anything any more.")
        return found, wish

    def _bind(self, id: str, cursor: int, wake: asyncio.Event) -> _Bound:
        if sum(map(len, self._bound.values())) >= MOST:
            raise Busy("This server holds as many sockets as it can; try again later.")
        bound = _Bound(id, cursor, wake)
        self._bound.setdefault(id, set()).add(bound)
        if self._watching is None or self._watching.done():
            self._watching = asyncio.create_task(self._watch())
        return bound

    def _unbind(self, bound: _Bound) -> None:
        there = self._bound.get(bound.id, set())
        there.discard(bound)
        if not there:
            self._bound.pop(bound.id, None)

    async def _watch(self) -> None:
        """Wakes whoever has something to hear, until nobody is bound."""
        while self._bound:
            with suppress(Unavailable):  # they hear of it when the database is back
                async with self.house.database.connection() as connection:
                    rows = await connection.fetch(SQL["subscriptions_waiting"], list(self._bound))
                heard = {row["id"]: row for row in rows}
                for id, there in self._bound.items():
                    row = heard.get(id)
                    for bound in there:
                        if row is None or row["due"] or row["events"] > bound.cursor:
                            bound.wake.set()
            await asyncio.sleep(PAUSE)

    async def close(self) -> None:
        if self._watching is not None:
            self._watching.cancel()
            await asyncio.gather(self._watching, return_exceptions=True)
