"""Folders: the layout of a data folder, and the lock that lets one platform run in it."""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from minkang.kit.trouble import Trouble


@dataclass(frozen=True, slots=True)
class DataFolder:
    """What lies where in a data folder.

    `postgres`: the database cluster, or a symbolic link to it. `keys`: the key files, readable by the owner alone.
    `logs`: PostgreSQL's own log. `run`: what only lives as long as the process. `bulk`: sealed files of exports that
    wait to be fetched.
    """

    root: Path

    @property
    def postgres(self) -> Path:
        return self.root / "postgres"

    @property
    def keys(self) -> Path:
        return self.root / "keys"

    @property
    def logs(self) -> Path:
        return self.root / "logs"

    @property
    def run(self) -> Path:
        return self.root / "run"

    @property
    def bulk(self) -> Path:
        return self.root / "bulk"

    @property
    def lock(self) -> Path:
        return self.root / "lock"

    def make(self) -> None:
        """Makes what is missing. Folders that are there already keep their permissions."""
        try:
            # Others may pass through to the cluster, which has its own owner when we are root, but not look around.
            make_folder(self.root, 0o711)
            for folder, mode in ((self.keys, 0o700), (self.logs, 0o700), (self.run, 0o700), (self.bulk, 0o700)):
                make_folder(folder, mode)
        except OSError as error:
            raise Trouble(
                f"The data folder {self.root} cannot be made: {error.strerror}. Choose another with --data."
            ) from error

    def clear_run(self) -> None:
        """Removes what only the process that ends now, and did not crash, needed."""
        for path in self.run.iterdir():
            shutil.rmtree(path) if path.is_dir() else path.unlink()

    @property
    def is_empty(self) -> bool:
        return not self.root.exists() or not any(self.root.iterdir())


def make_folder(folder: Path, mode: int) -> None:
    """Makes the folder with exactly these permissions; leaves an existing one, and all parents, as they are."""
    if folder.is_dir():
        return
    folder.parent.mkdir(parents=True, exist_ok=True)
    folder.mkdir(mode=mode, exist_ok=True)
    folder.chmod(mode)  # whatever the umask was


@contextmanager
def held(lock: Path, taken: str) -> Generator[None]:
    """Holds the lock file while the block runs. The kernel lets go of it when the process dies, however it dies.

    `taken` is the message for the person when another process holds it; {pid} in it becomes that process's number.
    """
    handle = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            holder = os.pread(handle, 32, 0).decode("ascii", "replace").strip() or "unknown"
            raise Trouble(taken.format(pid=holder)) from error
        os.ftruncate(handle, 0)
        os.pwrite(handle, f"{os.getpid()}\n".encode(), 0)
        yield
    finally:
        os.close(handle)


def created(path: Path) -> BinaryIO:
    """A file to write that nobody but its owner may read. Raises OSError."""
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb")
