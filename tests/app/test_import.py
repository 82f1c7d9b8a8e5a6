"""`minkang import` as a person calls it: a good file, a broken line, a broken file, the same command again."""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.lib.builders import a_patient, an_observation
from tests.lib.serving import Platform, get, platform, until


@pytest.fixture(scope="module")
def made() -> Iterator[Platform]:
    """A platform that has run once and does not run now; its door may import from the folder `incoming` beside it."""
    with platform(environment={}) as found:
        incoming = found.folder.root.with_name("incoming")
        incoming.mkdir()
        found._environment["MINKANG_IMPORT_FROM"] = str(incoming)
        found.start()
        found.stop()
        yield found


def run(made: Platform, cwd: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "minkang.app.cli", "import", "--data", str(made.folder.root), "--workers", "2"]
    return subprocess.run(
        [*command, *arguments], env=made.environment, cwd=cwd, capture_output=True, text=True, check=False
    )


def lines(*resources: object) -> bytes:
    return b"".join(
        (one if isinstance(one, bytes) else json.dumps(one, ensure_ascii=False).encode()) + b"\n" for one in resources
    )


def test_files_come_in_and_what_is_refused_stands_in_the_report(made: Platform, tmp_path: Path) -> None:
    people = [a_patient("王小明", id=f"p{n}") for n in range(5)]
    (tmp_path / "a.ndjson").write_bytes(lines(*people, b'{"resourceType":"Patient",'))
    results = [an_observation(about=f"Patient/p{n}", id=f"o{n}") for n in range(5)]
    (tmp_path / "b.ndjson.gz").write_bytes(gzip.compress(lines(*results)))
    done = run(made, tmp_path, str(tmp_path), "--source", "hospital", "--report", "refused.ndjson")
    assert done.returncode == 4, done.stderr
    assert "10 created, 0 updated, 0 unchanged, 1 lines refused" in done.stdout
    told = json.loads((tmp_path / "refused.ndjson").read_text())
    assert (told["file"], told["line"]) == (str(tmp_path / "a.ndjson"), 6)
    assert told["outcome"]["resourceType"] == "OperationOutcome"
    assert (tmp_path / "refused.ndjson").stat().st_mode & 0o777 == 0o600
    (tmp_path / "a.ndjson").write_bytes(lines(*people[:4], a_patient("李丽", id="p4")))
    again = run(made, tmp_path, str(tmp_path / "a.ndjson"), str(tmp_path / "b.ndjson.gz"))
    assert again.returncode == 0, again.stderr
    assert "0 created, 1 updated, 9 unchanged, 0 lines refused" in again.stdout


def test_it_comes_in_beside_a_running_platform(made: Platform, tmp_path: Path) -> None:
    (tmp_path / "c.ndjson").write_bytes(lines(a_patient("赵一", id="c1")))
    made.start()
    try:
        done = run(made, tmp_path, str(tmp_path / "c.ndjson"))
        assert done.returncode == 0, done.stderr
        assert get(f"{made.address}/fhir/Patient/c1")[0] == 200
        assert json.loads(get(f"{made.address}/fhir/Patient?name=zhaoyi")[1])["entry"][0]["resource"]["id"] == "c1"
        _by_the_door(made)
    finally:
        made.stop()


def _by_the_door(made: Platform) -> None:
    """`$import`, carried out by the platform's own process for long jobs."""
    made.folder.root.with_name("incoming").joinpath("d.ndjson").write_bytes(
        lines(a_patient("孙二", id="d1"), b"broken")
    )
    body = json.dumps({"inputSource": "h7", "input": [{"url": "d.ndjson"}]}).encode()
    headers = {"Content-Type": "application/json", "Prefer": "respond-async"}
    with urllib.request.urlopen(urllib.request.Request(f"{made.address}/fhir/$import", body, headers)) as answer:
        status = answer.headers["content-location"]
    until(lambda: get(status)[0] != 202, "the import is over")
    code, told = get(status)
    assert code == 200, told
    assert (json.loads(told)["created"], json.loads(told)["rejected"]) == (1, 1)
    assert get(f"{made.address}/fhir/Patient/d1")[0] == 200


@pytest.mark.parametrize(
    ("name", "data", "said"),
    [
        ("none.ndjson", None, "there is no file"),
        ("cut.ndjson.gz", gzip.compress(b'{"resourceType":"Basic"}\n' * 9_000)[:-50], "cut.ndjson.gz is damaged"),
        ("not.ndjson.zst", b"plain text", "not.ndjson.zst is damaged"),
    ],
)
def test_what_cannot_be_read_is_said_in_one_sentence(
    made: Platform, tmp_path: Path, name: str, data: bytes | None, said: str
) -> None:
    if data is not None:
        (tmp_path / name).write_bytes(data)
    done = run(made, tmp_path, str(tmp_path / name))
    assert done.returncode == 1
    assert said in done.stderr
    assert "Traceback" not in done.stderr
