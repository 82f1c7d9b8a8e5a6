"""`minkang cda write`: a document of the record, printed or put into a file."""

from __future__ import annotations

from pathlib import Path

import pytest

from minkang.app.exporting import OPERATOR
from minkang.gateways.cda.endpoint import taking
from minkang.gateways.cda.mapping import understood
from minkang.kit.trouble import Trouble
from minkang.platform.intake.findings import rules_of
from minkang.platform.intake.receipt import Receipt
from minkang.platform.intake.taking import Intake
from minkang.store.scope import EVERYTHING
from minkang.store.store import Store
from synth.documents import document
from tests.lib.command_house import CommandHouse


class House(CommandHouse):
    def send(self, content: bytes) -> Receipt:
        async def take(store: Store) -> Receipt:
            intake = Intake(store.repository(OPERATOR, EVERYTHING), rules_of("minkang.gateways.cda"))
            return await taking.taken(intake, content)

        return self.with_store(take)

    def write(self, *words: str) -> str:
        return self.run("cda", "write", *words)


@pytest.fixture
def house(fresh_database_url: str, tmp_path: Path) -> House:
    return House(fresh_database_url, tmp_path / "data")


def test_a_document_and_one_of_a_visit(house: House, tmp_path: Path) -> None:
    receipt = house.send(document("C0034", 4))
    named = {one.split("/")[0]: one for one in receipt.resources}
    assert understood(house.write(named["Composition"]).encode()).kind == "C0034"
    told = house.write(named["Encounter"], "--kind", "C0045", "--to", str(tmp_path))
    [made] = tmp_path.glob("C0045-*.xml")
    assert made.name in told
    assert understood(made.read_bytes()).kind == "C0045"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["Patient/1"], "neither Composition/ID nor Encounter/ID"),
        (["Composition/none"], "none"),
        (["Encounter/none"], "kind C0053"),
    ],
)
def test_what_cannot_be_written_is_said(house: House, arguments: list[str], words: str) -> None:
    with pytest.raises(Trouble, match=words):
        house.write(*arguments)
