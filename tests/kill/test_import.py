"""kill -9 in the middle of an import, of whatever can be killed: the same command goes on, and the counts are exact."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import asyncpg
import orjson
import pytest

from minkang.kit import processes
from minkang.kit.postgres.cluster import Cluster
from tests.lib.serving import Platform, children, platform, until

pytestmark = pytest.mark.kill

RESIDENTS, EACH = 700, 40
"""About seven pieces of a mebibyte: enough for a kill between the first and the last."""


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Residents with observations; two lines in the middle are broken and one comes twice."""
    path = tmp_path_factory.mktemp("import") / "hospital.ndjson"
    with path.open("wb") as out:
        for number in range(RESIDENTS):
            out.write(orjson.dumps({"resourceType": "Patient", "id": f"k{number}"}) + b"\n")
            for n in range(EACH):
                out.write(orjson.dumps(_observation(number, n)) + b"\n")
            if number in (RESIDENTS // 3, RESIDENTS // 2):
                out.write(b'{"resourceType":"Observation","id":"broken"\n')
        out.write(orjson.dumps({"resourceType": "Patient", "id": "k0"}) + b"\n")
    return path


def _observation(number: int, n: int) -> dict[str, Any]:
    return {
        "resourceType": "Observation",
        # Half of them have no id: one that is read twice must still be one.
        **({"id": f"k{number}-{n}"} if n % 2 else {}),
        "status": "final",
        "code": {"coding": [{"system": "http://loinc.org", "code": "8867-4"}], "text": "心率"},
        "subject": {"reference": f"Patient/k{number}"},
        "valueQuantity": {"value": 60 + n, "unit": "次/分"},
    }


class Running:
    """`minkang import` in a process of its own, and the database it fills."""

    def __init__(self, made: Platform, file: Path) -> None:
        self.made, self.file = made, file
        self.process: subprocess.Popen[str] | None = None

    def start(self) -> None:
        options = ["--data", str(self.made.folder.root), "--workers", "2", "--source", "hospital"]
        command = [sys.executable, "-m", "minkang.app.cli", "import", *options, str(self.file)]
        self.process = subprocess.Popen(
            command,
            env=self.made.environment,
            cwd=self.file.parent,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def end(self) -> tuple[int, str]:
        assert self.process is not None
        out, errors = self.process.communicate(timeout=120)
        return self.process.returncode, out + errors

    def loaders(self) -> list[int]:
        assert self.process is not None
        return [pid for pid in children(self.process.pid) if b"spawn_main" in _command(pid)]

    def ask(self, sql: str) -> Any:
        """One value; None while the database does not answer."""

        async def run() -> Any:
            connection = await asyncpg.connect(Cluster(self.made.folder).url)
            try:
                return await connection.fetchval(sql)
            finally:
                await connection.close()

        try:
            return asyncio.run(run())
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
            return None

    def middle(self) -> None:
        """Returns when some pieces are in and others are not."""
        until(lambda: (self.ask("SELECT count(*) FROM import_chunk") or 0) >= 2, "two pieces are in")
        assert self.ask("SELECT count(*) FROM import_job WHERE finished IS NULL") == 1, "it is over already"


def _command(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""


@pytest.fixture
def running(file: Path) -> Iterator[Running]:
    with platform() as made:
        made.start()
        found = Running(made, file)
        yield found
        if found.process is not None and found.process.poll() is None:
            found.process.kill()
            found.process.communicate()


def a_loader(one: Running) -> None:
    os.kill(one.loaders()[0], signal.SIGKILL)


def the_parent(one: Running) -> None:
    assert one.process is not None
    one.process.kill()


def the_postmaster(one: Running) -> None:
    os.kill(one.made.postmaster, signal.SIGKILL)


def all_of_it(one: Running) -> None:
    assert one.process is not None
    family = one.made.family
    for pid in [one.process.pid, *one.loaders(), *family]:
        if processes.alive(pid):
            os.kill(pid, signal.SIGKILL)
    assert one.made.process is not None
    one.made.process.wait()
    until(lambda: not any(processes.alive(pid) for pid in family), "the platform is gone")


@pytest.mark.parametrize("kill", [a_loader, the_parent, the_postmaster, all_of_it], ids=lambda f: f.__name__)
def test_a_killed_import_goes_on_and_nothing_is_doubled_or_lost(
    running: Running, kill: Callable[[Running], None]
) -> None:
    running.start()
    running.middle()
    kill(running)
    code, words = running.end()
    assert "Traceback" not in words
    if kill is the_postmaster:
        assert code == 4, words  # the supervisor has started it again, and the import has waited
    else:
        assert code not in (0, 4), words
        if kill is all_of_it:
            running.made.start()
        running.start()  # at once: a loader whose parent died may still be at its piece
        code, words = running.end()
        assert code == 4, words
        assert "went on" in words
    _exact(running)


def _exact(one: Running) -> None:
    assert one.ask("SELECT count(*) FROM import_job WHERE finished IS NOT NULL") == 1
    assert one.ask("SELECT count(*) FROM resource") == RESIDENTS * (1 + EACH)
    assert one.ask("SELECT count(DISTINCT (type, id)) FROM resource") == RESIDENTS * (1 + EACH)
    assert one.ask("SELECT count(*) FROM locator WHERE id LIKE 'k%'") == RESIDENTS * EACH // 2
    assert one.ask("SELECT count(*) FROM resource_version") == 0
    assert one.ask("SELECT count(*) FROM import_rejected") == 2
    assert one.ask("SELECT sum(created) FROM import_chunk") == RESIDENTS * (1 + EACH)
    assert one.ask("SELECT sum(rows) FROM batch") == RESIDENTS * (1 + EACH)
    report = next(one.file.parent.glob("import-*.rejected.ndjson"))
    assert len(report.read_bytes().splitlines()) == 2
    report.unlink()
