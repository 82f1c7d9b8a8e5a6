"""`minkang identity`: counted, shown, parted, merged and undone from the command line."""

from __future__ import annotations

from pathlib import Path

import orjson
import pytest

from minkang.kit.trouble import Trouble
from minkang.store.store import Store
from tests.lib.command_house import CommandHouse
from tests.platform.identity import test_index


class House(CommandHouse):
    def fill(self) -> None:
        async def come(store: Store) -> None:
            house = test_index.House(store)
            await house.come("r1")
            await house.come("r2", "王晓明")
            await house.come("r3", "李秀英", gender="female", born="1960-01-02")

        self.with_store(come)

    def identity(self, *words: str) -> str:
        return self.run("identity", *words)


@pytest.fixture
def house(fresh_database_url: str, tmp_path: Path) -> House:
    return House(fresh_database_url, tmp_path / "data")


def test_people_are_counted_and_put_right(house: House) -> None:
    assert "Nothing waits" in house.identity("status")
    house.fill()
    told = house.identity("status")
    assert "3 registrations of 2 people" in told
    assert "borrowed" in told
    assert orjson.loads(house.identity("show", "r2"))["together"] == ["r1", "r2"]
    assert "apart" in house.identity("decide", "r1", "r3", "apart", "--reason", "seen")
    assert "somebody else" in house.identity("part", "r2", "--reason", "seen")
    merged = house.identity("merge", "r1", "r2", "--reason", "seen after all")
    event = merged.split(":")[0].removeprefix("Event ")
    assert f"event {event} is undone" in house.identity("undo", event, "--reason", "no")
    assert orjson.loads(house.identity("show", "r2"))["together"] == ["r2"]


def test_what_cannot_be_done_is_said(house: House) -> None:
    with pytest.raises(Trouble, match="no registration"):
        house.identity("show", "none")
    with pytest.raises(Trouble, match="no event 7"):
        house.identity("undo", "7", "--reason", "x")
