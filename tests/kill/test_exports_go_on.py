"""kill -9 in the middle of an export, of the command and of the platform's own process: it goes on, nothing twice."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest

from synth.bundles import PER_RESIDENT, bundles
from tests.lib.serving import Platform, children, command_of, get, platform, until

pytestmark = pytest.mark.kill

RESIDENTS = 150


@pytest.fixture(scope="module")
def filled() -> Iterator[Platform]:
    with platform() as made:
        made.start()
        for bundle in bundles(RESIDENTS, 3):
            body = orjson.dumps({**bundle, "type": "transaction"})
            request = urllib.request.Request(f"{made.address}/fhir", body, {"Content-Type": "application/fhir+json"})
            urllib.request.urlopen(request, timeout=60).close()
        yield made


def total(made: Platform) -> int:
    status, body = get(f"{made.address}/fhir?_summary=count")
    assert status == 200
    return json.loads(body)["total"]


def lines(files: dict[str, bytes]) -> list[str]:
    found = [orjson.loads(line) for text in files.values() for line in text.splitlines()]
    return [f"{one['resourceType']}/{one['id']}" for one in found]


def test_the_command_goes_on_in_its_folder(filled: Platform, tmp_path: Path) -> None:
    to = tmp_path / "out"
    command = [sys.executable, "-m", "tests.kill.slow_export", "--data", str(filled.folder.root), "--to", str(to)]
    for _ in range(3):
        before = _rows(to)
        process = subprocess.Popen(command, env=filled.environment, stderr=subprocess.DEVNULL)
        until(lambda before=before: _rows(to) > before, "some more is saved")
        process.kill()
        process.wait()
    assert 0 < _rows(to) < RESIDENTS * PER_RESIDENT
    whole = [sys.executable, "-m", "minkang.app.cli", "export", *command[3:]]
    subprocess.run(whole, env=filled.environment, check=True, capture_output=True, timeout=60)
    found = lines({file.name: file.read_bytes() for file in to.glob("*.ndjson")})
    assert len(found) == len(set(found)) == total(filled)


def _rows(to: Path) -> int:
    try:
        return json.loads((to / "export.json").read_bytes())["state"]["rows"]
    except (OSError, ValueError):
        return 0


def test_the_platform_goes_on_with_what_was_ordered(filled: Platform) -> None:
    headers = {"Prefer": "respond-async", "Accept": "application/fhir+json"}
    request = urllib.request.Request(f"{filled.address}/fhir/$export", headers=headers)
    with urllib.request.urlopen(request, timeout=30) as answer:
        assert answer.status == 202
        status = answer.headers["content-location"]
    until(lambda: bulk_workers(filled), "the process for bulk jobs runs")
    for _ in range(2):
        for pid in bulk_workers(filled):
            os.kill(pid, signal.SIGKILL)
        until(lambda: bulk_workers(filled), "there is another one")
    until(lambda: get(status)[0] == 200, "the export is there")
    manifest = json.loads(get(status)[1])
    found = lines({file["url"]: fetched(file) for file in manifest["output"]})
    assert len(found) == len(set(found)) == total(filled)


def fetched(file: dict[str, Any]) -> bytes:
    status, body = get(file["url"])
    assert status == 200
    return body


def bulk_workers(made: Platform) -> list[int]:
    assert made.process is not None
    return [pid for pid in children(made.process.pid) if b"minkang.app.jobs_worker" in command_of(pid)]
