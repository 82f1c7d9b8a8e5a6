"""What this machine gives us: memory, cores and disk, as limited by control groups (a container is a small machine)."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

CGROUP = Path("/sys/fs/cgroup")


def cores() -> int:
    """Cores this process may use: the smaller of its affinity and its control group's quota, at least 1."""
    try:
        usable = len(os.sched_getaffinity(0))
    except AttributeError:  # no such call on macOS
        usable = os.cpu_count() or 1
    quota = _quota()
    return max(1, min(usable, quota) if quota else usable)


def memory() -> int:
    """Bytes of memory: the smaller of the machine's and its control group's limit."""
    physical = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    limits = [_number(folder / name) for folder in _groups() for name in ("memory.max", "memory.limit_in_bytes")]
    return min([physical, *(limit for limit in limits if limit)])


def disk_free(folder: Path) -> int:
    """Bytes free for us on the disk that holds the folder."""
    return shutil.disk_usage(folder).free


def _quota() -> int | None:
    for folder in _groups():
        text = _text(folder / "cpu.max").split()  # version 2: "quota period"
        quota, period = (text[0], text[1]) if len(text) == 2 else (None, None)
        if quota is None:  # version 1
            quota, period = _text(folder / "cpu.cfs_quota_us"), _text(folder / "cpu.cfs_period_us")
        if quota and period and quota.isdigit() and period.isdigit() and int(period) > 0:
            return max(1, -(-int(quota) // int(period)))  # half a core is still one worker
    return None


def _groups() -> list[Path]:
    """Folders that may hold our limits: our own group's (version 2 and 1), then the root as a container sees it."""
    folders: list[Path] = []
    for line in _text(Path("/proc/self/cgroup")).splitlines():
        _, controllers, path = [*line.split(":", 2), "", ""][:3]
        for name in controllers.split(",") if controllers else [""]:
            folders.append(CGROUP / name / path.lstrip("/"))
    return [*folders, CGROUP, CGROUP / "memory", CGROUP / "cpu"]


def _number(path: Path) -> int | None:
    text = _text(path)
    return int(text) if text.isdigit() else None


def _text(path: Path) -> str:
    try:
        return path.read_text().strip()
    except OSError:
        return ""
