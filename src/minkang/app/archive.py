"""The form of a backup: one tar file whose last member says what the others must be.

database.dump   pg_dump's custom format
store.key       the key file; without it the dump is noise
manifest.json   versions, time, rows of each table, size and SHA-256 of the members
"""

from __future__ import annotations

import hashlib
import io
import os
import tarfile
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import IO, Any

import orjson

from minkang.kit.trouble import Trouble

DUMP, KEY, MANIFEST = "database.dump", "store.key", "manifest.json"
FORMAT = 1
CHUNK = 1 << 20


@dataclass(frozen=True, slots=True)
class Member:
    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """`schema` is the number of the last migration; `rows` counts each table in the dump's own snapshot."""

    minkang: str
    postgresql: str
    schema: int
    taken: str
    keys: str
    rows: dict[str, int]
    members: dict[str, Member] = field(default_factory=dict[str, Member])
    format: int = FORMAT


class Writer:
    """Writes members as they come, so that a dump never lies on the disk twice."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self.members: dict[str, Member] = {}

    def add(self, name: str, source: IO[bytes], wrote: Callable[[int], object] = lambda _: None) -> None:
        """One member of unknown length: its header is written once more when the length is known."""
        at = self._file.tell()
        self._file.write(_header(name, 0))
        digest, size = hashlib.sha256(), 0
        while chunk := source.read(CHUNK):
            self._file.write(chunk)
            digest.update(chunk)
            size += len(chunk)
            wrote(size)
        self._file.write(b"\0" * (-size % tarfile.BLOCKSIZE))
        end = self._file.tell()
        self._file.seek(at)
        self._file.write(_header(name, size))
        self._file.seek(end)
        self.members[name] = Member(size, digest.hexdigest())

    def finish(self, manifest: Manifest) -> None:
        self.add(MANIFEST, io.BytesIO(orjson.dumps(asdict(manifest), option=orjson.OPT_INDENT_2)))
        self._file.write(b"\0" * (2 * tarfile.BLOCKSIZE))


@contextmanager
def written(path: Path) -> Generator[Writer]:
    """A new archive that appears under its name only when it is whole and on the disk. Readable by its owner alone."""
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        handle = os.open(partial, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise Trouble(f"The backup {path} cannot be written: {error.strerror}.") from error
    try:
        with os.fdopen(handle, "w+b") as file:
            yield Writer(file)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


class Reader:
    """An archive that has been checked: every member has the size and the sum its manifest names."""

    def __init__(self, tar: tarfile.TarFile, manifest: Manifest) -> None:
        self._tar = tar
        self.manifest = manifest

    def open(self, name: str) -> IO[bytes]:
        return _member(self._tar, name)


@contextmanager
def checked(path: Path, read: Callable[[int], object] = lambda _: None) -> Generator[Reader]:
    """Raises Trouble when the file is no backup, is cut short, or was changed. `read` is told the bytes checked."""
    try:
        with tarfile.open(path, "r:") as tar:
            manifest = _manifest(tar)
            for name, member in manifest.members.items():
                if _sum(_member(tar, name), read) != member:
                    raise Trouble(f"The backup {path} is damaged: {name} is not what was written.")
            yield Reader(tar, manifest)
    except (tarfile.TarError, KeyError, ValueError, TypeError) as error:
        raise Trouble(f"{path} is not a whole backup of Minkang.") from error
    except OSError as error:
        raise Trouble(f"The backup {path} cannot be read: {error.strerror or error}.") from error


def _manifest(tar: tarfile.TarFile) -> Manifest:
    fields: dict[str, Any] = orjson.loads(_member(tar, MANIFEST).read())
    if fields["format"] != FORMAT:
        raise Trouble("The backup was written by a newer version of Minkang; restore it with that one.")
    fields["members"] = {name: Member(**member) for name, member in fields["members"].items()}
    manifest = Manifest(**fields)
    if not {DUMP, KEY} <= manifest.members.keys():
        raise KeyError(DUMP)
    return manifest


def _member(tar: tarfile.TarFile, name: str) -> IO[bytes]:
    opened = tar.extractfile(name)
    if opened is None:
        raise KeyError(name)
    return opened


def _sum(file: IO[bytes], read: Callable[[int], object]) -> Member:
    digest, size = hashlib.sha256(), 0
    while chunk := file.read(CHUNK):
        digest.update(chunk)
        size += len(chunk)
        read(size)
    return Member(size, digest.hexdigest())


def _header(name: str, size: int) -> bytes:
    info = tarfile.TarInfo(name)
    info.size, info.mode = size, 0o600
    return info.tobuf(tarfile.GNU_FORMAT)  # always one block, whatever the size: it is written twice
