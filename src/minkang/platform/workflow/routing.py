"""Who is sent what changes: the follower of the feed that makes a job of each change for each route that wants it.

The jobs commit with the cursor, so none is missed and none made twice; those of one route are carried out one after the
other, in the order of the feed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from minkang.fhir.resource import exact
from minkang.fhir.search.match import clause_matches
from minkang.fhir.search.query import Query
from minkang.kit.db import Connection
from minkang.platform.workflow.jobs import Job, defer
from minkang.store.feed import Change
from minkang.store.seal import Sealer


@dataclass(frozen=True, slots=True)
class Route:
    """A resource goes this way when one of the queries on its type is met, unless the change came from there: `without`
    are sources (`door:sender`, as `Bundle` writes and intake have them)."""

    name: str
    queries: tuple[Query, ...]
    without: frozenset[str] = frozenset()

    @property
    def types(self) -> frozenset[str]:
        return frozenset(str(one.type) for one in self.queries)


class Routing:
    """Implements `follow.Follower`. `job` is given `route`, `type`, `id` and `version`."""

    from_now = True

    def __init__(self, name: str, sealer: Sealer, routes: Sequence[Route], job: Job):
        self.name = name
        self._sealer = sealer
        self._routes = routes
        self._job = job

    async def wants(self, connection: Connection[Any]) -> frozenset[str]:
        return frozenset[str]().union(*(one.types for one in self._routes))

    async def take(self, connection: Connection[Any], changes: Sequence[Change]) -> None:
        for change in changes:
            for route in self._routes:
                if self._concerns(route, change):
                    told = {"route": route.name, "type": change.type, "id": change.id, "version": change.version}
                    await defer(connection, replace(self._job, lock=f"{self._job.name} {route.name}"), told)

    def _concerns(self, route: Route, change: Change) -> bool:
        """What is deleted is told to nobody: there is no message that takes back what never was."""
        mine = [one for one in route.queries if one.type == change.type]
        if not mine or change.deleted or change.source in route.without:
            return False
        tree = exact(change.stored(self._sealer).content)
        return any(all(clause_matches(clause, tree) for clause in one.clauses) for one in mine)
