"""One visit to one target: greet it, tell it what happened, or that nothing did; then show how it went.

Whatever is told is read within the scope of the Subscription's author as it is now. What was taken is recorded after
the target has answered, so a process that dies in between tells it again: at least once.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import orjson
import structlog

from minkang.fhir import merge_patch
from minkang.fhir.problem import Conflict, NotFound
from minkang.fhir.resource import Parsed
from minkang.fhir.subscriptions.notification import About, Event, notification
from minkang.fhir.subscriptions.wish import JSON, Wish
from minkang.kit import clock
from minkang.kit.db import Database
from minkang.kit.outgoing import NoAnswer, ask
from minkang.kit.targets import NotAllowed, Target, allowed
from minkang.platform.subscriptions.records import ACTOR, Authority, Record, record, seal_trouble
from minkang.store.contract import Repository
from minkang.store.scope import Actor, Scope
from minkang.store.seal import Sealer
from minkang.store.sql import SQL
from minkang.store.types import NAMES

FIRST_PAUSE, LONGEST_PAUSE = timedelta(seconds=1), timedelta(minutes=5)
"""Until a target that failed is tried again; it is tried for ever."""

REFUSALS = frozenset({400, 413, 415, 422})
"""Statuses by which a target refuses what it was told. Any other failure may pass (a wrong token, a restart)."""

MOST_REFUSALS = 10
"""After so many an event is put aside, and the next is told."""

MOST_BYTES = 4 * 1024 * 1024
"""Of resources in one notification; one alone may be longer."""

LATER = timedelta(seconds=1)
LOOK = timedelta(minutes=1)

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class House:
    """What visits need. `base`: address of the FHIR door; `targets`: prefixes of the URLs that may be told;
    `writer_for`: who writes the status of any Subscription, in the name of an actor."""

    database: Database
    sealer: Sealer
    repository_for: Callable[[Actor, Scope], Repository]
    writer_for: Callable[[Actor], Repository]
    authority: Authority
    targets: Sequence[str]
    base: str


@dataclass(frozen=True, slots=True)
class Next:
    """An event as it is kept, and what it says."""

    event: Event
    version: int
    refused: int
    again: bool


class Visit:
    """Of one Subscription."""

    def __init__(self, house: House, found: Record, wish: Wish, actor: Actor, scope: Scope):
        self._house = house
        self._record = found
        self._wish = wish
        self._repository = house.repository_for(actor, scope)

    async def carry_out(self) -> bool:
        """Whether its target took what it was told."""
        found = self._record
        if found.status == "requested":
            return await self._tell("handshake", [])
        events = await self.next()
        if events:
            return await self._tell("event-notification", events)
        return found.quiet and await self._tell("heartbeat", [])

    async def next(self) -> list[Next]:
        """The events to be told now. One that was refused, or is told again, goes alone, so that it is known which."""
        async with self._house.database.connection() as connection:
            rows = await connection.fetch(
                SQL["subscription_events"], self._record.id, self._record.delivered, self._wish.max_count
            )
        if rows and (rows[0]["again"] or rows[0]["refused"] or self._sends_resources_alone):
            rows = rows[:1]
        found: list[Next] = []
        size = 0
        for row in rows:
            text = await self._text(row) if self._wish.content == "full-resource" else None
            size += len(text or b"")
            if found and size > MOST_BYTES:
                break
            event = Event(row["number"], NAMES[row["type"]], row["resource"], row["did"], row["happened"], text)
            found.append(Next(event, row["version"], row["refused"], row["again"]))
        return found

    @property
    def _sends_resources_alone(self) -> bool:
        return self._wish.topic is None and self._wish.content == "full-resource"

    async def _text(self, row: Any) -> bytes | None:
        """None when it was deleted or expunged, or is no longer for the author to see."""
        if row["did"] == "deleted":
            return None
        try:
            return (await self._repository.vread(NAMES[row["type"]], row["resource"], row["version"])).content or None
        except NotFound:
            return None

    async def _tell(self, kind: str, events: Sequence[Next]) -> bool:
        """Whether its target took it."""
        wish = self._wish
        if self._sends_resources_alone and events and events[0].event.text is None:
            await self.taken(events)  # R4's own form has no way to tell what is not there any more
            return True
        try:
            place = allowed(wish.endpoint, self._house.targets)
            status = await self._sent(place, kind, [one.event for one in events])
        except (NoAnswer, NotAllowed) as error:
            await self._failed(str(error))
            return False
        if 200 <= status < 300:
            await self.taken(events)
            return True
        if events and status in REFUSALS:
            await self._refused(events[0], status)
        else:
            await self._failed(f"The target answered {status}.")
        return False

    async def _sent(self, place: Target, kind: str, events: Sequence[Event]) -> int:
        wish = self._wish
        typed = [*wish.headers, ("Content-Type", JSON[0])]
        if wish.topic is not None:
            body = notification(kind, self.about(), events, wish.content, self._house.base, clock.now())
            return await ask(place, "POST", typed, body, within=wish.timeout)
        if wish.content == "empty":
            return await ask(place, "POST", wish.headers, b"", within=wish.timeout)
        # http://hl7.org/fhir/R4/subscription.html: with a payload the endpoint is the base of a server that is updated.
        event = events[0]
        path, mark, query = place.path.partition("?")
        below = replace(place, path=f"{path.rstrip('/')}/{event.type}/{event.id}{mark}{query}")
        return await ask(below, "PUT", typed, event.text or b"", within=wish.timeout)

    def about(self) -> About:
        found = self._record
        status = "requested" if found.status == "requested" else "active"
        return About(found.id, self._wish.topic, status, found.events)

    async def taken(self, events: Sequence[Next]) -> None:
        last = max((one.event.number for one in events if not one.again), default=0)
        again = [one.event.number for one in events if one.again]
        await self._do("subscription_taken", last, again)

    async def _refused(self, first: Next, status: int) -> None:
        number = first.event.number
        async with self._house.database.connection() as connection:
            refused = await connection.fetchval(SQL["subscription_refused"], self._record.id, number)
        if refused is not None and refused >= MOST_REFUSALS:
            log.error("an event is put aside", subscription=self._record.id, number=number, status=status)
            await self._do("subscription_put_aside", number)
        else:
            await self._failed(f"The target refused event {number} with {status}.")

    async def _failed(self, words: str) -> None:
        failures = self._record.failures + 1
        pause = min(FIRST_PAUSE * 2 ** min(self._record.failures, 20), LONGEST_PAUSE)
        log.warning("a target was not reached", subscription=self._record.id, failures=failures, why=words)
        sealed = seal_trouble(self._house.sealer, self._record.id, words)
        # Targets of one host that failed together need not come back together.
        await self._do("subscription_failed", sealed, pause * random.uniform(0.75, 1.0))  # noqa: S311

    async def _do(self, statement: str, *arguments: Any) -> None:
        """On the row, unless its author has written it meanwhile."""
        await _do(self._house, statement, self._record.id, self._record.written, *arguments)


async def visit(house: House, id: str) -> bool:
    """Whatever is to be done for one Subscription now, and its status shown on the resource.

    Whether its target took what it was told and there is more: it may be visited again at once.
    """
    found = await _record(house, id)
    if found is None:
        return False
    held = house.authority(found.actor)
    writer = house.writer_for(_ours(held))
    try:
        await writer.read("Subscription", id)
    except NotFound:  # expunged, which the feed does not tell; or deleted, which it will
        await _do(house, "subscription_forget", id)
        return False
    took = False
    if found.status in ("requested", "active"):
        if found.over:
            await _end(house, found, "Its end has passed.")
        elif found.wish is None:
            await _end(house, found, "What it asks for is not understood any more; write it anew.")
        elif held is None:
            await _end(house, found, "Whoever wrote it may not be told of anything any more.")
        elif found.wish.channel == "rest-hook":
            took = await Visit(house, found, found.wish, *held).carry_out()
        found = await _record(house, id)
    if found is None:
        return False
    await _show(house, found, writer if held is not None else None)
    if found.wish is not None and found.wish.channel == "websocket":
        # Its events wait for whoever binds a socket (`sockets`); here only its end is looked for.
        await _do(house, "subscription_later", id, LOOK)
    return took and found.status == "active" and found.events > found.delivered


def _ours(held: tuple[Actor, Scope] | None) -> Actor:
    """Who writes a status: as the author's institution, for the custodian of a resource is its last writer's."""
    return Actor(ACTOR) if held is None else replace(held[0], reference=ACTOR)


async def _record(house: House, id: str) -> Record | None:
    async with house.database.connection() as connection:
        return await record(connection, house.sealer, id)


async def _do(house: House, statement: str, *arguments: Any) -> None:
    async with house.database.connection() as connection:
        await connection.execute(SQL[statement], *arguments)


async def _end(house: House, found: Record, words: str) -> None:
    sealed = seal_trouble(house.sealer, found.id, words)
    await _do(house, "subscription_end", found.id, found.written, sealed)


async def _show(house: House, found: Record, writer: Repository | None) -> None:
    """Write the status to the resource, if it shows another one; a little later when it was just written. None: the
    author's institution is not known any more, and nobody else may become the custodian."""
    status = found.fhir_status
    if status != found.shown and writer is not None:
        change = _change(status, found.trouble if status != "active" else None)
        try:
            await writer.patch("Subscription", found.id, change, if_match=found.version)
        except (Conflict, NotFound):
            await _do(house, "subscription_later", found.id, LATER)
            return
    await _do(house, "subscription_shown", found.id, found.written, status)


def _change(status: str, trouble: str | None) -> Callable[[bytes], Parsed]:
    tree = {"status": status, "error": trouble}
    patch = Parsed(tree, orjson.dumps(tree))
    return lambda text: merge_patch.apply(text, patch)
