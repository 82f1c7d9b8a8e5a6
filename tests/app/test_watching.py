"""The watched folder: what lies still goes in by the door that fits and is put away with its receipt."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

import orjson
import pytest

from minkang.app import watching
from minkang.app.watching import Watching, waiting
from minkang.fhir.problem import Busy
from minkang.fhir.search.grammar import parse
from minkang.store.contract import Repository
from minkang.store.memory import MemoryStore
from minkang.store.scope import EVERYTHING, Actor
from tests.gateways.cda.making import document, observation, section, text
from tests.gateways.files.test_files_door import GOOD, changed, table
from tests.gateways.hl7v2.examples import ADMISSION
from tests.lib.serving import platform, until

pytestmark = pytest.mark.anyio

DOCUMENT = document(section("10154-3", observation("DE04.01.119.00", "主诉", text("头痛"))))


@pytest.fixture
def repository() -> Repository:
    return MemoryStore().repository(Actor("Device/test"), EVERYTHING)


def put(folder: Path, name: str, content: bytes, age: float = 60) -> Path:
    file = folder / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(content)
    os.utime(file, (time.time() - age,) * 2)
    return file


async def looked(folder: Path, repository: Any) -> None:
    await Watching(folder, lambda: repository).look()


async def count(repository: Repository, type: str) -> int:
    asked = parse(type, [("_summary", "count"), ("_total", "accurate")], strict=True)
    return (await repository.search(asked)).total or 0


async def test_each_kind_goes_in_by_its_door(tmp_path: Path, repository: Repository) -> None:
    put(tmp_path, "hospital-1/a.xml", DOCUMENT)
    put(tmp_path, "hospital-1/b.hl7", ADMISSION.encode())
    put(tmp_path, "c.csv", table(GOOD))
    await looked(tmp_path, repository)
    done = sorted(str(one.relative_to(tmp_path)) for one in (tmp_path / "done").rglob("*") if one.is_file())
    assert done == [
        "done/c.csv",
        "done/c.csv.receipt.json",
        "done/hospital-1/a.xml",
        "done/hospital-1/a.xml.receipt.json",
        "done/hospital-1/b.hl7",
        "done/hospital-1/b.hl7.receipt.json",
    ]
    receipt = orjson.loads((tmp_path / "done/hospital-1/a.xml.receipt.json").read_bytes())["receipts"][0]
    assert (receipt["sender"], receipt["name"], receipt["outcome"]) == ("hospital-1", "a.xml", "accepted")
    assert await count(repository, "Patient") == 3


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("cut.xml", DOCUMENT[:-20]),
        ("rows.csv", table(GOOD, changed(姓名=""))),
        ("picture.png", b"\x89PNG"),
        ("odd.csv", b"a,b\n1,2\n"),
        ("bad.zip", b"PK\x03\x04nonsense"),
    ],
)
async def test_what_must_be_corrected_is_put_aside(
    tmp_path: Path, repository: Repository, name: str, content: bytes
) -> None:
    put(tmp_path, name, content)
    await looked(tmp_path, repository)
    assert (tmp_path / "failed" / name).read_bytes() == content
    assert (tmp_path / "failed" / f"{name}.receipt.json").exists()


async def test_names_that_come_again_keep_the_first(tmp_path: Path, repository: Repository) -> None:
    for content in (DOCUMENT, DOCUMENT.replace("头痛".encode(), "头晕".encode())):
        put(tmp_path, "a.xml", content)
        await looked(tmp_path, repository)
    assert {one.name for one in (tmp_path / "done").iterdir() if one.suffix == ".xml"} == {"a.xml", "a.1.xml"}


async def test_what_is_not_ready_is_left_alone(tmp_path: Path) -> None:
    put(tmp_path, "young.xml", DOCUMENT, age=0)
    put(tmp_path, "a.xml.part", DOCUMENT)
    put(tmp_path, ".hidden.xml", DOCUMENT)
    put(tmp_path, "no sender/a.xml", DOCUMENT)
    put(tmp_path, "done/a.xml", DOCUMENT)
    (tmp_path / "link.xml").symlink_to(tmp_path / "young.xml")
    assert waiting(tmp_path, time.time() - watching.STILL) == []


async def test_while_the_database_is_away_files_wait(tmp_path: Path) -> None:
    class Away:
        async def read_many(self, *_: Any) -> Any:
            raise Busy("away")

        async def transaction(self, *_: Any, **__: Any) -> None:
            raise Busy("away")

    file = put(tmp_path, "a.xml", DOCUMENT)
    await looked(tmp_path, Away())
    assert file.read_bytes() == DOCUMENT


def test_a_running_platform_watches_its_inbox(tmp_path: Path) -> None:
    with platform(environment={"MINKANG_INBOX": str(tmp_path)}) as made:
        made.start()
        put(tmp_path, "hospital-1/a.xml", DOCUMENT)
        receipt = tmp_path / "done" / "hospital-1" / "a.xml.receipt.json"
        until(receipt.exists, "the receipt")
        assert orjson.loads(receipt.read_bytes())["receipts"][0]["outcome"] == "accepted"
