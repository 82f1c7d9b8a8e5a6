"""Files that an export writes: appended to, made durable at checkpoints, cut back to the last one after a crash.

What lies on the platform's own disk until somebody fetches it is sealed, frame by frame (nothing readable on the disk;
docs/decisions). A frame is two lengths (big-endian, 4 bytes each: sealed, readable) and the sealed bytes; a frame's
name holds the file's and its number, so that none can be put into another place. What an operator exports into a
folder of their own is plain.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Protocol

from minkang.fhir.problem import Fault
from minkang.store.seal import Sealer

FRAME = 256 * 1024
"""Readable bytes of a frame: what a reader in the middle of a file opens too much at most."""

_HEAD = struct.Struct(">II")
_BUFFER = 1024 * 1024


class Appending(Protocol):
    """A file being written. `kept`: bytes on the disk after `sync`; `size`: readable bytes written."""

    kept: int
    size: int

    def write(self, text: bytes) -> None: ...

    def sync(self) -> None:
        """Everything written so far survives a crash."""
        ...

    def close(self) -> None: ...


class PlainFile:
    """Only its owner can read it."""

    def __init__(self, path: Path, kept: int = 0, size: int = 0):
        self._file = _opened(path, kept)
        self.kept, self.size = kept, size

    def write(self, text: bytes) -> None:
        self._file.write(text)
        self.size += len(text)

    def sync(self) -> None:
        self._file.flush()
        os.fsync(self._file.fileno())
        self.kept = self.size

    def close(self) -> None:
        self._file.close()


class SealedFile:
    """Frames of sealed text."""

    def __init__(self, path: Path, sealer: Sealer, name: str, kept: int = 0, size: int = 0):
        self._file = _opened(path, kept)
        self._sealer = sealer
        self._name = name
        self._frames = _count(path, kept)
        self._parts: list[bytes] = []
        self._waiting = 0
        self._written = kept
        self.kept, self.size = kept, size

    def write(self, text: bytes) -> None:
        self._parts.append(text)
        self._waiting += len(text)
        self.size += len(text)
        if self._waiting >= FRAME:
            self._put()

    def _put(self) -> None:
        text = b"".join(self._parts)
        for start in range(0, len(text), FRAME):
            piece = text[start : start + FRAME]
            sealed = self._sealer.seal(piece, frame_name(self._name, self._frames))
            self._file.write(_HEAD.pack(len(sealed), len(piece)))
            self._file.write(sealed)
            self._written += _HEAD.size + len(sealed)
            self._frames += 1
        self._parts.clear()
        self._waiting = 0

    def sync(self) -> None:
        if self._parts:
            self._put()
        self._file.flush()
        os.fsync(self._file.fileno())
        self.kept = self._written

    def close(self) -> None:
        self._file.close()


def frame_name(file: str, number: int) -> bytes:
    """What a frame is bound to."""
    return f"bulk:{file}#{number}".encode()


def read(path: Path, sealer: Sealer, name: str, first: int, last: int) -> Iterator[bytes]:
    """Readable bytes `first` to `last` (inclusive), a frame at a time. Raises OSError, Fault."""
    with path.open("rb") as file:
        place = number = 0
        while place <= last:
            sealed, plain = _head(file.read(_HEAD.size))
            if place + plain <= first:
                file.seek(sealed, os.SEEK_CUR)
            else:
                text = sealer.open(file.read(sealed), frame_name(name, number))
                yield text[max(first - place, 0) : last - place + 1]
            place += plain
            number += 1


def _head(raw: bytes) -> tuple[int, int]:
    if len(raw) != _HEAD.size:
        raise Fault("A file of an export is shorter than was noted.")
    sealed, plain = _HEAD.unpack(raw)
    return sealed, plain


def _count(path: Path, kept: int) -> int:
    """Frames in the first `kept` bytes."""
    frames = place = 0
    with path.open("rb") as file:
        while place < kept:
            sealed, _ = _head(file.read(_HEAD.size))
            place = file.seek(sealed, os.SEEK_CUR)
            frames += 1
    return frames


def _opened(path: Path, kept: int) -> BinaryIO:
    """The file cut back to what is known to be whole. Raises Fault when there is less."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
    file = os.fdopen(descriptor, "wb", buffering=_BUFFER)
    if os.fstat(descriptor).st_size < kept:
        file.close()
        raise Fault("A file of an export is shorter than was noted; begin the export anew.")
    file.truncate(kept)
    file.seek(kept)
    return file
