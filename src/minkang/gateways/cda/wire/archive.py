"""A ZIP of documents to its members, one at a time; bounded in number, size and how far it may swell."""

from __future__ import annotations

import io
import zipfile
import zlib
from collections.abc import Iterator
from typing import NamedTuple

from minkang.fhir.problem import Incorrect
from minkang.gateways.cda.wire.document import BYTES

MEMBERS = 1_000
TOTAL = 512 * 1024 * 1024
"""Bytes of all members together, unpacked."""

_MAGIC = b"PK\x03\x04"
_PIECE = 1 << 20


class Member(NamedTuple):
    name: str
    content: bytes


def is_archive(content: bytes) -> bool:
    return content.startswith(_MAGIC)


def members(content: bytes) -> Iterator[Member]:
    """Its files in order. Raises Incorrect before the first for what is no sound ZIP, has too many members or names
    bytes that it must not have; and in the middle for one whose real size is not what it names."""
    try:
        archive = zipfile.ZipFile(io.BytesIO(content))
    except (zipfile.BadZipFile, ValueError, OSError) as error:
        raise Incorrect(f"This is no sound ZIP ({error}). Pack the documents again.") from None
    rows = [one for one in archive.infolist() if not one.is_dir() and "__MACOSX/" not in one.filename]
    if len(rows) > MEMBERS:
        raise Incorrect(f"The ZIP holds {len(rows)} files; at most {MEMBERS} are taken at once. Send it in parts.")
    if sum(one.file_size for one in rows) > TOTAL or any(one.file_size > BYTES for one in rows):
        raise Incorrect(f"Unpacked, a document may have {BYTES} bytes and all together {TOTAL}. Send it in parts.")
    if any(one.flag_bits & 1 for one in rows):
        raise Incorrect("The ZIP is encrypted. Send it without a password, over HTTPS.")
    for row in rows:
        yield Member(_name(row), _unpacked(archive, row))


def _unpacked(archive: zipfile.ZipFile, row: zipfile.ZipInfo) -> bytes:
    try:
        with archive.open(row) as file:
            pieces: list[bytes] = []
            size = 0
            while piece := file.read(_PIECE):
                size += len(piece)
                if size > row.file_size:
                    raise Incorrect(f"{_name(row)} is larger than the ZIP says. Pack the documents again.")
                pieces.append(piece)
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, EOFError, OSError, ValueError) as error:
        raise Incorrect(f"{_name(row)} cannot be unpacked ({error}). Pack the documents again.") from None
    return b"".join(pieces)


def _name(row: zipfile.ZipInfo) -> str:
    """A name in GBK without the flag for UTF-8, as Chinese Windows packs it, is read as such."""
    if row.flag_bits & 0x800:
        return row.filename
    try:
        return row.filename.encode("cp437").decode("gb18030")
    except UnicodeError:
        return row.filename
