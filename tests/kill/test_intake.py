"""kill -9 while hospitals send: who sends again until there is a receipt finds each message there once, and whole."""

from __future__ import annotations

import http.client
import itertools
import os
import signal
import threading
from collections.abc import Callable, Iterator
from urllib.parse import urlsplit

import orjson
import pytest

from synth.documents import document
from tests.lib.serving import Platform, get, platform, until

pytestmark = pytest.mark.kill

BEFORE, AFTER = 40, 40
"""Messages with a receipt before the kill, and again after it."""

THREADS = 4


@pytest.fixture
def running() -> Iterator[Platform]:
    with platform() as made:
        made.start()
        yield made


class Senders:
    """Each sends documents and messages in turn, every one until it is answered with a receipt."""

    def __init__(self, address: str) -> None:
        self.receipts: dict[int, dict[str, object]] = {}
        self.again = 0
        self._address = urlsplit(address)
        self._numbers = itertools.count(1)
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._send) for _ in range(THREADS)]

    def __enter__(self) -> Senders:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(60)

    def acknowledge(self, more: int) -> None:
        goal = len(self.receipts) + more
        until(lambda: len(self.receipts) >= goal, f"{more} more receipts")

    def _send(self) -> None:
        while not self._stop.is_set():
            with self._lock:
                number = next(self._numbers)
            while (receipt := self._sent(number)) is None:
                with self._lock:
                    self.again += 1
                self._stop.wait(0.05)  # who is told nothing, or 503, waits a little; not even the end stops it
            with self._lock:
                self.receipts[number] = receipt

    def _sent(self, number: int) -> dict[str, object] | None:
        path, body = ("/cda", document("C0007", number)) if number % 2 else ("/hl7v2", a_result(number))
        connection = http.client.HTTPConnection(self._address.hostname or "", self._address.port, timeout=30)
        try:
            connection.request("POST", path, body)
            answer = connection.getresponse()
            said = answer.read()
        except (OSError, http.client.HTTPException):
            return None
        finally:
            connection.close()
        if answer.status == 503:
            return None
        assert answer.status < 300, said
        return orjson.loads(said) if number % 2 else {"answer": said.decode()}


def a_result(number: int) -> bytes:
    lines = [
        f"MSH|^~\\&|LIS|H1|MINKANG|CITY|20261101080000+0800||ORU^R01|C{number}|P|2.5.1||||||UNICODE UTF-8",
        f"PID|1||P{number}^^^H1^MR||张^丽||19800102|F",
        f"OBR|1||L{number}|CBC^血常规^L|||20261101073000+0800||||||||||||||||20261101080000+0800||HM|F",
        "OBX|1|NM|HGB^血红蛋白^L||132|g/L|115-150|N|||F",
        "OBX|2|NM|WBC^白细胞^L||6.1|10*9/L|3.5-9.5|N|||F",
    ]
    return "\r".join(lines).encode()


def one_worker(made: Platform) -> None:
    os.kill(made.workers[0], signal.SIGKILL)


def the_postmaster(made: Platform) -> None:
    os.kill(made.postmaster, signal.SIGKILL)


@pytest.mark.parametrize("kill", [one_worker, the_postmaster], ids=lambda f: f.__name__)
def test_every_message_is_there_once_and_whole(running: Platform, kill: Callable[[Platform], None]) -> None:
    until(lambda: len(running.workers) == 2, "two workers run")
    with Senders(running.address) as senders:
        senders.acknowledge(BEFORE)
        kill(running)
        senders.acknowledge(AFTER)
    documents = [one for number, one in senders.receipts.items() if number % 2]
    messages = [one for number, one in senders.receipts.items() if not number % 2]
    assert senders.again > 0, "the kill came while something was on its way"
    for receipt in documents:
        assert receipt["outcome"] in ("accepted", "warnings", "duplicate"), receipt
    for one in messages:
        assert "MSA|AA|" in str(one["answer"])
    assert total(running, "Task") == total(running, "Binary") == len(senders.receipts)
    assert total(running, "DocumentReference") == total(running, "Composition") == len(documents)
    in_messages = 2 * len(messages)
    of_documents = sum(str(one["resources"]).count("Observation/") for one in documents if "resources" in one)
    assert total(running, "Observation") == in_messages + of_documents


def total(made: Platform, search: str) -> int:
    mark = "&" if "?" in search else "?"
    return orjson.loads(get(f"{made.address}/fhir/{search}{mark}_summary=count")[1])["total"]
