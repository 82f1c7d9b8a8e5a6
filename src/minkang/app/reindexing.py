"""`minkang reindex`: index what is there by added search parameters, or all of it by the rules of now, and watch it.

A running platform does the first by itself; the command then shows how far it is and helps. Broken off, whoever comes
next goes on.
"""

from __future__ import annotations

import asyncio
from datetime import timedelta

from rich.console import Console
from rich.table import Table

from minkang.app.connections import open_database
from minkang.app.prepare import key_file
from minkang.app.progress import counted
from minkang.kit.folders import DataFolder
from minkang.kit.settings import Settings
from minkang.kit.trouble import Trouble
from minkang.store import keys, parameters, reindex
from minkang.store.parameters import EVERYTHING, KNOWN, Edition
from minkang.store.store import Store

PAUSE = 0.5
"""Seconds between two looks while another process indexes."""


def run(settings: Settings, *, everything: bool, show: bool) -> None:
    """Raises Trouble when the key file is damaged or another one's."""
    folder = DataFolder(settings.data.absolute())
    console = Console(soft_wrap=True, highlight=False)
    with open_database(settings, folder) as url:
        try:
            found = keys.load(key_file(folder))
            editions, current = asyncio.run(_run(url, found, everything=everything, show=show))
        except keys.KeyFileDamaged as error:
            raise Trouble(str(error)) from error
    console.print(_table(editions))
    if not current:
        console.print(
            "The rows were indexed by the rules of another version: some searches may miss some of them until you run"
            " minkang reindex --all (the platform may go on running)."
        )


async def _run(url: str, found: keys.Keys, *, everything: bool, show: bool) -> tuple[list[Edition], bool]:
    store = await Store.open(url, found, connections=2)
    try:
        if everything:
            await reindex.again(store.database)
        if not show:
            await _until_done(store, KNOWN)
        async with store.database.connection() as connection:
            return await parameters.editions(connection), await parameters.is_current(connection)
    finally:
        await store.close()


async def _until_done(store: Store, known: timedelta) -> None:
    reindexing = store.reindexing(known)
    with counted("indexing") as progress:
        while True:
            busy = await reindexing.step()
            async with store.database.connection() as connection:
                waiting = [one for one in await parameters.editions(connection) if one.state == "waiting"]
            if not waiting:
                return
            progress(waiting[0].rows, waiting[0].done)
            if not busy:
                await asyncio.sleep(PAUSE)


def _table(editions: list[Edition]) -> Table:
    table = Table("SearchParameter", "Code", "Of", "State", "Rows", "Done", "Why")
    for one in editions:
        if one.state == "replaced":
            continue
        name = "all rows" if one.id == EVERYTHING else one.id
        bases = ", ".join(one.definition.get("base", ()))
        done = f"{one.done:.0%}" if one.state == "waiting" else ""
        table.add_row(name, str(one.definition.get("code", "")), bases, one.state, f"{one.rows:,}", done, one.why)
    return table
