"""Metrics for Prometheus, added up over all worker processes through files in one folder.

The supervisor names the folder in PROMETHEUS_MULTIPROC_DIR before a worker imports prometheus_client, which decides at
import how it keeps its values. https://prometheus.github.io/client_python/multiprocess/
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

FOLDER = "PROMETHEUS_MULTIPROC_DIR"


def empty_folder(folder: Path) -> Path:
    """The folder for this run, without what a former run left: its processes are gone and its counters with them."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(mode=0o700, parents=True)
    return folder


def forget_process(pid: int, folder: Path) -> None:
    """Drops the gauges of a process that ended; its counters stay, since what it counted happened."""
    for path in folder.glob(f"gauge_live*_{pid}.db"):
        path.unlink(missing_ok=True)


def exposition() -> tuple[bytes, str]:
    """The text of all metrics and its media type."""
    # Imported here: the supervisor counts nothing, and it must not wait for the import at its start.
    from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, CollectorRegistry, generate_latest, multiprocess

    if FOLDER not in os.environ:
        return generate_latest(REGISTRY), CONTENT_TYPE_LATEST
    registry = CollectorRegistry()
    multiprocess.MultiProcessCollector(registry)
    return generate_latest(registry), CONTENT_TYPE_LATEST
