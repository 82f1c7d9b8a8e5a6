"""Reconciliation (对账): what a sender says it has, what has come, what is missing.

A sender declares how many messages or documents of each kind a day had (应传). Against it stand those that tell of
that day and came by the end of the next (实传), those that came later (补传), and what is still missing (差额), for
which it can be asked. A declaration is a MeasureReport, the asking a Task: both have a history like every record.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import date, timedelta
from typing import Any

import orjson

from minkang.fhir.problem import Gone, Incorrect, NotFound
from minkang.fhir.resource import Resource, from_exact, instant
from minkang.fhir.search import grammar
from minkang.kit import clock
from minkang.platform.intake.desk import Asked, within
from minkang.platform.intake.reading import id_of
from minkang.platform.intake.receipt import CODES, of_task
from minkang.platform.intake.senders import Senders
from minkang.store.contract import Repository

MEASURE = "https://minkang.example/Measure/declared-to-intake"
MOST_DAYS = 31
MOST_KINDS = 500
MOST_RECEIPTS = 200_000
"""Of one day and sender, that are counted."""

_PAGE = 1_000
_KIND = re.compile(r"[^\x00-\x1f]{1,64}")
_SENDER = re.compile(r"[A-Za-z0-9\-.]{1,64}")


@dataclass(frozen=True, slots=True)
class Row:
    """One day and kind of one sender. `declared` is None where nothing was declared; `missing` counts against it.
    `expected`: how many a day were agreed when the sender was made known; None where nothing was."""

    day: str
    kind: str
    declared: int | None
    in_time: int
    late: int
    quarantined: int
    expected: int | None = None

    @property
    def missing(self) -> int:
        return max(0, (self.declared or 0) - self.in_time - self.late)

    def json(self) -> dict[str, Any]:
        return asdict(self) | {"missing": self.missing}


class Reconciling:
    """For one caller's repository."""

    def __init__(self, repository: Repository) -> None:
        self._repository = repository

    async def declare(self, sender: str, day: str, counts: Mapping[str, Any]) -> None:
        """What a sender had that day; declaring again replaces it. Raises Incorrect."""
        _checked(sender)
        first = _date(day)
        if not counts or len(counts) > MOST_KINDS:
            raise Incorrect(f"counts holds 1 to {MOST_KINDS} kinds with their numbers.")
        for kind, count in counts.items():
            if not _KIND.fullmatch(kind) or type(count) is not int or not 0 <= count < 10**9:
                raise Incorrect(f"counts: {kind[:64]!r} must have a whole number that is not negative.")
        tree: Resource = {
            "resourceType": "MeasureReport",
            "id": id_of(sender, "declared", day),
            "status": "complete",
            "type": "summary",
            "measure": MEASURE,
            "reporter": {"reference": f"Organization/{sender}"},
            "date": instant(clock.now()),
            "period": {"start": first.isoformat(), "end": first.isoformat()},
            "group": [{"code": {"text": kind}, "population": [{"count": count}]} for kind, count in counts.items()],
        }
        await self._repository.update("MeasureReport", tree["id"], from_exact(tree))

    async def rows(self, sender: str, start: str, end: str) -> list[Row]:
        """Every kind that was declared or came, day by day. Raises Incorrect."""
        _checked(sender)
        first, last = _date(start), _date(end)
        if not 0 <= (last - first).days < MOST_DAYS:
            raise Incorrect(f"from and to enclose 1 to {MOST_DAYS} days.")
        days = [first + timedelta(days=number) for number in range((last - first).days + 1)]
        return [row for day in days for row in await self._of_day(sender, day)]

    async def _of_day(self, sender: str, day: date) -> list[Row]:
        declared, expected = await self._declared(sender, day), await self._expected(sender)
        come = await self._come(sender, day)
        kinds = sorted({*declared, *expected, *(kind for kind, _ in come)})
        return [
            Row(
                day.isoformat(),
                kind,
                declared.get(kind),
                come[kind, "in time"],
                come[kind, "late"],
                come[kind, "quarantined"],
                expected.get(kind),
            )
            for kind in kinds
        ]

    async def _expected(self, sender: str) -> Mapping[str, int]:
        try:
            return (await Senders(self._repository).one(sender)).expected
        except (NotFound, Gone):
            return {}

    async def _declared(self, sender: str, day: date) -> dict[str, int]:
        try:
            found = await self._repository.read("MeasureReport", id_of(sender, "declared", day.isoformat()))
        except (NotFound, Gone):
            return {}
        groups = orjson.loads(found.content)["group"]
        return {one["code"]["text"]: one["population"][0]["count"] for one in groups}

    async def _come(self, sender: str, day: date) -> Counter[tuple[str, str]]:
        """By kind and how it came; a message, document or row that came again corrected counts once, as it first came.
        What waits in quarantine may not say when it happened: the day it came stands in."""
        found = Counter[tuple[str, str]]()
        known = set[tuple[str, str]]()
        limit = f"{(day + timedelta(days=2)).isoformat()}T00:00:00+08:00"
        for name, pairs in (
            ("in time", [*Asked(sender=sender, day=day.isoformat()).pairs(), ("authored-on", f"lt{limit}")]),
            ("late", [*Asked(sender=sender, day=day.isoformat()).pairs(), ("authored-on", f"ge{limit}")]),
            ("quarantined", [*Asked("quarantined", sender).pairs(), *within("authored-on", day.isoformat())]),
        ):
            await self._count(found, known, name, pairs)
        return found

    async def _count(
        self,
        found: Counter[tuple[str, str]],
        known: set[tuple[str, str]],
        name: str,
        pairs: list[tuple[str, str]],
    ) -> None:
        cursor, seen = "", 0
        while seen < MOST_RECEIPTS:
            more = [("_cursor", cursor)] if cursor else []
            asked = grammar.parse("Task", [*pairs, ("_count", str(_PAGE)), *more], strict=True)
            page = await self._repository.search(asked)
            for hit in page.hits:
                receipt = of_task(orjson.loads(hit.stored.content))
                what = (receipt.kind, receipt.message or receipt.id)
                if name == "quarantined" or (receipt.is_taken and what not in known):
                    found[receipt.kind, name] += 1
                    known.add(what)
            seen += len(page.hits)
            cursor = page.next or ""
            if not cursor:
                return

    async def ask_for_missing(self, sender: str, day: str) -> dict[str, Any] | None:
        """A Task for the sender that says what of a day is missing; None when nothing is. Raises Incorrect."""
        missing = [row for row in await self.rows(sender, day, day) if row.missing]
        if not missing:
            return None
        tree: Resource = {
            "resourceType": "Task",
            "id": id_of(sender, "missing", day),
            "status": "requested",
            "intent": "order",
            "code": {"coding": [{"system": CODES, "code": "send-missing"}], "text": "补传"},
            "owner": {"reference": f"Organization/{sender}"},
            "authoredOn": instant(clock.now()),
            "restriction": {"period": {"start": day}},
            "input": [{"type": {"text": row.kind}, "valueInteger": row.missing} for row in missing],
        }
        await self._repository.update("Task", tree["id"], from_exact(tree))
        return {"task": f"Task/{tree['id']}", "missing": {row.kind: row.missing for row in missing}}


def _checked(sender: str) -> None:
    if not _SENDER.fullmatch(sender):
        raise Incorrect("sender is the id of an Organization, as receipts name it.")


def _date(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise Incorrect(f"{text[:64]!r} is no date such as 2026-11-25.") from None
