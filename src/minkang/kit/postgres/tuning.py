"""Settings of the embedded PostgreSQL, fitted to the machine. Written anew at each start, since machines change."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from minkang.kit import machine

MB = 1024 * 1024
GB = 1024 * MB


@dataclass(frozen=True, slots=True)
class Machine:
    """`memory` and `disk` in bytes; `disk` is what is free where the cluster lies; `shared` what /dev/shm holds."""

    memory: int
    cores: int
    disk: int
    shared: int

    @classmethod
    def here(cls, folder: Path) -> Machine:
        shm = Path("/dev/shm")  # noqa: S108 - only measured
        shared = machine.disk_free(shm) if shm.is_dir() else 0
        return cls(machine.memory(), machine.cores(), machine.disk_free(folder), shared)


def tuned(here: Machine, connections: int) -> dict[str, str]:
    """PostgreSQL's settings by name. https://www.postgresql.org/docs/18/runtime-config.html"""
    buffers = _between(here.memory // 4, 32 * MB, 4 * GB)
    # One sort or hash may take this; each connection can run a few, so a sixteenth of memory is shared among all.
    work = _between(here.memory // 16 // max(connections, 1), 4 * MB, 64 * MB)
    wal = _between(here.disk // 8, 256 * MB, 8 * GB)
    return {
        "max_connections": str(connections),
        "shared_buffers": _mb(buffers),
        "effective_cache_size": _mb(here.memory * 3 // 4),
        "work_mem": _mb(work),
        "maintenance_work_mem": _mb(_between(here.memory // 16, 32 * MB, 1 * GB)),
        "autovacuum_work_mem": _mb(_between(here.memory // 32, 16 * MB, 256 * MB)),
        # Fewer checkpoints mean fewer whole pages in the log; recovery after a crash stays in the minutes.
        "checkpoint_timeout": "15min",
        "checkpoint_completion_target": "0.9",
        "max_wal_size": _mb(wal),
        "min_wal_size": _mb(max(wal // 8, 80 * MB)),
        "wal_compression": "pglz",  # the wheels are built without LZ4 and zstd
        "wal_buffers": "16MB",
        "random_page_cost": "1.1",  # solid-state disks
        "effective_io_concurrency": "32",
        "io_method": "worker",
        "io_workers": str(_between(here.cores // 2, 2, 8)),
        # Point queries gain nothing from parallel plans or compiled expressions and lose milliseconds to their start.
        "max_parallel_workers_per_gather": str(min(2, here.cores // 2)),
        "jit": "off",
        "dynamic_shared_memory_type": "posix" if here.shared >= 128 * MB else "mmap",
        # A promise, not a tuning: what was acknowledged is on disk.
        "synchronous_commit": "on",
        "fsync": "on",
        "full_page_writes": "on",
        "autovacuum_vacuum_scale_factor": "0.05",
        "autovacuum_analyze_scale_factor": "0.02",
        "autovacuum_vacuum_insert_scale_factor": "0.1",
        "track_io_timing": "on",
        "idle_in_transaction_session_timeout": "10min",
        # On a standby a question may hold up the log this long; by the default of 30 s, counted from the arrival of a
        # piece of log and not from the question, one asked late is cancelled at once.
        "max_standby_archive_delay": "5min",
    }


def private(socket_folder: Path) -> dict[str, str]:
    """Settings that keep it to ourselves: no network, a socket for one account, a log without anybody's data.

    A terse log leaves out DETAIL, which quotes the values of a violated key; statements and parameters are out too.
    """
    return {
        "listen_addresses": "",
        "unix_socket_directories": str(socket_folder),
        "unix_socket_permissions": "0700",
        "port": "5432",
        "log_destination": "stderr",
        "logging_collector": "off",
        "log_line_prefix": "%m [%p] ",
        "log_error_verbosity": "terse",
        "log_min_error_statement": "panic",
        "log_parameter_max_length": "0",
        "log_parameter_max_length_on_error": "0",
        "log_timezone": "UTC",
        "timezone": "UTC",
        "datestyle": "ISO, YMD",
    }


def written(settings: dict[str, str]) -> str:
    """The text of a configuration file."""
    lines = [f"{name} = '{value.replace(chr(39), chr(39) * 2)}'" for name, value in settings.items()]
    return "\n".join(["# Written at each start. Put your own settings into local.conf beside this file.", *lines, ""])


def _between(value: int, low: int, high: int) -> int:
    return max(low, min(value, high))


def _mb(size: int) -> str:
    return f"{max(1, size // MB)}MB"
