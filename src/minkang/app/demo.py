"""`minkang demo`: a platform with invented residents in it, for whoever wants to see before reading.

It starts `minkang serve` as anybody would and sends the records in through the FHIR door, so what it shows
is what works.
"""

from __future__ import annotations

import http.client
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from threading import local
from typing import Any
from urllib.parse import quote, urlsplit

import orjson
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from minkang.fhir.dates import DEFAULT_ZONE
from minkang.kit.folders import DataFolder
from minkang.kit.settings import Settings, to_environment
from minkang.kit.trouble import Trouble
from synth import bundles as city

SEED = 7
CONNECTIONS = 4
READY_WITHIN = 150.0
"""Seconds; a little more than the supervisor itself gives its workers."""

Bundle = dict[str, Any]


def run(settings: Settings, *, residents: int = 60, then_exit: bool = False) -> int:
    """Serves the demo until Ctrl+C, or with `then_exit` until the counts are checked.

    Returns 0 when everything that was sent in is there.
    """
    settings = replace(settings, data=settings.data.absolute())
    console = Console(soft_wrap=True, highlight=False)
    with _served(settings) as platform:
        door = Door(_address(platform, settings), settings.token)
        expected = _filled(door, residents, console)
        missing = _missing(door, expected)
        _tell(console, door.address, expected, missing)
        if not then_exit:
            return platform.wait()
    return 1 if missing else 0


class Door:
    """A client of the FHIR door; each thread has a connection of its own, kept open."""

    def __init__(self, address: str, token: str | None) -> None:
        self.address = address
        self._headers = {"content-type": "application/fhir+json"}
        if token is not None:
            self._headers["authorization"] = f"Bearer {token}"
        self._own = local()

    def count(self, type: str) -> int:
        return self._ask("GET", f"/fhir/{type}?_summary=count")["total"]

    def send(self, bundle: Bundle) -> None:
        """One transaction. Its identifier makes sending it again harmless."""
        identifier = bundle["identifier"]
        headers = {"x-source": identifier["system"], "x-message-id": identifier["value"], "prefer": "return=minimal"}
        self._ask("POST", "/fhir", orjson.dumps(bundle), headers)

    def _ask(self, method: str, path: str, body: bytes | None = None, headers: dict[str, str] | None = None) -> Any:
        connection: http.client.HTTPConnection | None = getattr(self._own, "connection", None)
        if connection is None:
            connection = self._own.connection = http.client.HTTPConnection(urlsplit(self.address).netloc, timeout=60)
        connection.request(method, path, body, self._headers | (headers or {}))
        response = connection.getresponse()
        answer = response.read()
        if response.status >= 300:
            raise Trouble(
                f"{method} {path} was answered with {response.status}: {answer[:500].decode(errors='replace')}"
            )
        return orjson.loads(answer)


@contextmanager
def _served(settings: Settings) -> Iterator[subprocess.Popen[bytes]]:
    """`minkang serve` in a process of its own, stopped in order however the block is left."""
    command = [sys.executable, "-m", "minkang.app.cli", "serve"]
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # a plain kill must not leave the platform behind
    platform = subprocess.Popen(command, env={**os.environ, **to_environment(settings)})
    try:
        yield platform
    except KeyboardInterrupt:
        pass  # Ctrl+C reached the platform as well; it is stopping
    finally:
        platform.terminate()
        platform.wait()


def _address(platform: subprocess.Popen[bytes], settings: Settings) -> str:
    """Where the platform answers, once it does. Raises Trouble when it ends instead; it has then said why itself."""
    note = DataFolder(settings.data).run / "platform.json"
    deadline = time.monotonic() + READY_WITHIN
    while time.monotonic() < deadline:
        if platform.poll() is not None:
            raise Trouble("The platform did not start; the reason stands above.")
        if note.exists() and (noted := orjson.loads(note.read_bytes() or b"{}")).get("pid") == platform.pid:
            return noted["address"]
        time.sleep(0.05)
    raise Trouble(f"The platform was not ready within {READY_WITHIN:.0f} seconds.")


def _filled(door: Door, residents: int, console: Console) -> Counter[str]:
    """Sends the city in unless it is there. Returns how many resources of each type were made."""
    registers = city.registers()
    visits = list(city.bundles(residents, SEED, today=datetime.now(DEFAULT_ZONE).date()))
    made = Counter(entry["resource"]["resourceType"] for bundle in [registers, *visits] for entry in bundle["entry"])
    if door.count("Patient") >= residents:
        console.print(f"The {residents} invented residents are there from an earlier start.")
        return made
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console) as progress, ThreadPoolExecutor(CONNECTIONS) as pool:
        task = progress.add_task(f"{residents} invented residents, resources sent", total=made.total())

        def send(bundle: Bundle) -> None:
            door.send(bundle)
            progress.advance(task, len(bundle["entry"]))

        send(registers)
        list(pool.map(send, visits))
    return made


def _missing(door: Door, expected: Counter[str]) -> Counter[str]:
    """Resources that were sent in and are not there. What somebody added since does not count against it."""
    return expected - Counter({type: door.count(type) for type in expected})


def _tell(console: Console, address: str, expected: Counter[str], missing: Counter[str]) -> None:
    if missing:
        console.print(f"[bold red]Not everything that was sent in is there:[/] {dict(missing)} missing.")
        return
    name = quote("张丽")
    console.print(
        f"\n[bold green]{expected.total():,} resources sent in, {expected.total():,} found again.[/] Open:\n\n"
        f"  {address}/                                 the front page: search for zhangli, zl or 张丽\n"
        f"  {address}/fhir/Patient?name={name}  the same search for programs\n"
        f"  {address}/fhir/Patient/r{SEED}-0/$everything    one person's whole record\n"
    )
