"""From a wish to files: one type in each, all lines once, the same after a break at any point; sealed files open."""

from __future__ import annotations

import errno
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
import pytest

from minkang.fhir.bulk import ExportWish, export_wish
from minkang.fhir.problem import Busy, Fault, NotFound
from minkang.store.bulk import export, walk
from minkang.store.bulk.export import ExportState, OutFile
from minkang.store.bulk.files import FRAME, PlainFile, SealedFile, read
from minkang.store.contract import Repository
from minkang.store.keys import generate
from minkang.store.scope import EVERYTHING, Actor
from minkang.store.seal import Sealer
from tests.lib.both_stores import RepositoryFor
from tests.lib.builders import a_patient, an_observation, parsed

pytestmark = pytest.mark.anyio


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(walk, "PORTION", 3)
    monkeypatch.setattr(export, "FILE_ROWS", 4)
    monkeypatch.setattr(export, "CHECKPOINT", 0.0)


@pytest.fixture
async def repository(repository_for: RepositoryFor) -> Repository:
    made = repository_for(Actor("Device/test"), EVERYTHING)
    for n in range(9):
        await made.update("Patient", f"p{n}", parsed(a_patient(f"王{n}", id=f"p{n}", birthDate="1990-01-02")))
        about = an_observation(about=f"Patient/p{n}", value=6.10, id=f"o{n}")
        await made.update("Observation", f"o{n}", parsed(about))
    return made


class Run:
    """Exports into a folder; remembers what was saved."""

    def __init__(self, repository: Repository, folder: Path, wish: ExportWish | None = None) -> None:
        self.repository = repository
        self.folder = folder
        self.wish = wish or ExportWish()
        self.saved: list[dict[str, Any]] = []
        self.fail: Callable[[], None] = lambda: None

    def open(self, file: OutFile) -> PlainFile:
        self.fail()
        return PlainFile(self.folder / file.name, file.kept, file.size)

    async def save(self, state: ExportState) -> None:
        self.saved.append(orjson.loads(orjson.dumps(state.to_json())))

    async def go(self, state: dict[str, Any] | None = None) -> ExportState:
        begun = None if state is None else ExportState.from_json(state)
        return await export.run(self.repository, self.wish, self.open, self.save, begun)

    def lines(self) -> list[str]:
        return sorted(line for file in self.folder.glob("*.ndjson") for line in file.read_text().splitlines())


async def test_files_hold_one_type_each_and_are_counted(repository: Repository, tmp_path: Path) -> None:
    run = Run(repository, tmp_path)
    state = await run.go()
    assert {file.name: file.count for file in state.files} == {
        "Patient.1.ndjson": 4, "Patient.2.ndjson": 4, "Patient.3.ndjson": 1,
        "Observation.1.ndjson": 4, "Observation.2.ndjson": 4, "Observation.3.ndjson": 1,
    }  # fmt: skip
    for file in state.files:
        text = (tmp_path / file.name).read_bytes()
        assert len(text) == file.size
        assert {orjson.loads(line)["resourceType"] for line in text.splitlines()} == {file.type}
    assert (state.rows, state.over, state.done) == (18, True, 1.0)
    for line in run.lines():
        tree = orjson.loads(line)
        assert line.encode() == (await repository.read(tree["resourceType"], tree["id"])).content


async def test_it_goes_on_from_every_saved_state(repository: Repository, tmp_path: Path) -> None:
    whole = Run(repository, tmp_path)
    await whole.go()
    expected = whole.lines()
    assert len(whole.saved) > 5
    for number, state in enumerate(whole.saved):
        folder = tmp_path / str(number)
        folder.mkdir()
        again = Run(repository, folder)
        for file in state["files"]:  # what lay on the disk then, and something that was not finished
            text = (tmp_path / file["name"]).read_bytes()
            more = b'{"half a li' if not state["over"] and file["count"] < export.FILE_ROWS else b""
            (folder / file["name"]).write_bytes(text[: file["kept"]] + more)
        await again.go(state)
        assert again.lines() == expected


