"""The tutorials are run as they are printed: each `bash` block by a shell, compared with the `json` block below it.

The printed answer must be contained in the real one: members not printed do not matter, `…` stands for any text.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.lib.serving import platform

TUTORIALS = Path(__file__).parents[2] / "docs" / "tutorials"
PRINTED = "http://127.0.0.1:8000"
STEP = re.compile(r"```bash\n(?P<command>.*?)```\n\n```json\n(?P<answer>.*?)```", re.DOTALL)


def steps(page: str) -> list[tuple[str, Any]]:
    """Commands and what they are said to answer, in order."""
    text = (TUTORIALS / page).read_text("utf-8")
    found = [(step["command"], json.loads(step["answer"])) for step in STEP.finditer(text)]
    assert len(found) == text.count("```bash"), "each command is followed by its answer"
    return found


def contained(printed: Any, real: Any, place: str = "answer") -> None:
    if isinstance(printed, dict):
        assert isinstance(real, dict), f"{place}: {real!r}"
        for name, value in printed.items():
            assert name in real, f"{place} has no {name}: {real!r}"
            contained(value, real[name], f"{place}.{name}")
    elif isinstance(printed, list):
        assert isinstance(real, list), f"{place}: {real!r}"
        assert len(printed) == len(real), f"{place}: {len(real)} instead of {len(printed)}"
        for number, (one, other) in enumerate(zip(printed, real, strict=True)):
            contained(one, other, f"{place}[{number}]")
    elif printed != "…":
        assert printed == real, f"{place}: {real!r} instead of {printed!r}"


@pytest.mark.skipif(shutil.which("curl") is None, reason="the tutorial's commands need curl")
def test_your_first_record_happens_as_printed() -> None:
    with platform() as running:
        running.start()
        for command, printed in steps("your-first-record.md"):
            assert PRINTED in command
            shell = ["bash", "-c", command.replace(PRINTED, running.address)]
            done = subprocess.run(shell, capture_output=True, text=True, timeout=60, check=True)
            contained(printed, json.loads(done.stdout))
            assert "6.10" not in command or "6.10" in done.stdout


def test_what_is_not_contained_is_noticed() -> None:
    contained({"a": [{"b": "…"}]}, {"a": [{"b": 1, "c": 2}], "d": 3})
    for printed, real in (({"a": 1}, {"a": 2}), ({"a": 1}, {}), ([1], [1, 2]), ({"a": {}}, {"a": 5})):
        with pytest.raises(AssertionError):
            contained(printed, real)
