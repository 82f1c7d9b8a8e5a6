"""The page on Subscriptions, done: its Subscription, its commands, its listener, as they are printed."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.lib.serving import get, platform, until

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "subscribe.md"
PRINTED = "http://127.0.0.1:8000"


def blocks(kind: str) -> list[str]:
    return re.findall(rf"```{kind}\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)


@pytest.mark.skipif(shutil.which("curl") is None, reason="the page's commands need curl")
def test_a_programme_is_told_as_the_page_says(tmp_path: Path) -> None:
    (tmp_path / "subscription.json").write_text(blocks("json")[0])
    written, asked = blocks("bash")
    with platform() as running:
        running.start()
        (listener,) = blocks("python")
        (tmp_path / "listen.py").write_text(listener.replace(PRINTED, running.address))

        def shell(command: str) -> str:
            line = ["bash", "-c", command.replace(PRINTED, running.address)]
            return subprocess.run(line, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=True).stdout

        shell(written)
        until(lambda: json.loads(get(f"{running.address}/fhir/Subscription/ward-7")[1])["status"] == "active", "active")
        output = tmp_path / "told.txt"
        with (
            output.open("wb") as told,
            subprocess.Popen([sys.executable, "listen.py"], cwd=tmp_path, stdout=told, stderr=told) as process,
        ):
            try:
                until(lambda: "handshake" in output.read_text(), f"a handshake in {output}")
                patient = '{"resourceType":"Patient","id":"p1","active":true}'
                shell(
                    f"curl -s -X PUT -H 'content-type: application/fhir+json' -d '{patient}' {PRINTED}/fhir/Patient/p1"
                )
                until(lambda: "event-notification" in output.read_text(), f"an event in {output}")
            finally:
                process.kill()
        assert "/fhir/Patient/p1" in output.read_text()
        status = json.loads(shell(asked))["entry"][0]["resource"]["parameter"]
        assert {"name": "events-since-subscription-start", "valueString": "1"} in status