async def test_a_full_disk_is_told_and_gone_on_after(repository: Repository, tmp_path: Path) -> None:
    run = Run(repository, tmp_path)
    opened: list[int] = []

    def full() -> None:
        opened.append(1)
        if len(opened) == 4:
            raise OSError(errno.ENOSPC, "No space left on device")

    run.fail = full
    with pytest.raises(Busy, match="disk is full"):
        await run.go()
    state = await run.go(run.saved[-1])
    assert state.over
    assert len(run.lines()) == len(set(run.lines())) == 18


async def test_a_group_and_elements(repository: Repository, tmp_path: Path) -> None:
    member = [{"entity": {"reference": "Patient/p1"}}, {"entity": {"reference": "Patient/p2"}, "inactive": True}]
    group = {"resourceType": "Group", "id": "g", "type": "person", "actual": True, "member": member}
    await repository.update("Group", "g", parsed(group))
    wish = export_wish([("_elements", "Patient.birthDate")], level="Group", group="g")
    run = Run(repository, tmp_path, wish)
    await run.go()
    trees = {tree["id"]: tree for tree in map(orjson.loads, run.lines())}
    assert trees.keys() == {"g", "o1", "p1"}
    assert "tag" not in trees["o1"]["meta"]
    tree = trees["p1"]
    assert tree["birthDate"] == "1990-01-02"
    assert "name" not in tree
    assert tree["meta"]["tag"][0]["code"] == "SUBSETTED"
    with pytest.raises(NotFound):
        await Run(repository, tmp_path, export_wish([], level="Group", group="none")).go()


async def test_deletions_come_as_bundles(repository: Repository, tmp_path: Path) -> None:
    since = (await repository.moment()).time.isoformat()
    await repository.delete("Patient", "p3")
    run = Run(repository, tmp_path, export_wish([("_since", since), ("_type", "Patient")]))
    state = await run.go()
    assert [(file.name, file.kind, file.type, file.count) for file in state.files if file.kind == "deleted"] == [
        ("deleted.1.ndjson", "deleted", "Bundle", 1)
    ]
    bundle = orjson.loads((tmp_path / "deleted.1.ndjson").read_bytes())
    assert bundle["entry"] == [{"request": {"method": "DELETE", "url": "Patient/p3"}}]


def test_a_sealed_file_is_read_from_any_place_to_any_other(tmp_path: Path) -> None:
    sealer, path = Sealer(generate()), tmp_path / "file"
    lines = [f"{n} 王小明 {'x' * 997}\n".encode() for n in range(700)]
    text = b"".join(lines)
    writer = SealedFile(path, sealer, "job/file")
    for line in lines[:300]:
        writer.write(line)
    writer.sync()
    kept, size = writer.kept, writer.size
    writer.write(b"lost in the crash")
    writer.close()
    with path.open("ab") as file:
        file.write(b"half a frame")
    again = SealedFile(path, sealer, "job/file", kept, size)
    for line in lines[300:]:
        again.write(line)
    again.sync()
    again.close()
    assert again.size == len(text) > 2 * FRAME
    assert "王小明".encode() not in path.read_bytes()
    for first, last in (
        (0, len(text) - 1),
        (0, 0),
        (FRAME - 1, FRAME),
        (len(text) - 5, len(text) - 1),
        (1000, 500_000),
    ):
        assert b"".join(read(path, sealer, "job/file", first, last)) == text[first : last + 1]
    with pytest.raises(Fault):
        list(read(path, sealer, "job/other", 0, 10))
    with pytest.raises(Fault):
        list(read(path, sealer, "job/file", 0, len(text)))
    with pytest.raises(Fault):
        SealedFile(path, sealer, "job/file", path.stat().st_size + 1, 0)
