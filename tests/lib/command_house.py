"""A data folder with keys, and a store of its own, for commands that are invoked in this process."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

from typer.testing import CliRunner

from minkang.app.cli import app
from minkang.app.prepare import key_file
from minkang.kit.folders import DataFolder
from minkang.store import keys
from minkang.store.store import Store

T = TypeVar("T")


class CommandHouse:
    """`url`: of an empty database; `data`: a folder that is not there yet."""

    def __init__(self, url: str, data: Path) -> None:
        file = key_file(DataFolder(data))
        file.parent.mkdir(mode=0o700, parents=True)
        self.keys = keys.load_or_create(file)
        self.url, self.data = url, data

    def with_store(self, work: Callable[[Store], Awaitable[T]]) -> T:
        async def carry_out() -> T:
            store = await Store.open(self.url, self.keys, connections=4)
            try:
                return await work(store)
            finally:
                await store.close()

        return asyncio.run(carry_out())

    def run(self, *words: str) -> str:
        """What the command printed; it must end with 0."""
        ours = ["--data", str(self.data), "--database-url", self.url]
        done = CliRunner().invoke(app, [*words, *ours], catch_exceptions=False)
        assert done.exit_code == 0
        return done.output
