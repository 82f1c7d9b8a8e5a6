"""The master index for whoever asks over a door or by command: each call is one transaction."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

import asyncpg

from minkang.fhir.problem import Busy, Conflict
from minkang.fhir.resource import Resource
from minkang.kit.db import Connection, Database, Unavailable
from minkang.platform.identity.deciding import LINK
from minkang.platform.identity.index import Counts, Event, MasterIndex, Review
from minkang.platform.identity.person import person_of

SOME = 100
"""Events and reviews in one answer."""


class Match(NamedTuple):
    """`grade`: certain (it would be linked), probable (a person would look); `score`: the chance."""

    tree: Resource
    grade: str
    score: float


class IdentityDesk:
    """`actor`: who decides."""

    def __init__(self, database: Database, index: MasterIndex, actor: str) -> None:
        self._database, self._index, self._actor = database, index, actor

    async def match(self, tree: Resource, *, certain: bool, count: int) -> list[Match]:
        """Registrations that may be of the person a Patient describes, the likeliest first. Raises Busy."""
        async with self._connection() as connection:
            found = await self._index.matches(connection, person_of(tree | {"id": ""}))
        kept = [one for one in found if not certain or one[0].outcome == LINK][:count]
        return [
            Match(there.tree, "certain" if pair.outcome == LINK else "probable", round(pair.score.chance, 4))
            for pair, there in kept
        ]

    async def together(self, patient: str) -> list[str]:
        """Registrations of one person. Raises NotFound, Busy."""
        async with self._connection() as connection:
            return await self._index.together(connection, patient)

    async def person(self, patient: str) -> Resource:
        """A Patient composed of all registrations of the person. Raises NotFound, Busy."""
        async with self._connection() as connection:
            return await self._index.person(connection, patient)

    async def counts(self) -> Counts:
        """Raises Busy."""
        async with self._connection() as connection:
            return await self._index.counts(connection)

    async def events(self, patients: Sequence[str], count: int = SOME) -> list[Event]:
        """Newest first. Raises Busy."""
        async with self._connection() as connection:
            return await self._index.events(connection, patients, count)

    async def reviews(self, state: str = "open", reason: str = "", count: int = SOME) -> list[Review]:
        """Oldest first. Raises Busy."""
        async with self._connection() as connection:
            return await self._index.reviews(connection, state, reason, count)

    async def decide(self, a: str, b: str, state: str, reason: str) -> Review:
        """Raises NotFound, Conflict, Incorrect, Busy."""
        async with self._connection() as connection:
            return await self._index.decide(connection, a, b, state, actor=self._actor, reason=reason)

    async def merge(self, kept: str, other: str, reason: str) -> int:
        """Raises NotFound, Conflict, Incorrect, Busy."""
        async with self._connection() as connection:
            return await self._index.merge(connection, kept, other, actor=self._actor, reason=reason)

    async def part(self, patient: str, reason: str) -> int:
        """Raises NotFound, Conflict, Incorrect, Busy."""
        async with self._connection() as connection:
            return await self._index.part(connection, patient, actor=self._actor, reason=reason)

    async def undo(self, event: int, reason: str) -> int:
        """Raises NotFound, Conflict, Incorrect, Busy."""
        async with self._connection() as connection:
            return await self._index.undo(connection, event, actor=self._actor, reason=reason)

    @asynccontextmanager
    async def _connection(self) -> AsyncGenerator[Connection[Any]]:
        try:
            async with self._database.transaction() as connection:
                yield connection
        except Unavailable as error:
            raise Busy("The database does not answer; try again shortly.") from error
        except (asyncpg.DeadlockDetectedError, asyncpg.SerializationError) as error:
            raise Conflict("Somebody changed the same people; try again.") from error
