"""Rows in PostgreSQL's binary COPY format (https://www.postgresql.org/docs/18/sql-copy.html, "Binary Format").

By hand, because a driver encodes column by column through its codecs: this takes a quarter of the time.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import cache
from struct import Struct

from minkang.store.rows import TextRow

HEADER = b"PGCOPY\n\xff\r\n\0" + bytes(8)
TRAILER = b"\xff\xff"

_BIGINT_OID = 20
_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
"""What timestamptz counts microseconds from."""

_HEAD = Struct(">hiqihi")
_BETWEEN = Struct(">iiiqiqii")
_MOMENTS = Struct(">iqiq")
_LENGTH = Struct(">i")
_PLACE = Struct(">hihi")
_SHARD = Struct(">iq")
_EMPTY = _LENGTH.pack(12) + Struct(">iii").pack(0, 0, _BIGINT_OID)


class ResourceRows:
    """Collects first versions for `resource`, all of one batch, time and custodian."""

    def __init__(self, batch: int, updated: datetime, org: int, region: int) -> None:
        self._between = _BETWEEN.pack(4, 1, 8, batch, 8, org, 4, region)
        self._updated = (updated - _EPOCH) // timedelta(microseconds=1)
        self._parts: list[bytes] = [HEADER]
        self.count = 0

    def add(
        self, shard: int, type: int, id: str, date: int, keys: Sequence[int], flags: Sequence[int], content: bytes
    ) -> None:
        """One row in the order of `rows.Row`."""
        name = id.encode()
        self.count += 1
        self._parts += (
            _HEAD.pack(12, 8, shard, 2, type, len(name)),
            name,
            self._between,
            _MOMENTS.pack(8, date, 8, self._updated),
            bigints(keys),
            bigints(flags),
            _LENGTH.pack(len(content)),
            content,
        )

    def data(self) -> bytes:
        return b"".join((*self._parts, TRAILER))


def bigints(values: Sequence[int]) -> bytes:
    """A bigint[] with its length before it."""
    if not values:
        return _EMPTY
    mixed = [8] * (2 * len(values))
    mixed[1::2] = values
    return _array(len(values)).pack(20 + 12 * len(values), 1, 0, _BIGINT_OID, len(values), 1, *mixed)


@cache
def _array(length: int) -> Struct:
    return Struct(">iiiiii" + "iq" * length)


def text_rows(rows: Sequence[TextRow]) -> bytes:
    """Rows of `resource_text`."""
    parts = [HEADER]
    for shard, type, id, words in rows:
        name = id.encode()
        parts += (_HEAD.pack(4, 8, shard, 2, type, len(name)), name, bigints(words))
    return b"".join((*parts, TRAILER))


def locator_rows(claims: Sequence[tuple[int, str, int]]) -> bytes:
    """Rows of `locator`: (type, id, shard)."""
    parts = [HEADER]
    for type, id, shard in claims:
        name = id.encode()
        parts += (_PLACE.pack(3, 2, type, len(name)), name, _SHARD.pack(8, shard))
    return b"".join((*parts, TRAILER))
