"""A newcomer's first minute: `minkang demo` fills an empty platform through the FHIR door and counts what is there."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture
def home() -> Iterator[Path]:
    """A folder that PostgreSQL's own account reaches when root runs the tests."""
    with tempfile.TemporaryDirectory() as made:
        Path(made).chmod(0o755)
        yield Path(made)


def _demo(home: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("MINKANG_", "PG"))}
    return subprocess.run(
        [sys.executable, "-m", "minkang.app.cli", "demo", "--exit", "--port", "0", "--data", home / "data", *arguments],
        env=clean | {"MINKANG_STATE": str(home / "state")},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_everything_that_is_sent_in_is_found_again_and_a_second_start_sends_nothing(home: Path) -> None:
    first = _demo(home, "--residents", "3")
    assert first.returncode == 0, first.stderr
    assert "69 resources sent in, 69 found again" in first.stdout  # 3 people of 19, 4 institutions, 8 doctors
    second = _demo(home, "--residents", "3")
    assert second.returncode == 0, second.stderr
    assert "there from an earlier start" in second.stdout


def test_a_platform_that_cannot_start_is_told_once_and_ends_the_demo(home: Path) -> None:
    (home / "data").write_text("a file where the folder should be", encoding="utf-8")
    refused = _demo(home)
    assert refused.returncode == 1
    assert "did not start" in refused.stderr
    assert "Traceback" not in refused.stderr
