"""`minkang frontdb pull`: an agent that reads what changed in a front-end database and takes each row in.

Where it stopped is a Basic of each table, written after the rows before it have their receipts. Dying between the two
it reads some rows again, which is harmless: a row that was taken is known by its bytes. Each look goes back a while
(`overlap`), for a row may be committed after another that was changed later.
"""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import orjson
import structlog
from rich.console import Console
from rich.table import Table as Grid
from sqlalchemy.exc import SQLAlchemyError

from minkang.app import frontdb_source as databases
from minkang.app.connections import open_database
from minkang.app.exporting import OPERATOR
from minkang.app.frontdb_source import Place, Source
from minkang.app.in_store import in_store
from minkang.app.prepare import key_file
from minkang.fhir.problem import Busy, Gone, NotFound
from minkang.fhir.resource import Resource, from_exact
from minkang.fhir.search import grammar
from minkang.gateways.frontdb.mapping import DOOR, read
from minkang.gateways.frontdb.wire import Table, layout, packed
from minkang.gateways.frontdb.wire.row import MEDIA_TYPE
from minkang.kit.folders import DataFolder
from minkang.kit.settings import Settings
from minkang.kit.trouble import Trouble
from minkang.platform.intake.findings import rules_of
from minkang.platform.intake.reading import id_of
from minkang.platform.intake.taking import Intake, Message
from minkang.store import keys
from minkang.store.contract import Repository
from minkang.store.scope import EVERYTHING
from minkang.store.store import Store

AT_ONCE = 4
"""Rows written at the same time."""

BEGINNING = datetime(1900, 1, 1)

MARKS = "https://minkang.example/CodeSystem/frontdb"
ABOUT = "https://minkang.example/StructureDefinition/frontdb-"

RULES = rules_of("minkang.gateways.frontdb")

log = structlog.get_logger(__name__)


class Plan(NamedTuple):
    """What the command line says."""

    source: str
    sender: str = ""
    prefix: str = "mk_"
    tables: tuple[str, ...] = ()
    batch: int = 500
    interval: int = 30
    overlap: int = 600


@dataclass(slots=True)
class Mark:
    """How far one table of one source was read. `taken`, `quarantined`: rows since the beginning."""

    source: str
    table: str
    moment: datetime = BEGINNING
    taken: int = 0
    quarantined: int = 0

    @property
    def id(self) -> str:
        return id_of(self.source, "Basic", DOOR, self.table)

    def tree(self) -> Resource:
        told = {name: str(getattr(self, name)) for name in ("source", "table", "taken", "quarantined")}
        told["moment"] = self.moment.isoformat()
        return {
            "resourceType": "Basic",
            "id": self.id,
            "code": {"coding": [{"system": MARKS, "code": "watermark"}]},
            "extension": [{"url": f"{ABOUT}{name}", "valueString": text} for name, text in told.items()],
        }


def mark_of(tree: Mapping[str, Any]) -> Mark:
    said = {one["url"].removeprefix(ABOUT): one["valueString"] for one in tree["extension"]}
    moment = datetime.fromisoformat(said["moment"])
    return Mark(said["source"], said["table"], moment, int(said["taken"]), int(said["quarantined"]))


@dataclass(slots=True)
class Agent:
    """One front-end database being read into a repository."""

    source: Source
    repository: Repository
    plan: Plan
    known: dict[str, dict[bytes, datetime]] = field(default_factory=dict[str, dict[bytes, datetime]])
    """Rows of the overlap that this process has taken, by table: not asked about again."""

    async def look(self) -> dict[str, Counter[str]]:
        """Read all tables to their ends. What became of their rows, by table. Raises SQLAlchemyError and Busy: what was
        read until then is kept, and the next look goes on there."""
        there = await asyncio.to_thread(self.source.tables, self.plan.tables)
        return {name: await self._table(layout()[name], table) for name, table in there.items()}

    async def _table(self, table: Table, there: Any) -> Counter[str]:
        mark = await self._mark(table)
        now = await asyncio.to_thread(self.source.now)
        known = self.known.setdefault(table.name, {})
        place = Place(max(mark.moment - timedelta(seconds=self.plan.overlap), BEGINNING))
        seen: Counter[str] = Counter()
        while rows := await asyncio.to_thread(self.source.rows, table, there, place, self.plan.batch):
            contents = [(packed(table.name, row), row) for row in rows]
            fresh = [one for one in contents if hashlib.sha256(one[0]).digest() not in known]
            outcomes = await self._taken(fresh)
            seen += outcomes
            place = databases.place_of(table, rows[-1])
            self._remember(known, table, fresh)
            # A clock that is ahead must not make us pass over what is changed in the meantime.
            moved = max(mark.moment, min(place.moment, now))
            if moved != mark.moment or outcomes:
                mark.moment = moved
                mark.taken += outcomes["accepted"] + outcomes["warnings"]
                mark.quarantined += outcomes["quarantined"]
                await self.repository.update("Basic", mark.id, from_exact(mark.tree()))
        self.known[table.name] = {one: when for one, when in known.items() if when >= mark.moment - self._back}
        untimed = await asyncio.to_thread(self.source.untimed, there)
        return seen + Counter({"untimed": untimed})

    @property
    def _back(self) -> timedelta:
        return timedelta(seconds=self.plan.overlap)

    def _remember(
        self, known: dict[bytes, datetime], table: Table, fresh: Sequence[tuple[bytes, Mapping[str, Any]]]
    ) -> None:
        for content, row in fresh:
            known[hashlib.sha256(content).digest()] = databases.place_of(table, row).moment

    async def _taken(self, contents: Sequence[tuple[bytes, Mapping[str, Any]]]) -> Counter[str]:
        intake, gate = Intake(self.repository, RULES), asyncio.Semaphore(AT_ONCE)

        async def take(content: bytes, row: Mapping[str, Any]) -> str:
            sender = self.plan.sender or sender_of(str(row["org_code"]))
            message = Message(DOOR, content, MEDIA_TYPE, sender, self.source.name)
            async with gate:
                return (await intake.take(message, lambda one: read(one.content, one.sender))).outcome

        return Counter(await asyncio.gather(*(take(*one) for one in contents)))

    async def _mark(self, table: Table) -> Mark:
        mark = Mark(self.source.name, table.name)
        try:
            return mark_of(orjson.loads((await self.repository.read("Basic", mark.id)).content))
        except (NotFound, Gone):
            return mark


