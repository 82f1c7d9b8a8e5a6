"""`minkang jobs`: which jobs there are, how far each has come, another try, an end."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import TypeVar

import asyncpg
from rich.console import Console
from rich.live import Live
from rich.table import Table

from minkang.app.connections import open_database, reaching
from minkang.app.jobs import SCHEDULE, cancelled
from minkang.app.prepare import key_file
from minkang.kit.folders import DataFolder
from minkang.kit.settings import Settings
from minkang.kit.trouble import Trouble
from minkang.platform.workflow import queue
from minkang.platform.workflow.queue import OVER, Standing
from minkang.store import keys
from minkang.store.seal import Sealer

_T = TypeVar("_T")

MOST = 100
"""Lines of a list."""

WATCHED = 0.5
"""Seconds between two looks of somebody who watches."""


def show_all(settings: Settings, status: str | None, *, watch: bool) -> None:
    """A table on standard output, newest first; with `watch` until Ctrl+C."""
    if status is not None and status not in ("todo", "doing", *OVER):
        raise Trouble(f"There is no status {status!r}; there are todo, doing, {', '.join(OVER)}.")

    async def look(connection: asyncpg.Connection) -> list[Standing]:
        return await queue.listed(connection, None, status=status, most=MOST)

    _watched(settings, look, _table, lambda _: not watch)


def show(settings: Settings, id: int, *, watch: bool) -> None:
    """One job with its arguments, result or trouble; with `watch` until it is over."""
    sealer = _sealer(settings)

    async def look(connection: asyncpg.Connection) -> list[Standing]:
        found = await queue.listed(connection, sealer, id=id)
        if not found:
            raise Trouble(f"There is no job {id}. `minkang jobs list` tells those there are.")
        return found

    _watched(settings, look, lambda found: _details(found[0]), lambda found: not watch or found[0].status in OVER)


def again(settings: Settings, id: int) -> None:
    if not _asked(settings, lambda connection: queue.again(connection, id)):
        raise Trouble(f"No job {id} has failed, so there is nothing to try again.")
    _say(f"Job {id} is in the queue again.")


def cancel(settings: Settings, id: int) -> None:
    """What was ordered at the bulk door is cancelled there too."""

    if not _asked(settings, lambda connection: cancelled(connection, id)):
        raise Trouble(f"There is no job {id}, or it is over.")
    _say(f"Job {id} is cancelled.")


def schedule() -> None:
    table = Table("Job", "When (UTC: minute hour day month weekday)")
    for name, cron in SCHEDULE.items():
        table.add_row(name, cron)
    Console(soft_wrap=True, highlight=False).print(table)


def _table(found: list[Standing]) -> Table:
    table = Table("Job", "Name", "Status", "Attempts", "Done", "Rate", "Time left", "At")
    for one in found:
        cells = (str(one.id), one.name, one.status, str(one.attempts), _done(one), _rate(one), _left(one), one.words)
        table.add_row(*cells)
    return table


def _details(one: Standing) -> Table:
    table = Table(show_header=False)
    rows = {
        "Job": f"{one.id} {one.name} ({one.queue})",
        "Status": f"{one.status}, {one.attempts} attempts before",
        "Arguments": ", ".join(f"{name}={value}" for name, value in one.args.items()),
        "Not before": "" if one.not_before is None else one.not_before.isoformat(timespec="seconds"),
        "Began": "" if one.began is None else one.began.isoformat(timespec="seconds"),
        "Done": " ".join(filter(None, (_done(one), _rate(one), one.words))),
        "Time left": _left(one),
        "Result": ", ".join(f"{name}: {value}" for name, value in (one.result or {}).items()),
        "Trouble": one.trouble or "",
    }
    for name, value in rows.items():
        if value:
            table.add_row(name, value)
    return table


def _done(one: Standing) -> str:
    if one.total:
        return f"{one.done:,} of {one.total:,} ({100 * one.done / one.total:.0f} %)"
    return f"{one.done:,}" if one.done else ""


def _rate(one: Standing) -> str:
    return "" if one.rate is None else f"{one.rate:,.0f}/s"


def _left(one: Standing) -> str:
    return "" if one.left is None or one.status != "doing" else str(timedelta(seconds=round(one.left)))


def _sealer(settings: Settings) -> Sealer:
    try:
        return Sealer(keys.load(key_file(DataFolder(settings.data.absolute()))))
    except keys.KeyFileDamaged as error:
        raise Trouble(str(error)) from error


def _watched(
    settings: Settings,
    look: Callable[[asyncpg.Connection], Awaitable[list[Standing]]],
    drawn: Callable[[list[Standing]], Table],
    enough: Callable[[list[Standing]], bool],
) -> None:
    console = Console(soft_wrap=True, highlight=False)

    async def ask(connection: asyncpg.Connection) -> None:
        found = await look(connection)
        if enough(found):
            console.print(drawn(found))
            return
        with Live(drawn(found), console=console, auto_refresh=False) as live:
            while not enough(found):
                await asyncio.sleep(WATCHED)
                found = await look(connection)
                live.update(drawn(found), refresh=True)

    _asked(settings, ask)


def _asked(settings: Settings, ask: Callable[[asyncpg.Connection], Awaitable[_T]]) -> _T:
    async def asked(url: str) -> _T:
        async with reaching(url) as connection:
            return await ask(connection)

    with open_database(settings, DataFolder(settings.data.absolute())) as url:
        return asyncio.run(asked(url))


def _say(words: str) -> None:
    Console(soft_wrap=True, highlight=False).print(words)
