"""`minkang export`: a folder of NDJSON from a platform that does not run, a note beside it, and what is refused."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.lib.asgi import JSON
from tests.lib.builders import a_patient, an_observation
from tests.lib.serving import Platform, platform


@pytest.fixture(scope="module")
def filled() -> Iterator[Platform]:
    """A platform with two resources, stopped."""
    import urllib.request

    with platform() as made:
        made.start()
        for id, resource in (("p1", a_patient("王小明")), ("o1", an_observation(about="Patient/p1"))):
            body = json.dumps({**resource, "id": id}).encode()
            url = f"{made.address}/fhir/{resource['resourceType']}/{id}"
            request = urllib.request.Request(url, body, {"Content-Type": JSON}, method="PUT")
            urllib.request.urlopen(request, timeout=30).close()
        made.stop()
        yield made


def export(made: Platform, to: Path, *options: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "minkang.app.cli", "export", "--data", str(made.folder.root), "--to", str(to)]
    return subprocess.run([*command, *options], env=made.environment, capture_output=True, text=True, check=False)


def test_everything_lies_in_the_folder_and_a_second_call_has_nothing_to_do(filled: Platform, tmp_path: Path) -> None:
    to = tmp_path / "out"
    for _ in range(2):
        done = export(filled, to)
        assert done.returncode == 0, done.stderr
        assert "2 resources" in done.stdout
    assert sorted(file.name for file in to.iterdir()) == ["Observation.1.ndjson", "Patient.1.ndjson", "export.json"]
    assert json.loads((to / "Patient.1.ndjson").read_text())["name"][0]["text"] == "王小明"
    assert (to / "Patient.1.ndjson").stat().st_mode & 0o777 == 0o600
    assert [file["count"] for file in json.loads((to / "export.json").read_text())["state"]["files"]] == [1, 1]
    other = export(filled, to, "--type", "Patient")
    assert other.returncode == 1
    assert "asked for something else" in other.stderr


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--type", "Patiant"], "_type=Patiant is not a resource type"),
        (["--since", "yesterday"], "_since=yesterday is not a date"),
        (["--type-filter", "Patient?nmae=x"], "Unknown parameter 'nmae'"),
        (["--group", "none"], "There is no Group/none"),
    ],
)
def test_what_cannot_be_done_is_said_in_one_sentence(
    filled: Platform, tmp_path: Path, options: list[str], said: str
) -> None:
    done = export(filled, tmp_path / "out", *options)
    assert done.returncode in (1, 2)
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_a_folder_of_something_else_is_left_alone(filled: Platform, tmp_path: Path) -> None:
    (tmp_path / "letter").write_text("mine")
    done = export(filled, tmp_path)
    assert "is not empty and holds no export" in done.stderr
    assert [file.name for file in tmp_path.iterdir()] == ["letter"]
