"""`minkang serve`: starts PostgreSQL, brings its schema up to date, and keeps workers running until told to stop.

Read `serve` from the top: it is the order of things. Whatever was started is stopped in the opposite order, however the
block is left; what a kill -9 leaves behind, the next start adopts or clears away.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import replace
from typing import cast

import structlog
from rich.console import Console

from minkang.app import jobs_process, prepare, status
from minkang.app.listener import address_of, answers, listening
from minkang.app.workers import Workers
from minkang.kit import metrics, processes
from minkang.kit.folders import DataFolder, held
from minkang.kit.postgres import place
from minkang.kit.postgres.cluster import Cluster, Options
from minkang.kit.settings import Settings
from minkang.kit.trouble import Trouble

APP = "minkang.app.asgi:create"
READY_WITHIN = 120.0
"""Seconds from the first worker's start until it must answer; a cold disk reads our modules slowly."""

log = structlog.get_logger(__name__)


def run(settings: Settings, app: str = APP) -> None:
    """Serves until SIGTERM or SIGINT. Raises Trouble for what a person must change."""

    async def main() -> None:
        task = cast("asyncio.Task[None]", asyncio.current_task())  # asyncio.run made it
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, _cancel_once(task))
        await serve(settings, app)

    with contextlib.suppress(asyncio.CancelledError):
        asyncio.run(main())


async def serve(settings: Settings, app: str = APP) -> None:
    settings = replace(settings, data=settings.data.absolute())
    folder = DataFolder(settings.data)
    folder.make()
    with claimed(folder), listening(settings.host, settings.port) as listener, database(settings, folder) as base:
        counted = metrics.empty_folder(folder.run / "metrics")
        workers = Workers(app, settings, listener, counted)
        async with workers.running() as kept:  # they load their modules while PostgreSQL comes up
            url = await base.start()
            await prepare.prepared(url, folder)
            workers.go(url)
            await _ready(listener, kept)
            workers.served = True
            here = replace(settings, base_url=settings.base_url or f"{address_of(listener)}/fhir")
            async with jobs_process.running(here, url, counted):
                _greet(settings, listener)
                status.note(folder, os.getpid(), address_of(listener))
                await _first_end(kept, base.kept)


@contextmanager
def claimed(folder: DataFolder) -> Generator[None]:
    """Holds the data folder, and the cluster's own place where that is elsewhere, for this process alone."""
    with contextlib.ExitStack() as stack:
        taken = "is in use by another Minkang (process {pid}). Stop that one, or choose another folder with --data."
        stack.enter_context(held(folder.lock, f"The data folder {folder.root} {taken}"))
        home = place.existing(folder)
        if home is not None and home.parent != folder.root.resolve():
            stack.enter_context(held(home.parent / "lock", f"The database in {home} {taken}"))
        try:
            yield
        finally:
            folder.clear_run()


class Database:
    """The server that was named, or the embedded one, which is then kept running."""

    def __init__(self, url: str | None, cluster: Cluster) -> None:
        self._url = url
        self._cluster = cluster
        self.kept: asyncio.Task[None] | None = None
        """Ends only when the embedded one cannot be kept running."""

    async def start(self) -> str:
        """Its URL, once it answers."""
        if self._url is not None:
            return self._url
        for pause in self._cluster.starting():
            await asyncio.sleep(pause)
        self.kept = asyncio.create_task(_keep(self._cluster))
        return self._cluster.url

    def stop(self) -> None:
        if self.kept is not None:
            self.kept.cancel()
        if self._url is None:
            self._cluster.stop()


@contextmanager
def database(settings: Settings, folder: DataFolder) -> Generator[Database]:
    """The database, not started yet; stopped when the block is left."""
    made = Database(settings.database_url, Cluster(folder, cluster_options(settings)))
    try:
        yield made
    finally:
        made.stop()


def cluster_options(settings: Settings) -> Options:
    return Options(
        bin=settings.postgres_bin,
        user=settings.postgres_user,
        state=settings.state,
        # Besides the workers' there are migrations, backups, psql, jobs and whoever follows the feed.
        connections=settings.workers * settings.connections + 28,
    )


async def _keep(cluster: Cluster) -> None:
    """Starts PostgreSQL again whenever it ends. Raises Trouble when it does not start."""
    soon = 0
    while (found := cluster.running()) is not None:
        began = time.monotonic()
        await processes.end_of(found.pid)
        soon = soon + 1 if time.monotonic() - began < 10 else 0
        log.error("postgresql ended and is started again", pid=found.pid)
        await asyncio.sleep(min(2**soon - 1, 30))
        for pause in cluster.starting():
            await asyncio.sleep(pause)
        log.info("postgresql answers again")


async def _ready(listener: socket.socket, kept: asyncio.Task[None]) -> None:
    """Waits until /readyz answers. Raises Trouble when the workers end instead."""
    deadline = time.monotonic() + READY_WITHIN
    while not await answers(listener, "/readyz"):
        if kept.done():
            await kept
        if time.monotonic() > deadline:
            raise Trouble(f"No worker was ready within {READY_WITHIN:.0f} seconds; the reason stands in the log above.")
        await asyncio.sleep(0.03)


async def _first_end(*tasks: asyncio.Task[None] | None) -> None:
    """Waits for whichever of the keepers gives up first and raises what it says."""
    done, _ = await asyncio.wait([task for task in tasks if task is not None], return_when=asyncio.FIRST_COMPLETED)
    for task in done:
        task.result()


def _greet(settings: Settings, listener: socket.socket) -> None:
    address = address_of(listener)
    embedded = settings.database_url is None
    database = f"embedded PostgreSQL in {settings.data / 'postgres'}" if embedded else "PostgreSQL server of your own"
    lines = [
        f"[bold green]Minkang 民康[/] is running, with {settings.workers} workers.",
        "",
        f"  Front page   {address}/",
        f"  FHIR R4      {address}/fhir",
        f"  What it does {address}/fhir/metadata",
        f"  Metrics      {address}/metrics",
        "",
        f"  Data         {settings.data}  ({database})",
        f"  Access       {'bearer token' if settings.token else 'this machine only, no token'}",
        "",
        "Stop with Ctrl+C.",
    ]
    Console(soft_wrap=True, highlight=False).print("\n".join(lines))


def _cancel_once(task: asyncio.Task[None]) -> Callable[[], None]:
    """A second Ctrl+C must not break into the orderly stop that the first one began."""
    asked = False

    def cancel() -> None:
        nonlocal asked
        if not asked:
            asked = True
            log.info("stopping", pid=os.getpid())
            task.cancel()

    return cancel
