"""How long the log of messages is kept: receipts, and the originals of messages that are no documents.

Two terms, one for what was taken and one for what was not (somebody may still mend and replay it), and a limit of room:
beyond it the oldest days of what was taken go before their time. The originals of documents are clinical records and
stay (store/retention.py); only their receipts go. The default is the half year that the law wants logs of a network
kept (网络安全法 第二十一条第三项).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta

import orjson

from minkang.fhir.resource import instant
from minkang.fhir.search import grammar
from minkang.platform.intake.documents import MESSAGE
from minkang.platform.intake.receipt import CODES, Receipt, of_task
from minkang.store.bulk.purging import Purge, Room
from minkang.store.contract import Repository

TAKEN, ERRORS = ("accepted", "warnings"), ("quarantined", "rejected")

PORTION = 500
"""Receipts of one transaction."""


@dataclass(frozen=True, slots=True)
class Terms:
    """`size`: bytes that messages may take on disk; None: any."""

    keep: timedelta
    keep_errors: timedelta
    size: int | None = None


@dataclass(slots=True)
class Forgotten:
    """What went, or would go."""

    receipts: int = 0
    originals: int = 0


class Forgetting:
    """For the whole platform. `tell` hears the number of receipts so far."""

    def __init__(self, repository: Repository, purge: Purge, terms: Terms) -> None:
        self._repository, self._purge, self._terms = repository, purge, terms

    async def run(self, now: datetime, tell: Callable[[int], None] = lambda _: None) -> Forgotten:
        """Broken off, the next run goes on with what is left."""
        found = Forgotten()
        for outcomes, before in await self._ends(now):
            while receipts := await self._oldest(outcomes, before):
                names = _names(receipts)
                if not await self._purge.named(names):
                    break  # somebody else is taking them out
                found.receipts += len(receipts)
                found.originals += len(names) - len(receipts)
                tell(found.receipts)
        return found

    async def count(self, now: datetime) -> int:
        """How many receipts `run` would take out."""
        total = 0
        for outcomes, before in await self._ends(now):
            pairs = [*_pairs(outcomes, before), ("_summary", "count"), ("_total", "accurate")]
            total += (await self._repository.search(grammar.parse("Task", pairs, strict=True))).total or 0
        return total

    async def _ends(self, now: datetime) -> list[tuple[Sequence[str], datetime]]:
        """Of which outcomes what is older than when goes."""
        taken = now - self._terms.keep
        if self._terms.size is not None:
            taken = max(taken, _end(await self._purge.rooms("Binary", MESSAGE), self._terms.size) or taken)
        return [(TAKEN, taken), (ERRORS, now - self._terms.keep_errors)]

    async def _oldest(self, outcomes: Sequence[str], before: datetime) -> list[Receipt]:
        pairs = [*_pairs(outcomes, before), ("_sort", "authored-on"), ("_count", str(PORTION))]
        page = await self._repository.search(grammar.parse("Task", pairs, strict=True))
        return [of_task(orjson.loads(hit.stored.content)) for hit in page.hits]


def _pairs(outcomes: Sequence[str], before: datetime) -> list[tuple[str, str]]:
    codes = ",".join(f"{CODES}|{one}" for one in outcomes)
    return [("code", f"{CODES}|intake"), ("business-status", codes), ("authored-on", f"lt{instant(before)}")]


def _names(receipts: Sequence[Receipt]) -> list[tuple[str, str]]:
    """The receipts, and the originals of messages among them."""
    names = [("Task", one.id) for one in receipts]
    originals = {one.original.removeprefix("Binary/") for one in receipts if one.original and not one.document}
    return names + [("Binary", one) for one in sorted(originals)]


def _end(rooms: Sequence[Room], size: int) -> datetime | None:
    """The end of the newest day that no longer fits in (UTC); today always does. None: all of it fits."""
    total = 0
    for number, room in enumerate(rooms):
        total += room.bytes
        if total > size and number:
            return datetime.combine(room.day, time(), UTC) + timedelta(days=1)
    return None