def sender_of(org_code: str) -> str:
    """The id of the Organization that an institution's code names."""
    return id_of(DOOR, "Organization", org_code)


def run(settings: Settings, plan: Plan, *, once: bool) -> int:
    """0; with `once`, 1 when rows went into quarantine. Without `once` until it is interrupted."""
    folder = DataFolder(settings.data.absolute())
    source = Source(plan.source, plan.prefix)

    async def work(url: str) -> int:
        store = await Store.open(url, keys.load(key_file(folder)), connections=AT_ONCE + 1)
        try:
            agent = Agent(source, store.repository(OPERATOR, EVERYTHING), plan)
            return await (_once(agent) if once else _always(agent))
        finally:
            await store.close()

    with open_database(settings, folder) as url:
        try:
            return asyncio.run(work(url))
        except keys.KeyFileDamaged as error:
            raise Trouble(str(error)) from error
        except KeyboardInterrupt:
            return 0
        finally:
            source.close()


async def _once(agent: Agent) -> int:
    began = time.monotonic()
    try:
        found = await agent.look()
    except SQLAlchemyError as error:
        raise Trouble(
            f"The front-end database {agent.source.name} does not answer: {databases.reason(error)}"
        ) from None
    except Busy as busy:
        raise Trouble(f"{busy.text} What was read is kept; the same command goes on.") from busy
    if not found:
        raise Trouble(
            f"{agent.source.name} has none of the standard tables ({agent.plan.prefix}patient ...): "
            "minkang frontdb ddl prints them; --prefix says how their names begin."
        )
    _tell(found, time.monotonic() - began)
    return 1 if any(one["quarantined"] for one in found.values()) else 0


async def _always(agent: Agent) -> int:
    while True:
        try:
            found = await agent.look()
            rows = sum(sum(one.values()) - one["untimed"] for one in found.values())
            log.info("front-end database read", source=agent.source.name, tables=len(found), rows=rows)
        except SQLAlchemyError as error:
            log.warning("front-end database away", source=agent.source.name, error=type(error).__name__)
        except Busy:
            log.warning("the record store is busy; rows are read again", source=agent.source.name)
        await asyncio.sleep(agent.plan.interval)


def _tell(found: Mapping[str, Counter[str]], seconds: float) -> None:
    grid = Grid("Table", "表", "New", "Warnings", "Quarantined", "Known", "No update_time")
    for name, one in found.items():
        told = (one[which] for which in ("accepted", "warnings", "quarantined", "duplicate", "untimed"))
        grid.add_row(name, layout()[name].zh, *(f"{count:,}" for count in told))
    console = Console(highlight=False)
    console.print(grid)
    rows = sum(one[which] for one in found.values() for which in ("accepted", "warnings", "quarantined"))
    console.print(
        f"{rows:,} rows in {seconds:.1f} s. minkang intake list --outcome quarantined tells what waits and why."
    )


def status(settings: Settings) -> None:
    """A line for each table of each source."""

    async def ask(store: Store) -> list[Mark]:
        asked = grammar.parse("Basic", [("code", f"{MARKS}|watermark"), ("_count", "1000")], strict=True)
        page = await store.repository(OPERATOR, EVERYTHING).search(asked)
        return [mark_of(orjson.loads(hit.stored.content)) for hit in page.hits]

    found = in_store(settings, ask)
    grid = Grid("Source", "Table", "Read up to", "Taken", "Quarantined")
    order = list(layout())
    for one in sorted(found, key=lambda mark: (mark.source, order.index(mark.table) if mark.table in order else 99)):
        grid.add_row(one.source, one.table, f"{one.moment:%Y-%m-%d %H:%M:%S}", f"{one.taken:,}", f"{one.quarantined:,}")
    Console(highlight=False).print(grid if found else "No front-end database has been read yet: minkang frontdb pull.")
