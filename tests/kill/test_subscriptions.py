"""kill -9 of whoever tells, of the supervisor and of PostgreSQL: everything is told in the end, and in order."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from typing import Any

import pytest

from tests.lib.asgi import JSON
from tests.lib.builders import a_patient
from tests.lib.serving import Platform, children, command_of, get, platform, until
from tests.lib.subscriptions import Listener, a_topic_subscription, listening

pytestmark = pytest.mark.kill


def put(made: Platform, tree: dict[str, Any], id: str) -> None:
    """Returns when it was taken: while the database is away it is not."""
    until(lambda: _taken(made, tree, id), f"{id} is taken")


def _taken(made: Platform, tree: dict[str, Any], id: str) -> bool:
    body = json.dumps({**tree, "id": id}).encode()
    url = f"{made.address}/fhir/{tree['resourceType']}/{id}"
    request = urllib.request.Request(url, body, {"Content-Type": JSON}, method="PUT")
    try:
        urllib.request.urlopen(request, timeout=30).close()
    except urllib.error.HTTPError as error:
        if error.code != 503:
            raise
        return False
    return True


def status(made: Platform, id: str) -> str:
    code, body = get(f"{made.address}/fhir/Subscription/{id}")
    return json.loads(body)["status"] if code == 200 else ""


def tellers(made: Platform) -> list[int]:
    assert made.process is not None
    return [pid for pid in children(made.process.pid) if b"minkang.app.jobs_worker" in command_of(pid)]


def numbers(target: Listener) -> list[int]:
    """In the order in which they came first."""
    return list(dict.fromkeys(number for one in target.events for number in one.numbers))


def feed(made: Platform, *words: str) -> str:
    command = [sys.executable, "-m", "minkang.app.cli", "feed", *words, "--data", str(made.folder.root)]
    done = subprocess.run(command, env=made.environment, capture_output=True, text=True, check=False, timeout=60)
    return done.stdout + done.stderr


def test_everything_is_told_whoever_is_killed() -> None:
    with listening() as target, platform(environment={"MINKANG_SUBSCRIPTION_TARGETS": target.address}) as made:
        made.start()
        put(made, a_topic_subscription(target.address, "Patient?"), "s1")
        until(lambda: status(made, "s1") == "active", "it is active")
        assert target.heard[0].tree["entry"][0]["fullUrl"].startswith("urn:uuid:")
        assert f"{made.address}/fhir/Subscription/s1".encode() in target.heard[0].body
        for number in range(10):
            put(made, a_patient("王"), f"p{number}")
        for pid in tellers(made):
            os.kill(pid, signal.SIGKILL)
        for number in range(10, 20):
            put(made, a_patient("王"), f"p{number}")
        until(lambda: len(numbers(target)) == 20, "another one tells the rest")
        os.kill(made.postmaster, signal.SIGKILL)
        put(made, a_patient("王"), "p20")
        until(lambda: len(numbers(target)) == 21, "it is told after PostgreSQL came back")
        made.kill()
        made.start()
        put(made, a_patient("王"), "p21")
        until(lambda: len(numbers(target)) == 22, "it is told by the next start")
        assert numbers(target) == list(range(1, 23))
        assert "subscriptions" in feed(made, "status")
        assert "Nothing lies aside" in feed(made, "letters", "subscriptions")
        assert "Nothing lies aside for Subscription/s1" in feed(made, "replay", "Subscription/s1")
        behind = [line for line in get(f"{made.address}/metrics")[1].decode().splitlines() if "minkang_feed_" in line]
        assert any(line.startswith('minkang_feed_behind{follower="subscriptions"') for line in behind)
