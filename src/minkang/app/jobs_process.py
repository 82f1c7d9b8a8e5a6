"""Keeps the process for jobs and followers (`jobs_worker.py`) running beside the workers."""

from __future__ import annotations

import asyncio
import contextlib
import os
import subprocess
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import structlog

from minkang.kit import metrics, processes
from minkang.kit.settings import Settings, to_environment, variable_of

STOP_WITHIN = 5.0
"""Seconds it gets to break off; its jobs lose nothing."""

LONGEST_PAUSE = 30.0

log = structlog.get_logger(__name__)


@asynccontextmanager
async def running(settings: Settings, url: str, counted: Path) -> AsyncGenerator[None]:
    """Runs it while the block does, and again whenever it ends; without it the platform serves all the same.

    `settings.base_url` must be known: notifications name it. `counted`: folder of the metrics.
    """
    kept = asyncio.create_task(_keep(settings, url, counted))
    try:
        yield
    finally:
        kept.cancel()
        await asyncio.gather(kept, return_exceptions=True)


async def _keep(settings: Settings, url: str, counted: Path) -> None:
    pause = 0.5
    while True:
        process = _start(settings, url, counted)
        began = asyncio.get_running_loop().time()
        try:
            await processes.end_of(process.pid)
        finally:
            await _stop(process)
            metrics.forget_process(process.pid, counted)
        log.error("the process for jobs ended and is started again", pid=process.pid, code=process.returncode)
        lasted = asyncio.get_running_loop().time() - began
        pause = 0.5 if lasted > LONGEST_PAUSE else min(2 * pause, LONGEST_PAUSE)
        await asyncio.sleep(pause)


def _start(settings: Settings, url: str, counted: Path) -> subprocess.Popen[bytes]:
    # The URL may hold a password: it goes through the pipe, as to the workers.
    inherited = {name: value for name, value in os.environ.items() if name != variable_of("database_url")}
    process = subprocess.Popen(
        [sys.executable, "-m", "minkang.app.jobs_worker"],
        env={**inherited, **to_environment(replace(settings, database_url=None)), metrics.FOLDER: str(counted)},
        stdin=subprocess.PIPE,
        start_new_session=True,
    )
    with contextlib.suppress(BrokenPipeError):
        assert process.stdin is not None  # noqa: S101 - it is a pipe
        process.stdin.write(f"{url}\n".encode())
        process.stdin.flush()
    return process


async def _stop(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        process.terminate()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(STOP_WITHIN):
                await processes.end_of(process.pid)
    if process.poll() is None:
        process.kill()
        process.wait()
    if process.stdin is not None:
        with contextlib.suppress(BrokenPipeError):
            process.stdin.close()
