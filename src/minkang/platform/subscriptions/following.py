"""Which change is an event for whom: the follower of the feed behind all Subscriptions.

A Subscription that was stored becomes a row of its own here, checked; whether it can be served shows in its status a
moment later, whichever door it came through. A change becomes an event of each active Subscription whose criteria the
resource meets (for a deletion: its last version) and whose author may see it. Events are numbered in the order of the
feed and committed with the cursor, so none is missed or counted twice.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson

from minkang.fhir.problem import Problem, Unprocessable
from minkang.fhir.resource import Resource
from minkang.fhir.subscriptions.wish import Wish, wish
from minkang.kit.db import Connection
from minkang.kit.targets import NotAllowed, allowed
from minkang.platform.subscriptions.records import ACTOR, Authority, bound, seal_trouble, wish_of
from minkang.store.feed import Change
from minkang.store.rows import admits, stored
from minkang.store.scope import Scope
from minkang.store.seal import Sealer
from minkang.store.sql import SQL
from minkang.store.types import NUMBERS

SUBSCRIPTION = "Subscription"


@dataclass(frozen=True, slots=True)
class _Told:
    """An active Subscription."""

    id: str
    written: int
    wish: Wish
    scope: Scope


@dataclass(frozen=True, slots=True)
class _Event:
    type: int
    id: str
    version: int
    did: str
    happened: datetime


class Subscribing:
    """Implements `workflow.follow.Follower`. `targets`: prefixes of the URLs that may be told. Its cursor was made by
    the migration that brought its tables."""

    name = "subscriptions"
    from_now = True

    def __init__(self, sealer: Sealer, authority: Authority, targets: Sequence[str]):
        self._sealer = sealer
        self._authority = authority
        self._targets = targets
        self._wishes: dict[tuple[str, int], Wish | None] = {}
        self._told: dict[str, _Told] = {}

    async def wants(self, connection: Connection[Any]) -> frozenset[str]:
        rows = await connection.fetch(SQL["subscriptions_told"])
        await self._read([row for row in rows if (row["id"], row["written"]) not in self._wishes], connection)
        self._wishes = {(row["id"], row["written"]): self._wishes.get((row["id"], row["written"])) for row in rows}
        self._told = {}
        for row in rows:
            held, asked = self._authority(row["actor"]), self._wishes[row["id"], row["written"]]
            if held is not None and asked is not None:
                self._told[row["id"]] = _Told(row["id"], row["written"], asked, held[1])
        return frozenset({SUBSCRIPTION}).union(*(one.wish.types for one in self._told.values()))

    async def _read(self, rows: Sequence[Any], connection: Connection[Any]) -> None:
        if rows:
            found = await connection.fetch(SQL["subscription_contents"], [row["id"] for row in rows])
            for row in found:
                name = (row["id"], row["written"])
                self._wishes[name] = wish_of(self._sealer, *name, row["content"])

    async def take(self, connection: Connection[Any], changes: Sequence[Change]) -> None:
        events: dict[str, list[_Event]] = {}
        for change in changes:
            if change.type == SUBSCRIPTION:
                await self._subscription(connection, change)
                events = {id: found for id, found in events.items() if id in self._told}
            if change.actor != ACTOR:
                for one in await self._concerned(connection, change):
                    did = "deleted" if change.deleted else "created" if change.version == 1 else "updated"
                    event = _Event(NUMBERS[change.type], change.id, change.version, did, change.updated)
                    events.setdefault(one.id, []).append(event)
        for id in sorted(events):  # one order for everybody who holds several
            await self._count(connection, id, events[id])

    async def _concerned(self, connection: Connection[Any], change: Change) -> list[_Told]:
        did = "deleted" if change.deleted else "created" if change.version == 1 else "updated"
        asked = [one for one in self._told.values() if change.type in one.wish.types and did in one.wish.on]
        if not asked:
            return []
        held = (change.shard, change.org, change.region)
        tree: Resource
        if not change.deleted:
            tree = orjson.loads(change.stored(self._sealer).content)
        else:
            last = await connection.fetchrow(
                SQL["one_version"], change.shard, NUMBERS[change.type], change.id, change.version - 1
            )
            if last is None or not last["content"]:
                return []  # expunged since: nobody can tell any more what it was
            tree = orjson.loads(stored(last, self._sealer).content)
            held = (last["shard"], last["org"], last["region"])
        return [one for one in asked if admits(one.scope, *held) and one.wish.is_met(tree)]

    async def _count(self, connection: Connection[Any], id: str, events: Sequence[_Event]) -> None:
        last = await connection.fetchval(SQL["subscription_count"], id, len(events))
        if last is None:
            return
        await connection.execute(
            SQL["subscription_events_put"],
            [id] * len(events),
            list(range(last - len(events) + 1, last + 1)),
            [event.type for event in events],
            [event.id for event in events],
            [event.version for event in events],
            [event.did for event in events],
            [event.happened for event in events],
        )

    async def _subscription(self, connection: Connection[Any], change: Change) -> None:
        """It was written: it is told of nothing until it has been greeted anew."""
        if change.actor == ACTOR:
            await connection.execute(SQL["subscription_version"], change.id, change.version)
            return
        self._told.pop(change.id, None)
        if change.deleted:
            await connection.execute(SQL["subscription_forget"], change.id)
            return
        content = change.stored(self._sealer).content
        tree: Resource = orjson.loads(content)
        status, asked, trouble = self._judged(tree, change.actor)
        await connection.execute(
            SQL["subscription_write"],
            change.id,
            change.version,
            change.actor,
            status,
            tree["status"],
            self._sealer.seal(content, bound(change.id, change.version)),
            None if trouble is None else seal_trouble(self._sealer, change.id, trouble),
            None if asked is None else asked.end,
            None if asked is None else asked.heartbeat,
        )

    def _judged(self, tree: Resource, actor: str) -> tuple[str, Wish | None, str | None]:
        """Status, what it asks for, and why it cannot be served."""
        try:
            asked = wish(tree)
            if asked.channel == "rest-hook":
                allowed(asked.endpoint, self._targets)
            if self._authority(actor) is None:
                raise Unprocessable("Whoever wrote this Subscription may not be told of anything.")
        except NotAllowed as error:
            return ("off" if tree["status"] == "off" else "refused"), None, str(error)
        except Problem as problem:
            return ("off" if tree["status"] == "off" else "refused"), None, problem.text
        if tree["status"] == "off":
            return "off", asked, None
        # R4's own form knows no handshake, and who comes by a socket is greeted whenever it comes.
        greeted = asked.topic is None or asked.channel == "websocket"
        return ("active" if greeted else "requested"), asked, None
