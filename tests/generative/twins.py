"""Both stores side by side: the same requests to each, and what differs in their answers."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence
from typing import Any

import orjson

from minkang.fhir.problem import Incorrect
from minkang.fhir.resource import Resource
from minkang.fhir.search.match import sort_values
from minkang.store import keys
from minkang.store.contract import Page, Repository, Stored
from minkang.store.memory import MemoryStore
from minkang.store.scope import EVERYTHING, Actor, Scope
from minkang.store.store import Store
from tests.generative.vocabulary import DEFINITIONS
from tests.lib.builders import parsed
from tests.spec.language import Caller, Chapter, Row
from tests.spec.running import Run, query

CALLERS = {
    "east": Caller("east-hospital", 390101, divisions=frozenset({390101})),
    "west": Caller("west-hospital", 390102, divisions=frozenset({390102}), patients=frozenset({"a"})),
}
SCOPES = {
    "city": EVERYTHING,
    "east": Scope(divisions=frozenset({390101})),
    "west": Scope(organizations=frozenset({"west-hospital"})),
}
WRITERS = {
    name: Actor(f"Practitioner/{name}", caller.organization, caller.division) for name, caller in CALLERS.items()
}
_MADE_BY_A_STORE = re.compile(r"\b[0-9a-z.]{26,27}\b")


class Twins:
    """An emptied PostgreSQL store and a new naive one."""

    def __init__(self, runner: asyncio.Runner, url: str) -> None:
        self._runner = runner
        self.postgres = runner.run(_open(url))
        self.memory = MemoryStore()

    def close(self) -> None:
        self._runner.run(self.postgres.close())

    def empty(self) -> None:
        self._runner.run(self._empty())
        self.memory = MemoryStore()

    async def _empty(self) -> None:
        async with self.postgres.database.connection() as connection:
            await connection.execute("TRUNCATE resource, resource_version, resource_text, locator, batch")

    def doors(self, actor: Actor, scope: Scope) -> tuple[Repository, Repository]:
        return self.memory.repository(actor, scope), self.postgres.repository(actor, scope)

    def fill(self, resources: Sequence[tuple[str, Resource]]) -> None:
        """Nothing but these resources, ids inside, each written by the caller that is named."""
        self.empty()
        self._runner.run(self._load(resources))

    async def _load(self, resources: Sequence[tuple[str, Resource]]) -> None:
        for by, resource in [*DEFINITIONS, *resources]:
            for door in self.doors(WRITERS[by], EVERYTHING):
                await door.update(resource["resourceType"], resource["id"], parsed(resource))

    def search(self, target: str, scope: str) -> tuple[Any, Any]:
        """What each store finds, in a form that can be compared."""
        doors = self.doors(WRITERS["east"], SCOPES[scope])
        return self._runner.run(found(doors[0], target)), self._runner.run(found(doors[1], target))

    def first_difference(self, story: Sequence[Row]) -> str | None:
        """The first row that the stores answer differently, beginning with nothing; None when there is none.

        Ids they made are called $1, $2 ... in the order they appear.
        """
        self.empty()
        return self._runner.run(self._first_difference(story))

    async def _first_difference(self, story: Sequence[Row]) -> str | None:
        chapter = Chapter("", "", callers=CALLERS)
        runs = Run(chapter, self.memory.repository), Run(chapter, self.postgres.repository)
        for row in story:
            naive, postgres = await _say(runs[0], row), await _say(runs[1], row)
            if naive != postgres:
                return f"{row.request}: naive {naive!r}, postgres {postgres!r}"
        return None


async def _open(url: str) -> Store:
    return await Store.open(url, keys.generate(), connections=1)


async def _say(run: Run, row: Row) -> str:
    said = await run.ask(row)
    for id in _MADE_BY_A_STORE.findall(said):
        said = said.replace(id, "$" + run.name_next(id))
    if row.request.endswith("_history") and row.request.count("/") < 2:
        return ", ".join(sorted(said.split(", ")))  # one transaction's writes have no order among themselves
    if row.request.startswith("TRANSACTION") and said.isalpha() and said != "nothing":
        return "refused"  # with several faults in it, either of them may be named
    return said


async def found(door: Repository, target: str) -> dict[str, Any]:
    """All pages of a search joined: names, sizes, total, and what the rows were sorted by, in their order.

    What the grammar refuses is refused before a store is asked, so that both refuse it; value sets that are not here
    must be refused alike.
    """
    try:
        asked = query(target)
        pages = [await door.search(asked)]
    except Incorrect as problem:
        return {"refused": problem.text}
    while pages[-1].next is not None:
        assert len(pages) < 200, f"the pages of {target} do not end"
        pages.append(await door.search(query(f"{target}&_cursor={pages[-1].next}")))
    matches = [_name(hit.stored) for page in pages for hit in page.hits if hit.mode == "match"]
    ordered = [sort_values(asked.sort, orjson.loads(stored.content)) for page in pages for stored in _matches(page)]
    return {
        "matches": sorted(matches),
        "with includes": sorted({_name(hit.stored) for page in pages for hit in page.hits}),
        "page sizes": [len(_matches(page)) for page in pages],
        "total": pages[0].total,
        "order": ordered,
    }


def _matches(page: Page) -> list[Stored]:
    return [hit.stored for hit in page.hits if hit.mode == "match"]


def _name(stored: Stored) -> str:
    return f"{stored.type}/{stored.id}"
