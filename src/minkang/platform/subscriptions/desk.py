"""How a Subscription stands and what it was told: for `$status` and `$events` at the FHIR door.

Whoever may read the Subscription may ask; the resources of its events are read with the asker's own repository.
"""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import orjson

from minkang.fhir.problem import Busy, Fault, Forbidden, NotFound, Unprocessable
from minkang.fhir.subscriptions.notification import About, Event
from minkang.kit.db import Connection, Database, Unavailable
from minkang.platform.subscriptions.records import Record, record
from minkang.store.contract import Repository
from minkang.store.seal import Sealer
from minkang.store.sql import SQL
from minkang.store.types import NAMES

MOST = 100
"""Events in one answer."""

BINDING = timedelta(minutes=10)
"""How long a token binds a socket; one that is bound stays so."""

_BOUND_TO = b"websocket binding"


@dataclass(frozen=True, slots=True)
class Standing:
    """`content`: what its notifications hold (empty, id-only, full-resource)."""

    about: About
    content: str


class SubscriptionDesk:
    """Asked by callers with their own repository."""

    def __init__(self, database: Database, sealer: Sealer):
        self._database = database
        self._sealer = sealer

    async def standing(self, repository: Repository, id: str) -> Standing:
        """Raises NotFound, also while nobody has looked at it yet."""
        await repository.read("Subscription", id)
        found = await self._record(id)
        topic, content = (None, "empty") if found.wish is None else (found.wish.topic, found.wish.content)
        return Standing(About(id, topic, found.fhir_status, found.events, found.trouble), content)

    async def events(self, repository: Repository, id: str, since: int, until: int, content: str) -> list[Event]:
        """Those numbered `since` to `until`, oldest first, at most MOST; those long taken are gone."""
        try:
            async with self._database.connection() as connection:
                rows = await connection.fetch(SQL["subscription_events_between"], id, since, until, MOST)
        except Unavailable as error:
            raise Busy("The database does not answer; try again shortly.") from error
        return [await _event(repository, row, content) for row in rows]

    async def binding(self, repository: Repository, ids: Sequence[str], now: datetime) -> tuple[str, datetime]:
        """A token that binds a socket to these Subscriptions until then. Sealed, so that every worker knows its own and
        nobody can make one. Raises NotFound, Unprocessable."""
        for id in ids:
            await repository.read("Subscription", id)
            found = await self._record(id)
            if found.wish is None or found.wish.channel != "websocket":
                raise Unprocessable(f"Subscription/{id} is no websocket Subscription (channel.type = websocket).")
        expires = now + BINDING
        sealed = self._sealer.seal(orjson.dumps([list(ids), expires.timestamp()]), _BOUND_TO)
        return urlsafe_b64encode(sealed).decode().rstrip("="), expires

    def bound(self, token: str, now: datetime) -> list[str]:
        """The Subscriptions that a token binds. Raises Forbidden."""
        try:
            sealed = urlsafe_b64decode(token + "=" * (-len(token) % 4))
            ids, expires = orjson.loads(self._sealer.open(sealed, _BOUND_TO))
        except (ValueError, IndexError, Fault):
            raise Forbidden("This is no token of this server.") from None
        if expires < now.timestamp():
            raise Forbidden("The token has expired; ask for another by $get-ws-binding-token.")
        return ids

    async def _record(self, id: str) -> Record:
        try:
            async with self._database.connection() as connection:
                found = await record(connection, self._sealer, id)
        except Unavailable as error:
            raise Busy("The database does not answer; try again shortly.") from error
        if found is None:
            raise NotFound("Nothing is known of this Subscription yet; ask again in a moment.")
        return found


async def _event(repository: Repository, row: Any, content: str) -> Event:
    text = None
    type = NAMES[row["type"]]
    if content == "full-resource" and row["did"] != "deleted":
        try:
            text = (await repository.vread(type, row["resource"], row["version"])).content or None
        except NotFound:
            text = None
    return Event(row["number"], type, row["resource"], row["did"], row["happened"], text)


async def states(connection: Connection[Any], limit: int = 1_000) -> list[dict[str, Any]]:
    """For operators: how each stands."""
    return [dict(row) for row in await connection.fetch(SQL["subscription_states"], limit)]


async def replay(connection: Connection[Any], id: str, number: int | None = None) -> int:
    """Tell again what was put aside; how many events that are."""
    return await connection.fetchval(SQL["subscription_replay"], id, number)
