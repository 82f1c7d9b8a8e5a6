"""`minkang expunge`: counts, asks, takes out; without an answer nothing happens."""

from __future__ import annotations

import json
import subprocess
import sys
import urllib.request
from collections.abc import Iterator

import pytest

from tests.lib.asgi import JSON
from tests.lib.builders import a_patient
from tests.lib.serving import Platform, get, platform


@pytest.fixture(scope="module")
def running() -> Iterator[Platform]:
    with platform() as made:
        made.start()
        yield made


def send(made: Platform, source: str, *names: str) -> None:
    entry = [{"resource": a_patient(name), "request": {"method": "POST", "url": "Patient"}} for name in names]
    body = json.dumps({"resourceType": "Bundle", "type": "transaction", "entry": entry}).encode()
    request = urllib.request.Request(f"{made.address}/fhir", body, {"Content-Type": JSON, "X-Source": source})
    urllib.request.urlopen(request, timeout=30).close()


def expunge(made: Platform, *options: str, answer: str = "") -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "minkang.app.cli", "expunge", "--data", str(made.folder.root), *options]
    return subprocess.run(
        command, env=made.environment, input=answer, capture_output=True, text=True, check=False, timeout=60
    )


def total(made: Platform) -> int:
    return json.loads(get(f"{made.address}/fhir/Patient?_summary=count")[1])["total"]


def test_a_wrong_import_is_counted_asked_for_and_gone(running: Platform) -> None:
    send(running, "right", "good")
    send(running, "wrong", "bad", "worse")
    for options, answer, code in ((["--dry-run"], "", 0), ([], "n\n", 1)):
        done = expunge(running, "--source", "wrong", *options, answer=answer)
        assert done.returncode == code, done.stderr
        assert "2 resources would be expunged" in done.stdout
        assert total(running) == 3
    done = expunge(running, "--source", "wrong", answer="y\n")
    assert done.returncode == 0, done.stderr
    assert "2 resources expunged" in done.stdout
    assert total(running) == 1
    assert "0 resources" in expunge(running, "--source", "wrong", "--yes").stdout


def test_what_cannot_be_done_is_said(running: Platform) -> None:
    for options, said in (
        ([], "by one of"),
        (["--source", "x", "--mode", "purge"], "Say the mode"),
        (["--type-filter", "Patient?nmae=x"], "Unknown parameter 'nmae'"),
    ):
        done = expunge(running, *options)
        assert done.returncode == 2
        assert said in done.stderr
