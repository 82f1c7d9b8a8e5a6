"""What most commands do: open the store of a data folder, ask it something, close it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from minkang.app.connections import open_database
from minkang.app.prepare import key_file
from minkang.fhir.problem import Problem
from minkang.kit.folders import DataFolder
from minkang.kit.settings import Settings
from minkang.kit.trouble import Trouble
from minkang.store import keys
from minkang.store.store import Store

T = TypeVar("T")


def in_store(settings: Settings, work: Callable[[Store], Awaitable[T]], *, connections: int = 2) -> T:
    """What `work` gives. Raises Trouble with the words of its Problem."""
    folder = DataFolder(settings.data.absolute())

    async def run(url: str) -> T:
        store = await Store.open(url, keys.load(key_file(folder)), connections=connections)
        try:
            return await work(store)
        finally:
            await store.close()

    with open_database(settings, folder) as url:
        try:
            return asyncio.run(run(url))
        except (Problem, keys.KeyFileDamaged) as problem:
            raise Trouble(str(problem)) from problem
