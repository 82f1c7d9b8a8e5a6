"""The worker processes: started, started again when one ends, and stopped together."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import structlog

from minkang.app.listener import DRAIN, LISTEN_FD
from minkang.kit import metrics, processes
from minkang.kit.settings import Settings, to_environment, variable_of
from minkang.kit.trouble import Trouble

log = structlog.get_logger(__name__)

LONGEST_PAUSE = 10.0
"""Seconds between two tries to start a worker that keeps failing."""


class Workers:
    """`settings.workers` processes that share one listening socket."""

    def __init__(self, app: str, settings: Settings, listener: socket.socket, counted: Path) -> None:
        self._app = app
        self._count = settings.workers
        self._listener = listener
        self._counted = counted
        # The URL may hold a password, and comes another way (see worker.py).
        inherited = {name: value for name, value in os.environ.items() if name != variable_of("database_url")}
        self._environment = {
            **inherited,
            **to_environment(replace(settings, database_url=None)),
            LISTEN_FD: str(listener.fileno()),
            metrics.FOLDER: str(counted),
        }
        self._processes: set[subprocess.Popen[bytes]] = set()
        self._url: str | None = None
        self._stopping = False
        self.served = False
        """Set once one of them has answered; from then on a failing one is tried again for ever."""

    @asynccontextmanager
    async def running(self) -> AsyncGenerator[asyncio.Task[None]]:
        """Runs them while the block does. The task ends only with Trouble: no worker gets as far as serving."""
        first = [self._start() for _ in range(self._count)]
        kept = asyncio.create_task(self._keep_all(first))
        try:
            yield kept
        finally:
            self._stopping = True
            await self._stop()
            kept.cancel()
            await asyncio.gather(kept, return_exceptions=True)

    def go(self, url: str) -> None:
        """The database is ready: they may begin to serve. Until then they load their modules and wait."""
        self._url = url
        for process in self._processes:
            self._tell(process)

    def _tell(self, process: subprocess.Popen[bytes]) -> None:
        if self._url is not None and process.stdin is not None:
            with contextlib.suppress(BrokenPipeError):  # it ended already, which is noticed elsewhere
                process.stdin.write(f"{self._url}\n".encode())
                process.stdin.flush()

    async def _keep_all(self, first: list[subprocess.Popen[bytes]]) -> None:
        await asyncio.gather(*(self._keep(process) for process in first))

    async def _keep(self, process: subprocess.Popen[bytes]) -> None:
        failures = 0
        while True:
            began = time.monotonic()
            await processes.end_of(process.pid)
            code = process.wait()
            self._processes.discard(process)
            metrics.forget_process(process.pid, self._counted)
            if self._stopping:
                return
            failures = failures + 1 if time.monotonic() - began < 10 else 0
            log.error("worker ended and is started again", pid=process.pid, code=code)
            if code > 0 and not self.served:  # not killed: it gave up by itself, and the next one would too
                raise Trouble("The workers cannot start; the reason stands in the log above.")
            await asyncio.sleep(min(0.1 * 2**failures - 0.1, LONGEST_PAUSE))
            if self._stopping:
                return
            process = self._start()

    def _start(self) -> subprocess.Popen[bytes]:
        process = subprocess.Popen(
            [sys.executable, "-m", "minkang.app.worker", self._app],
            env=self._environment,
            # The other end of this pipe closes when we are gone, however we went.
            stdin=subprocess.PIPE,
            pass_fds=[self._listener.fileno()],
            # Ctrl+C in the terminal is for the supervisor, which lets them finish their requests.
            start_new_session=True,
        )
        self._processes.add(process)
        self._tell(process)
        return process

    async def _stop(self) -> None:
        """Lets them finish what they answer; after the drain's time they are killed."""
        self._listener.close()  # what comes now is refused at once instead of waiting in a queue nobody empties
        for process in self._processes:
            process.send_signal(signal.SIGTERM)
        deadline = time.monotonic() + DRAIN + 2
        while any(process.poll() is None for process in self._processes):
            if time.monotonic() > deadline:
                log.warning("workers did not finish in time and are killed")
                for process in self._processes:
                    process.kill()
                deadline = float("inf")
            await asyncio.sleep(0.02)
        for process in self._processes:
            if process.stdin is not None:
                process.stdin.close()
