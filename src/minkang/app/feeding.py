"""`minkang feed`: how followers and Subscriptions stand, and another try for what lies aside."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

import asyncpg
from rich.console import Console
from rich.table import Table

from minkang.app.connections import open_database, reaching
from minkang.app.prepare import key_file
from minkang.kit.folders import DataFolder
from minkang.kit.settings import Settings
from minkang.kit.trouble import Trouble
from minkang.platform.subscriptions import desk
from minkang.platform.workflow import letters
from minkang.store import keys
from minkang.store.seal import Sealer

_T = TypeVar("_T")

MOST = 1_000
"""Lines of a list."""


def status(settings: Settings) -> None:
    """Two tables on standard output."""

    async def ask(connection: asyncpg.Connection) -> tuple[Table, Table]:
        return _followers(await letters.followers(connection)), _subscriptions(await desk.states(connection, MOST))

    console = Console(soft_wrap=True, highlight=False)
    for table in _asked(settings, ask):
        console.print(table)


def _followers(states: list[letters.State]) -> Table:
    table = Table("Follower", "Batches behind", "Oldest of them", "Failures", "Aside")
    for one in states:
        since = "" if one.since is None else one.since.isoformat(timespec="seconds")
        table.add_row(one.name, f"{one.behind:,}", since, str(one.failures), str(one.aside))
    return table


def _subscriptions(rows: list[dict[str, object]]) -> Table:
    table = Table("Subscription", "Status", "Events", "Told up to", "Failures", "Aside")
    for row in rows:
        table.add_row(*(str(row[name]) for name in ("id", "status", "events", "delivered", "failures", "aside")))
    return table


def letters_of(settings: Settings, follower: str) -> None:
    """A line for each letter, oldest first. Raises Trouble when the key file is damaged."""
    try:
        sealer = Sealer(keys.load(key_file(DataFolder(settings.data.absolute()))))
    except keys.KeyFileDamaged as error:
        raise Trouble(str(error)) from error

    async def ask(connection: asyncpg.Connection) -> list[letters.Told]:
        return await letters.told(connection, sealer, follower, MOST)

    console = Console(soft_wrap=True, highlight=False, markup=False)
    found = _asked(settings, ask)
    for one in found:
        when = one.failed.isoformat(timespec="seconds")
        asked = " (another try was asked for)" if one.again else ""
        console.print(f"{one.id}  {one.name}  {when}  failed {one.failures} times{asked}: {one.words}")
    if not found:
        console.print(f"Nothing lies aside for {follower}.")


def replay(settings: Settings, name: str, number: int | None) -> None:
    """Raises Trouble when nothing of that name lies aside."""

    async def ask(connection: asyncpg.Connection) -> int:
        kind, slash, id = name.partition("/")
        if slash and kind == "Subscription":
            return await desk.replay(connection, id, number)
        return await letters.replay(connection, name, number)

    count = _asked(settings, ask)
    if not count:
        raise Trouble(f"Nothing lies aside for {name}; minkang feed status tells what does.")
    Console(soft_wrap=True, highlight=False).print(f"{count:,} will be tried again while the platform runs.")


def _asked(settings: Settings, ask: Callable[[asyncpg.Connection], Awaitable[_T]]) -> _T:
    async def run(url: str) -> _T:
        async with reaching(url) as connection:
            return await ask(connection)

    with open_database(settings, DataFolder(settings.data.absolute())) as url:
        return asyncio.run(run(url))
