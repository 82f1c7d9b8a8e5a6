"""What a running platform takes of the machine: processor time of its parts, memory of its workers."""

from __future__ import annotations

import os
import platform as system
from pathlib import Path
from typing import NamedTuple

from tests.lib.serving import Platform, children

TICKS = os.sysconf("SC_CLK_TCK")


class Used(NamedTuple):
    """Seconds of processor time so far."""

    workers: float
    postgres: float


def used(running: Platform) -> Used:
    backends = [running.postmaster, *children(running.postmaster)]
    return Used(sum(map(seconds_of, running.workers)), sum(map(seconds_of, backends)))


def seconds_of(pid: int) -> float:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / TICKS


def memory_of(pid: int) -> float:
    """Resident memory in MB, pages shared with others counted whole."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.partition("VmRSS:")[2].split()[0]) / 1024


def described() -> str:
    """The machine in a line."""
    model = "unknown processor"
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            model = line.partition(":")[2].strip()
    memory = int(Path("/proc/meminfo").read_text().split()[1]) / 1024**2
    return f"{os.cpu_count()} cores ({model}), {memory:.0f} GiB, Python {system.python_version()}, {system.release()}"
