"""`minkang intake` over a store with messages of both kinds."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import orjson
import pytest

from minkang.app.exporting import OPERATOR
from minkang.app.intake_commands import DOORS
from minkang.platform.intake.findings import rules_of
from minkang.platform.intake.receipt import Receipt
from minkang.platform.intake.taking import Intake, Message
from minkang.store.scope import EVERYTHING
from minkang.store.store import Store
from tests.lib.command_house import CommandHouse

SOUND = (
    "MSH|^~\\&|HIS|H1|M|C|20261101080000||ADT^A28|{id}|P|2.5.1||||||UNICODE UTF-8\r"
    "PID|1||P1^^^H1^MR||李^雷||19800102|M\r"
)


class House(CommandHouse):
    def send(self, text: str) -> Receipt:
        async def take(store: Store) -> Receipt:
            door = DOORS["hl7v2"]
            intake = Intake(store.repository(OPERATOR, EVERYTHING), rules_of(door.package))
            return await intake.take(Message("hl7v2", text.encode(), "x-application/hl7-v2+er7", "h1"), door.read)

        return self.with_store(take)

    def intake(self, *words: str) -> str:
        return self.run("intake", *words)


@pytest.fixture
def house(fresh_database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> House:
    monkeypatch.setenv("COLUMNS", "200")
    return House(fresh_database_url, tmp_path / "data")


def test_it_is_told_and_replayed(house: House, tmp_path: Path) -> None:
    taken = house.send(SOUND.format(id="C1"))
    assert taken.is_taken, taken.findings
    stopped = house.send(SOUND.format(id="C2").replace("ADT^A28", "ADT^Q99"))
    assert stopped.outcome == "quarantined"
    told = house.intake("status")
    assert "quarantined" in told
    listed = house.intake("list", "--outcome", "quarantined", "--sender", "h1")
    assert stopped.id in listed
    assert taken.id not in listed
    assert orjson.loads(house.intake("show", stopped.id))["findings"][0]["rule"] == "unknown-kind"
    assert "0 taken, 1 still in quarantine" in house.intake("replay", "--rule", "unknown-kind")
    assert "0 read once more" in house.intake("replay", "--rule", "another")
    corrected = tmp_path / "corrected.hl7"
    corrected.write_bytes(SOUND.format(id="C2").encode())
    assert "1 taken, 0 still" in house.intake("replay", stopped.id, "--corrected", str(corrected))
    assert "No such message" in house.intake("list", "--outcome", "quarantined")


@pytest.mark.parametrize("arguments", [["show", "never"], ["replay", "never"], ["list", "--outcome", "lost"]])
def test_what_is_not_there_is_said(house: House, arguments: list[str]) -> None:
    with pytest.raises(Exception, match=r"no receipt never|no outcome"):
        house.intake(*arguments)


def test_old_ones_are_counted_and_forgotten(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    taken = house.send(SOUND.format(id="C1"))
    assert "0 receipts would go" in house.intake("forget", "--dry-run")
    monkeypatch.setenv("MINKANG_INTAKE_KEEP", "1s")
    deadline = datetime.fromisoformat(taken.received) + timedelta(seconds=1)
    while datetime.now(UTC) <= deadline:
        time.sleep(0.05)  # what is a second old cannot be made sooner
    assert "1 receipts would go" in house.intake("forget", "--dry-run")
    assert "1 receipts are gone, 1 messages with them" in house.intake("forget")
    assert "No such message" in house.intake("list")
