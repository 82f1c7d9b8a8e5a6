"""The real platform in processes of its own: `minkang serve` on a free port, over a data folder of the test's."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import orjson

from minkang.kit import processes
from minkang.kit.folders import DataFolder
from minkang.kit.postgres.cluster import Cluster

ROOT = Path(__file__).parents[2]
DEADLINE = 60.0
"""Seconds within which anything awaited must have come true; a test that waits longer has failed."""


class Platform:
    """`minkang serve` over one data folder; can be started several times, one after the other."""

    def __init__(
        self, folder: Path, *, app: str | None = None, port: int = 0, environment: Mapping[str, str] | None = None
    ) -> None:
        self.folder = DataFolder(folder)
        self.output = folder.with_name(f"{folder.name}.log")
        self.process: subprocess.Popen[bytes] | None = None
        self._app = app
        self._port = port
        self._environment = dict(environment or {})

    def launch(self) -> subprocess.Popen[bytes]:
        """Starts the process and does not wait for anything."""
        arguments = ["--data", str(self.folder.root), "--port", str(self._port), "--workers", "2"]
        command = [sys.executable, "-m", "minkang.app.cli", "serve", *arguments]
        if self._app is not None:
            command = [sys.executable, "-m", "tests.lib.serving", self._app]
        with self.output.open("ab") as output:
            self.process = subprocess.Popen(
                command, env=self.environment, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=output, stderr=output
            )
        return self.process

    @property
    def environment(self) -> dict[str, str]:
        """Without any setting of the machine the tests run on."""
        clean = {name: value for name, value in os.environ.items() if not name.startswith(("MINKANG_", "PG"))}
        ours = {"MINKANG_DATA": str(self.folder.root), "MINKANG_PORT": str(self._port), "MINKANG_WORKERS": "2"}
        state = {"MINKANG_STATE": str(self.folder.root.with_name(f"{self.folder.root.name}.state"))}
        return clean | ours | state | {"PYTHONPATH": f"{ROOT / 'src'}{os.pathsep}{ROOT}"} | self._environment

    def start(self) -> None:
        """Starts it and returns when it is ready. Fails with its output when it is not."""
        process = self.launch()
        until(lambda: process.poll() is not None or self._noted_by(process.pid), f"{self.output} says it is ready")
        assert process.poll() is None, self.words

    def _noted_by(self, pid: int) -> bool:
        return self._note().get("pid") == pid

    def _note(self) -> dict[str, Any]:
        try:
            return orjson.loads((self.folder.run / "platform.json").read_bytes())
        except (OSError, ValueError):
            return {}

    @property
    def address(self) -> str:
        return self._note()["address"]

    @property
    def words(self) -> str:
        """Everything it printed and logged."""
        return self.output.read_text()

    @property
    def postmaster(self) -> int:
        found = Cluster(self.folder).running()
        assert found is not None
        return found.pid

    @property
    def workers(self) -> list[int]:
        assert self.process is not None
        return [pid for pid in children(self.process.pid) if b"minkang.app.worker" in command_of(pid)]

    @property
    def family(self) -> list[int]:
        """The supervisor and everything below it."""
        assert self.process is not None
        found = [self.process.pid]
        for pid in found:
            found += children(pid)
        return found

    def stop(self, number: int = signal.SIGTERM) -> int:
        """Asks it to stop and waits until it has; its exit code."""
        assert self.process is not None
        self.process.send_signal(number)
        return self.process.wait(DEADLINE)

    def kill(self) -> None:
        """kill -9 of the supervisor alone."""
        self.stop(signal.SIGKILL)

    def close(self) -> None:
        """Leaves nothing running, whatever the test did."""
        if self.process is not None and self.process.poll() is None:
            self.stop()
        Cluster(self.folder).stop()


@contextmanager
def platform(**options: Any) -> Iterator[Platform]:
    """A platform over a new folder that PostgreSQL's own account can reach; not started yet."""
    top = Path(tempfile.mkdtemp(prefix="minkang-test-"))
    top.chmod(0o711)
    made = Platform(top / "data", **options)
    try:
        yield made
    finally:
        made.close()
        shutil.rmtree(top)


def until(condition: Callable[[], object], what: str, within: float = DEADLINE) -> None:
    """Waits for the condition, looking often; fails with `what` when it does not come true in time."""
    deadline = time.monotonic() + within
    while not condition():
        assert time.monotonic() < deadline, f"not within {within:.0f} s: {what}"
        time.sleep(0.02)


def gone(pids: list[int]) -> bool:
    return not any(processes.alive(pid) for pid in pids)


def children(pid: int) -> list[int]:
    try:
        return [int(text) for text in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []


def command_of(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""


def get(url: str, headers: Mapping[str, str] | None = None) -> tuple[int, bytes]:
    """Status and body of one GET."""
    try:
        with urllib.request.urlopen(urllib.request.Request(url, headers=dict(headers or {})), timeout=30) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read()


if __name__ == "__main__":  # the supervisor over another application than the real one
    from minkang.app.supervisor import run
    from minkang.kit import log, settings

    chosen = settings.load()
    log.set_up(chosen.log_level)
    run(chosen, sys.argv[1])
