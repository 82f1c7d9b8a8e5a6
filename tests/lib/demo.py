"""`minkang demo` in a process of its own on a free port, as a person would start it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from queue import Empty, Queue

READY = re.compile(r"(http://127\.0\.0\.1:\d+)/\s+the front page")
DEADLINE = 90.0
"""Seconds until the demo must have told where to look."""


@contextmanager
def served(*, residents: int = 60, token: str | None = None) -> Iterator[str]:
    """The address of a demo that is filled and running; it is stopped in order at the end, and its data is gone."""
    with tempfile.TemporaryDirectory() as home:
        Path(home).chmod(0o755)  # started by root, PostgreSQL runs as an account of its own that must get through
        with _running(Path(home) / "data", residents, token) as address:
            yield address


@contextmanager
def _running(data: Path, residents: int, token: str | None) -> Iterator[str]:
    command = [sys.executable, "-m", "minkang.app.cli", "demo", "--port", "0", "--data", str(data)]
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("MINKANG_", "PG"))}
    ours = {"MINKANG_STATE": str(data.with_name(f"{data.name}.state"))} | ({"MINKANG_TOKEN": token} if token else {})
    process = subprocess.Popen(
        [*command, "--residents", str(residents)],
        env=clean | ours,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    told: Queue[str] = Queue()
    reader = threading.Thread(target=_listen, args=(process, told))
    reader.start()
    try:
        yield _address(told)
    finally:
        process.terminate()
        process.wait(30)
        reader.join()


def _address(told: Queue[str]) -> str:
    """What the demo printed when it was ready."""
    try:
        address = told.get(timeout=DEADLINE)
    except Empty:
        address = ""
    assert address, "the demo did not say where it serves"
    return address


def _listen(process: subprocess.Popen[str], told: Queue[str]) -> None:
    """Reads all the demo prints, so that it never waits for a reader; tells the address, or nothing at the end."""
    assert process.stdout is not None
    with process.stdout as lines:
        for line in lines:
            if found := READY.search(line):
                told.put(found[1])
    told.put("")
