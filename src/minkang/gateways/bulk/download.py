"""A file of an export: whole, a range of it (RFC 9110 §14), or compressed on the way; opened frame by frame.

A download that was broken off goes on with Range and If-Range; the file does not change, so its tag is a strong one. A
compressed answer is not the file but a view of it: it has a tag of its own and knows no ranges.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator
from itertools import chain

from minkang.fhir.bulk import NDJSON
from minkang.fhir.problem import NotFound
from minkang.gateways.bulk.asking import Answer, Asked
from minkang.gateways.bulk.status import file_of
from minkang.kit.http import Header
from minkang.store.bulk.desk import Desk

_RANGE = re.compile(rb"bytes=(\d{0,18})-(\d{0,18})")
_GZIP_LEVEL = 1
"""NDJSON shrinks to a tenth even so, at more than 100 MB/s."""


async def download(asked: Asked, desk: Desk, id: str, name: str) -> Answer:
    """200, 206, 304 or 416."""
    job = await desk.look(id)
    size: int = file_of(job, name)["size"]
    tag = b'"%b-%d"' % (f"{job.id}/{name}".encode(), size)
    headers: list[Header] = [
        (b"content-type", NDJSON[0].encode()),
        (b"content-disposition", b"attachment"),
        (b"vary", b"accept-encoding"),
    ]
    wanted = _range(asked, tag, size)
    if wanted is None and b"gzip" in _encodings(asked):
        return _compressed(asked, _pieces(desk.read(job, name, 0, size - 1)), tag, headers)
    headers += [(b"accept-ranges", b"bytes"), (b"etag", tag)]
    if _has(asked, tag):
        return Answer(304, b"", headers)
    if wanted is None:
        return Answer(200, _pieces(desk.read(job, name, 0, size - 1)), [*headers, (b"content-length", b"%d" % size)])
    first, last = wanted
    if first > last:
        return Answer(416, b"", [*headers, (b"content-range", b"bytes */%d" % size)])
    headers.append((b"content-range", b"bytes %d-%d/%d" % (first, last, size)))
    headers.append((b"content-length", b"%d" % (last - first + 1)))
    return Answer(206, _pieces(desk.read(job, name, first, last)), headers)


def _pieces(opened: Iterator[bytes]) -> Iterator[bytes]:
    """The first piece is read now, so that a file that is not there is a 404 and no broken answer."""
    try:
        return chain([next(opened)], opened)
    except FileNotFoundError:
        raise NotFound("The file is not on this machine.") from None
    except StopIteration:
        return iter(())


def _compressed(asked: Asked, pieces: Iterator[bytes], tag: bytes, headers: list[Header]) -> Answer:
    tag = tag[:-1] + b'-gzip"'
    headers += [(b"etag", tag)]
    if _has(asked, tag):
        return Answer(304, b"", headers)
    return Answer(200, _gzipped(pieces), [*headers, (b"content-encoding", b"gzip")])


def _gzipped(pieces: Iterator[bytes]) -> Iterator[bytes]:
    packer = zlib.compressobj(_GZIP_LEVEL, wbits=31)
    for piece in pieces:
        if packed := packer.compress(piece):
            yield packed
    yield packer.flush()


def _range(asked: Asked, tag: bytes, size: int) -> tuple[int, int] | None:
    """First and last byte wanted; None for all of it; first > last for what the file does not have. One range at a
    time: who asks for several gets the whole, as RFC 9110 §14.2 allows."""
    found = _RANGE.fullmatch(asked.headers.get(b"range", b"").replace(b" ", b""))
    if found is None or found[1] == found[2] == b"":
        return None
    if asked.headers.get(b"if-range", tag) != tag:
        return None
    if found[1] == b"":
        return (max(size - int(found[2]), 0), size - 1) if int(found[2]) else (1, 0)
    first, last = int(found[1]), int(found[2] or size - 1)
    if found[2] and last < first:
        return None  # RFC 9110 §14.1.1: no valid range, so there is none
    return (first, min(last, size - 1)) if first < size else (1, 0)


def _encodings(asked: Asked) -> set[bytes]:
    """Encodings the client takes; those with q=0 are not."""
    taken: set[bytes] = set()
    for piece in asked.headers.get(b"accept-encoding", b"").lower().split(b","):
        name, _, weight = piece.strip().partition(b";")
        if weight.replace(b" ", b"").rstrip(b"0.") != b"q=":
            taken.add(name.strip())
    return taken


def _has(asked: Asked, tag: bytes) -> bool:
    tags = asked.headers.get(b"if-none-match", b"").split(b",")
    return any(one.strip().removeprefix(b"W/") in (tag, b"*") for one in tags)
