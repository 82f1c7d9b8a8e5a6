"""Receipts as operators and senders ask for them: listed, counted, with their originals, read once more."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import NamedTuple

import orjson

from minkang.fhir.problem import Incorrect, NotFound, Unsupported
from minkang.fhir.search import grammar
from minkang.platform.intake.findings import rules_of
from minkang.platform.intake.receipt import CODES, Receipt, of_task
from minkang.platform.intake.taking import Intake, Read
from minkang.store.contract import Repository

OUTCOMES = ("accepted", "warnings", "quarantined", "rejected")

MOST = 1_000
"""Receipts in one answer."""


class Door(NamedTuple):
    """How a door's messages are read once more: its mapping, and the package of its rules."""

    read: Read
    package: str


@dataclass(frozen=True, slots=True)
class Asked:
    """Which receipts; empty means any. `sender`: id of its Organization; `since`: received at or after this date or
    instant; `day`: what it tells of happened then (YYYY-MM-DD)."""

    outcome: str = ""
    sender: str = ""
    door: str = ""
    since: str = ""
    day: str = ""

    def pairs(self) -> list[tuple[str, str]]:
        """As a search for Tasks. Raises Incorrect for an outcome that there is not."""
        if self.outcome and self.outcome not in OUTCOMES:
            raise Incorrect(f"{self.outcome[:64]!r} is no outcome; {', '.join(OUTCOMES)} are.")
        found = [("code", f"{CODES}|intake"), *(within("period", self.day) if self.day else [])]
        told = {
            "business-status": self.outcome and f"{CODES}|{self.outcome}",
            "requester": self.sender and f"Organization/{self.sender}",
            "authored-on": self.since and f"ge{self.since}",
        }
        found += [(name, value) for name, value in told.items() if value]
        return [*found, *([("code", f"{CODES}/door|{self.door}")] if self.door else [])]


def within(parameter: str, day: str) -> list[tuple[str, str]]:
    """A search for what lies in a day of China's time. Raises Incorrect for what is no date."""
    try:
        first = date.fromisoformat(day)
    except ValueError:
        raise Incorrect(f"{day[:64]!r} is no date such as 2026-11-25.") from None
    return [
        (parameter, f"ge{first.isoformat()}T00:00:00+08:00"),
        (parameter, f"lt{(first + timedelta(days=1)).isoformat()}T00:00:00+08:00"),
    ]


class IntakeDesk:
    """For one caller's repository. `doors`: by name."""

    def __init__(self, repository: Repository, doors: Mapping[str, Door]) -> None:
        self._repository, self._doors = repository, doors

    async def counts(self, asked: Asked) -> dict[str, int]:
        """How many of each outcome, whatever outcome was asked for."""
        found: dict[str, int] = {}
        for outcome in OUTCOMES:
            one = Asked(outcome, asked.sender, asked.door, asked.since, asked.day)
            pairs = [*one.pairs(), ("_summary", "count"), ("_total", "accurate")]
            found[outcome] = (await self._repository.search(grammar.parse("Task", pairs, strict=True))).total or 0
        return found

    async def listed(self, asked: Asked, count: int, after: str = "") -> tuple[list[Receipt], str]:
        """Newest first, and where the next page begins (empty: nowhere). Raises Incorrect."""
        pairs = [*asked.pairs(), ("_sort", "-authored-on"), ("_count", str(min(count, MOST)))]
        pairs += [("_cursor", after)] if after else []
        page = await self._repository.search(grammar.parse("Task", pairs, strict=True))
        return [of_task(orjson.loads(hit.stored.content)) for hit in page.hits], page.next or ""

    async def one(self, id: str) -> Receipt:
        """Raises NotFound."""
        found = await Intake(self._repository).receipt(id)
        if found is None:
            raise NotFound(f"There is no receipt {id}.")
        return found

    async def original(self, id: str) -> tuple[bytes, str]:
        """The bytes as they came, and their media type. Raises NotFound, Gone."""
        receipt = await self.one(id)
        if not receipt.original:
            raise NotFound("Nothing was kept of this message: it was empty.")
        stored = await self._repository.read(*receipt.original.split("/"))
        tree = orjson.loads(stored.content)
        return base64.b64decode(tree["data"]), tree["contentType"]

    async def replay(self, id: str, content: bytes | None = None) -> Receipt:
        """Read once more, as it came or corrected. Raises NotFound, Unsupported, Busy."""
        former = await self.one(id)
        door = self._doors.get(former.door)
        if door is None:
            raise Unsupported(f"Messages of the door {former.door} cannot be replayed by this version.")
        return await Intake(self._repository, rules_of(door.package)).replay(id, door.read, content)
