"""`minkang cda write`: a document of the record, printed or put into a file."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from typer.testing import CliRunner

from minkang.app.cli import app
from minkang.app.exporting import OPERATOR
from minkang.app.prepare import key_file
from minkang.gateways.cda.endpoint import taking
from minkang.gateways.cda.mapping import understood
from minkang.kit.folders import DataFolder
from minkang.kit.trouble import Trouble
from minkang.platform.intake.findings import rules_of
from minkang.platform.intake.receipt import Receipt
from minkang.platform.intake.taking import Intake
from minkang.store import keys
from minkang.store.scope import EVERYTHING
from minkang.store.store import Store
from synth.documents import document


class House:
    def __init__(self, url: str, data: Path) -> None:
        file = key_file(DataFolder(data))
        file.parent.mkdir(mode=0o700, parents=True)
        self.keys = keys.load_or_create(file)
        self.url, self.data = url, data

    def send(self, content: bytes) -> Receipt:
        async def take() -> Receipt:
            store = await Store.open(self.url, self.keys, connections=2)
            intake = Intake(store.repository(OPERATOR, EVERYTHING), rules_of("minkang.gateways.cda"))
            receipt = await taking.taken(intake, content)
            await store.close()
            return receipt

        return asyncio.run(take())

    def write(self, *arguments: str) -> str:
        ours = ["--data", str(self.data), "--database-url", self.url]
        done = CliRunner().invoke(app, ["cda", "write", *arguments, *ours], catch_exceptions=False)
        assert done.exit_code == 0
        return done.output


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
