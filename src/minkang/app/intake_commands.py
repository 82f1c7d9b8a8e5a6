"""`minkang intake`: what came in and what became of it; messages in quarantine are read once more."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

import orjson
from rich.console import Console
from rich.table import Table

from minkang.app.exporting import OPERATOR
from minkang.app.in_store import in_store
from minkang.app.intake_doors import DOORS
from minkang.app.jobs_worker import forgetting
from minkang.app.progress import counted
from minkang.kit import clock
from minkang.kit.settings import Settings
from minkang.platform.intake.desk import MOST, Asked, IntakeDesk
from minkang.platform.intake.forgetting import Forgotten
from minkang.platform.intake.receipt import Receipt
from minkang.store.contract import Repository
from minkang.store.scope import EVERYTHING
from minkang.store.store import Store

_T = TypeVar("_T")


def status(settings: Settings) -> None:
    """How many messages of each outcome."""

    async def ask(repository: Repository) -> dict[str, int]:
        return await IntakeDesk(repository, DOORS).counts(Asked())

    table = Table("Outcome", "Messages")
    for outcome, count in _asked(settings, ask).items():
        table.add_row(outcome, f"{count:,}")
    Console(highlight=False).print(table)


def receipts(settings: Settings, outcome: str | None, sender: str | None, count: int) -> None:
    """A line for each, newest first."""
    found = _asked(settings, lambda repository: _found(repository, outcome, sender, count))
    table = Table("Receipt", "Received", "Door", "Kind", "Message", "Outcome", "Why")
    for one in found:
        why = one.findings[0].en if one.findings else ""
        table.add_row(one.id, one.received[:19], one.door, one.kind, one.message, one.outcome, why)
    console = Console(soft_wrap=True, highlight=False, markup=False)
    console.print(table if found else "No such message has come in.")


def show(settings: Settings, id: str) -> None:
    """Everything about one message, as JSON. Raises Trouble when there is no such receipt."""
    found = _asked(settings, lambda repository: IntakeDesk(repository, DOORS).one(id))
    text = orjson.dumps(found.json(), option=orjson.OPT_INDENT_2).decode()
    Console(soft_wrap=True, highlight=False, markup=False).print(text)


def replay(settings: Settings, id: str | None, rule: str | None, sender: str | None, corrected: Path | None) -> None:
    """One message, or all in quarantine (of a rule, of a sender), oldest first: their order is kept."""
    content = corrected.read_bytes() if corrected is not None else None

    async def carry_out(repository: Repository) -> list[Receipt]:
        if id is not None:
            return [await _once_more(repository, id, content)]
        waiting = reversed(await _found(repository, "quarantined", sender, MOST))
        chosen = [one for one in waiting if rule is None or any(told.rule == rule for told in one.findings)]
        done: list[Receipt] = []
        with counted("replaying") as progress:
            for one in chosen:
                done.append(await _once_more(repository, one.id, None))
                progress(len(done), len(done) / len(chosen))
        return done

    done = _asked(settings, carry_out)
    taken = sum(one.is_taken for one in done)
    console = Console(soft_wrap=True, highlight=False, markup=False)
    console.print(f"{len(done):,} read once more: {taken:,} taken, {len(done) - taken:,} still in quarantine.")
    for one in done:
        if not one.is_taken and one.findings:
            console.print(f"  {one.id}: {one.findings[0].en}")


def forget(settings: Settings, *, dry_run: bool) -> None:
    """Old receipts and messages, by the terms of the settings."""
    console = Console(highlight=False)

    async def carry_out(store: Store) -> Forgotten:
        work = forgetting(settings, store)
        total = await work.count(clock.now())
        if dry_run or not total:
            return Forgotten(total)
        with counted("forgetting") as progress:
            return await work.run(clock.now(), lambda done: progress(done, min(done / total, 1.0)))

    done = in_store(settings, carry_out)
    verb = "would go" if dry_run else "are gone"
    rest = "." if dry_run else f", {done.originals:,} messages with them."
    console.print(f"{done.receipts:,} receipts {verb}{rest}")


async def _once_more(repository: Repository, id: str, content: bytes | None) -> Receipt:
    return await IntakeDesk(repository, DOORS).replay(id, content)


async def _found(repository: Repository, outcome: str | None, sender: str | None, count: int) -> list[Receipt]:
    asked = Asked(outcome or "", sender or "")
    return (await IntakeDesk(repository, DOORS).listed(asked, count))[0]


def _asked(settings: Settings, ask: Callable[[Repository], Awaitable[_T]]) -> _T:
    return in_store(settings, lambda store: ask(store.repository(OPERATOR, EVERYTHING)))
