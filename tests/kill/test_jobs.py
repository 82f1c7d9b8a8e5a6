"""kill -9 of the process that carries out jobs and of the supervisor: each job is done, and once."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import urllib.request

import pytest

from synth.bundles import bundles
from tests.lib.serving import Platform, children, command_of, get, platform, until

pytestmark = pytest.mark.kill


def jobs_processes(made: Platform) -> list[int]:
    assert made.process is not None
    return [pid for pid in children(made.process.pid) if b"minkang.app.jobs_worker" in command_of(pid)]


def jobs(made: Platform, *words: str) -> tuple[int, str]:
    command = [sys.executable, "-m", "minkang.app.cli", "jobs", *words, "--data", str(made.folder.root)]
    done = subprocess.run(command, env=made.environment, capture_output=True, text=True, check=False, timeout=60)
    return done.returncode, done.stdout + done.stderr


def export(made: Platform) -> str:
    """Path of the status of an order."""
    headers = {"Prefer": "respond-async", "Accept": "application/fhir+json"}
    request = urllib.request.Request(f"{made.address}/fhir/$export?_type=Patient", headers=headers)
    with urllib.request.urlopen(request, timeout=30) as answer:
        return answer.headers["content-location"].removeprefix(made.address)


def test_whatever_is_killed_each_order_is_carried_out_once() -> None:
    with platform() as made:
        made.start()
        for bundle in bundles(5, 3):
            body = json.dumps({**bundle, "type": "transaction"}).encode()
            request = urllib.request.Request(f"{made.address}/fhir", body, {"Content-Type": "application/fhir+json"})
            urllib.request.urlopen(request, timeout=60).close()
        orders: list[str] = []
        for _ in range(3):
            until(lambda: jobs_processes(made), "somebody carries out jobs")
            orders += [export(made), export(made)]
            for pid in jobs_processes(made):
                os.kill(pid, signal.SIGKILL)
        assert made.process is not None
        made.process.kill()
        made.process.wait()
        made.start()
        for order in orders:
            until(lambda order=order: get(made.address + order)[0] == 200, f"{order} is done")
            manifest = json.loads(get(made.address + order)[1])
            assert sum(file["count"] for file in manifest["output"]) == 5
        until(lambda: "bulk " not in jobs(made, "list", "--status", "doing")[1], "nothing is left in the middle")
        table = jobs(made, "list", "--status", "succeeded")[1]
        assert len(re.findall(r"│ bulk +│ succe", table)) == len(orders), table
        for words, says in (
            (("list", "--status", "none"), "There is no status 'none'"),
            (("retry", "1"), "No job 1 has failed"),
            (("cancel", "1"), "or it is over"),
            (("show", "999"), "There is no job 999"),
        ):
            code, told = jobs(made, *words)
            assert code != 0
            assert says in told
        code, told = jobs(made, "show", "1", "--watch")
        assert (code, "succeeded" in told) == (0, True)
