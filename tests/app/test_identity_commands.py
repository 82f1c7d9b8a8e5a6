"""`minkang identity`: counted, shown, parted, merged and undone from the command line."""

from __future__ import annotations

import asyncio
from pathlib import Path

import orjson
import pytest
from typer.testing import CliRunner

from minkang.app.cli import app
from minkang.app.prepare import key_file
from minkang.kit.folders import DataFolder
from minkang.kit.trouble import Trouble
from minkang.store import keys
from minkang.store.store import Store
from tests.platform.identity import test_index


class House:
    def __init__(self, url: str, data: Path) -> None:
        file = key_file(DataFolder(data))
        file.parent.mkdir(mode=0o700, parents=True)
        self.keys = keys.load_or_create(file)
        self.url, self.data = url, data

    def fill(self) -> None:
        async def come() -> None:
            store = await Store.open(self.url, self.keys, connections=4)
            house = test_index.House(store)
            await house.come("r1")
            await house.come("r2", "王晓明")
            await house.come("r3", "李秀英", gender="female", born="1960-01-02")
            await store.close()

        asyncio.run(come())

    def run(self, *words: str) -> str:
        ours = ["--data", str(self.data), "--database-url", self.url]
        done = CliRunner().invoke(app, ["identity", *words, *ours], catch_exceptions=False)
        assert done.exit_code == 0
        return done.output


@pytest.fixture
def house(fresh_database_url: str, tmp_path: Path) -> House:
    return House(fresh_database_url, tmp_path / "data")


def test_people_are_counted_and_put_right(house: House) -> None:
    assert "Nothing waits" in house.run("status")
    house.fill()
    told = house.run("status")
    assert "3 registrations of 2 people" in told
    assert "borrowed" in told
    assert orjson.loads(house.run("show", "r2"))["together"] == ["r1", "r2"]
    assert "apart" in house.run("decide", "r1", "r3", "apart", "--reason", "seen")
    assert "somebody else" in house.run("part", "r2", "--reason", "seen")
    merged = house.run("merge", "r1", "r2", "--reason", "seen after all")
    event = merged.split(":")[0].removeprefix("Event ")
    assert f"event {event} is undone" in house.run("undo", event, "--reason", "no")
    assert orjson.loads(house.run("show", "r2"))["together"] == ["r2"]


def test_what_cannot_be_done_is_said(house: House) -> None:
    with pytest.raises(Trouble, match="no registration"):
        house.run("show", "none")
    with pytest.raises(Trouble, match="no event 7"):
        house.run("undo", "7", "--reason", "x")
