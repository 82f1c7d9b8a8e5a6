"""kill -9 during writes, of whatever can be killed: what was acknowledged is there afterwards, byte for byte, and what
was not is there as a whole or not at all."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator

import pytest

from minkang.kit import processes
from tests.kill.writing import Writers, check
from tests.lib.serving import Platform, children, command_of, platform, until

pytestmark = pytest.mark.kill

BEFORE, AFTER = 150, 150
"""Acknowledged writes before the kill, and again after it: the kill comes in the middle of many."""


@pytest.fixture
def running() -> Iterator[Platform]:
    with platform() as made:
        made.start()
        yield made


def one_worker(made: Platform) -> None:
    os.kill(made.workers[0], signal.SIGKILL)


def all_workers(made: Platform) -> None:
    for pid in made.workers:
        os.kill(pid, signal.SIGKILL)


def the_postmaster(made: Platform) -> None:
    os.kill(made.postmaster, signal.SIGKILL)


def a_backend_that_writes(made: Platform) -> None:
    """A crash of one makes PostgreSQL end all others and recover from its log."""
    until(lambda: _backends(made), "PostgreSQL has a backend")
    os.kill(_backends(made)[0], signal.SIGKILL)


def all_of_postgresql(made: Platform) -> None:
    postmaster = made.postmaster
    for pid in [postmaster, *children(postmaster)]:
        os.kill(pid, signal.SIGKILL)


@pytest.mark.parametrize(
    "kill",
    [one_worker, all_workers, the_postmaster, a_backend_that_writes, all_of_postgresql],
    ids=lambda f: f.__name__,
)
def test_a_kill_during_writes_loses_nothing_acknowledged(running: Platform, kill: Callable[[Platform], None]):
    until(lambda: len(running.workers) == 2, "two workers run")
    with Writers(running.address) as writers:
        writers.acknowledge(BEFORE)
        kill(running)
        writers.acknowledge(AFTER)
    check(running, writers)


@pytest.mark.parametrize("everything", [False, True], ids=["the supervisor alone", "all processes at once"])
def test_a_start_after_a_kill_of_the_supervisor_finds_everything_acknowledged(running: Platform, everything: bool):
    with Writers(running.address) as writers:
        writers.acknowledge(BEFORE)
        family = running.family if everything else [running.process.pid]
        for pid in family:  # the supervisor first, so that it puts nothing in order
            os.kill(pid, signal.SIGKILL)
        running.process.wait()
        writers.stop()
    running.start()
    with Writers(running.address, number=1) as more:
        more.acknowledge(AFTER)
    check(running, writers, more)


def test_a_stop_during_writes_loses_nothing_acknowledged(running: Platform):
    with Writers(running.address) as writers:
        writers.acknowledge(BEFORE)
        stopping = threading.Thread(target=running.stop)
        stopping.start()
        stopping.join()
        writers.stop()
    running.start()
    check(running, writers)


def test_a_supervisor_that_was_killed_takes_its_workers_with_it(running: Platform):
    until(lambda: len(running.workers) == 2, "two workers run")
    workers = running.workers
    running.kill()
    until(lambda: not any(processes.alive(pid) for pid in workers), "its workers are gone")


def _backends(made: Platform) -> list[int]:
    return [pid for pid in children(made.postmaster) if b"minkang minkang" in command_of(pid)]
