"""NDJSON cut into chunks at the ends of lines, with constant memory, whatever the lines are like.

The cuts follow from the bytes alone: reading the same stream again gives the same chunks, and that is how an import
that was interrupted knows what it has done.
"""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple, cast

import zstandard

CHUNK = 1024 * 1024
"""Bytes a chunk has at least, but for the last one."""

LONGEST = 32 * 1024 * 1024
"""Bytes of one line; a longer one is told and left out."""

_BOM = b"\xef\xbb\xbf"


class Damaged(Exception):
    """A packed file is not what its name says, or ends too early."""


class Chunk(NamedTuple):
    """`begin`: offset in the (unpacked) stream; `line`: number of the first line, from 1; `overlong`: the chunk stands
    for one line that was left out because it was longer than LONGEST."""

    begin: int
    line: int
    data: bytes
    overlong: bool = False


def chunks(stream: BinaryIO, size: int = CHUNK, longest: int = LONGEST) -> Generator[Chunk]:
    """Every chunk of a stream."""
    begin, line, rest = 0, 1, b""
    while True:
        block = stream.read(size)
        data = rest + block
        end = data.rfind(b"\n") + 1 if block else len(data)
        if end:
            yield Chunk(begin, line, data[:end].removeprefix(_BOM) if begin == 0 else data[:end])
            begin, line, rest = begin + end, line + data.count(b"\n", 0, end), data[end:]
        else:
            rest = data
        if not block:
            return
        if len(rest) > longest:
            skipped, rest = _skip(stream, len(rest), size)
            yield Chunk(begin, line, b"", overlong=True)
            begin, line = begin + skipped, line + 1


def _skip(stream: BinaryIO, seen: int, size: int) -> tuple[int, bytes]:
    """Read to the end of an endless line; how long it was, and what was read behind it."""
    while block := stream.read(size):
        end = block.find(b"\n") + 1
        if end:
            return seen + end, block[end:]
        seen += len(block)
    return seen, b""


@contextmanager
def opened(path: Path) -> Generator[tuple[BinaryIO, BinaryIO]]:
    """A file for reading, unpacked if its name ends with .gz or .zst; and the file itself: its `tell` says how far."""
    with path.open("rb") as file:
        if path.suffix == ".gz":
            with gzip.open(file) as stream:
                yield cast("BinaryIO", _Packed(stream, path)), file
        elif path.suffix == ".zst":
            yield cast("BinaryIO", _Packed(_Frames(file), path)), file
        else:
            yield file, file


class _Packed:
    """A packed stream whose faults name the file."""

    def __init__(self, stream: Any, path: Path) -> None:
        self._stream = stream
        self._path = path

    def read(self, size: int) -> bytes:
        """Raises Damaged."""
        try:
            return self._stream.read(size)
        except (gzip.BadGzipFile, EOFError, zlib.error, zstandard.ZstdError) as error:
            raise Damaged(f"{self._path} is damaged: {error}") from None


_BITE = 1024
"""Packed bytes unpacked at a time; at worst 32 MiB come out of them."""


class _Frames:
    """zstd frames one behind the other, as packers that use several cores write them. The library's own reader takes a
    file that was cut off for one that ends."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._left = b""
        self._frame: Any = None
        self._out = bytearray()

    def read(self, size: int) -> bytes:
        """As many bytes as asked for, fewer at the end. Raises EOFError when it comes inside a frame."""
        while len(self._out) < size and self._unpack():
            pass
        found = bytes(self._out[:size])
        del self._out[:size]
        return found

    def _unpack(self) -> bool:
        bite = self._left or self._file.read(_BITE)
        self._left = b""
        if not bite and self._frame is not None:
            raise EOFError("it ends too early")
        if not bite:
            return False
        frame = self._frame = self._frame or zstandard.ZstdDecompressor().decompressobj()
        self._out += frame.decompress(bite)
        if frame.eof:
            self._left, self._frame = frame.unused_data, None
        return True


def files_of(paths: list[Path]) -> list[Path]:
    """The NDJSON files named, folders looked through, in a fixed order. Raises FileNotFoundError."""
    found: list[Path] = []
    for path in paths:
        inside = sorted(one for one in path.rglob("*") if _is_ndjson(one)) if path.is_dir() else [path]
        found += inside
        if not inside or not inside[0].exists():
            raise FileNotFoundError(f"{path} has no .ndjson files" if path.is_dir() else f"there is no file {path}")
    return found


def _is_ndjson(path: Path) -> bool:
    name = path.name.removesuffix(".gz").removesuffix(".zst")
    return path.is_file() and name.endswith((".ndjson", ".jsonl"))
