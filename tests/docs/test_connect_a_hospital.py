"""The page "connect a hospital in an hour", done: its commands as they are printed, in their order."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from synth.documents import document
from tests.lib.serving import get, platform

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "connect-a-hospital.md"
PRINTED = "http://127.0.0.1:8000"


@pytest.mark.skipif(shutil.which("curl") is None, reason="the page's commands need curl")
def test_a_hospital_is_connected_as_the_page_says(tmp_path: Path) -> None:
    (tmp_path / "document.xml").write_bytes(document("C0002", 5))
    made, checked, sent, looked, live = re.findall(r"```bash\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
    with platform() as running:
        running.start()

        def shell(command: str, **names: str) -> str:
            command = command.replace(PRINTED, running.address)
            command = command.replace("minkang ", f"{sys.executable} -m minkang.app.cli ", 1)
            done = subprocess.run(
                ["bash", "-c", command],
                cwd=tmp_path,
                env=running.environment | names,
                capture_output=True,
                text=True,
                timeout=60,
                check=False,
            )
            assert done.returncode == 0, done.stderr
            return done.stdout

        told = shell(made)
        names = {"SENDER": re.findall(r"Sender: (\S+)", told)[0], "KEY": re.findall(r"Key: (\S+)", told)[0]}
        assert json.loads(shell(checked))["outcome"] != "errors"
        trial = json.loads(shell(sent, **names))
        assert (trial["trial"], trial["sender"], trial.get("resources", [])) == (
            True,
            names["SENDER"],
            [],
        )
        assert json.loads(get(f"{running.address}/fhir/Patient?_summary=count")[1])["total"] == 0
        assert json.loads(shell(looked, **names))["receipts"] == []
        assert "live" in shell(live, **names)
        taken = json.loads(shell(sent, **names))
        assert "trial" not in taken
        assert taken["document"]
        assert json.loads(get(f"{running.address}/fhir/Patient?_summary=count")[1])["total"] == 1
