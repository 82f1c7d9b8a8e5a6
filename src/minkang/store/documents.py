"""Originals, byte for byte: sealed, found by a keyed hash of their bytes, kept once however often they come."""

from __future__ import annotations

from hashlib import blake2b
from typing import Any, NamedTuple

from minkang.fhir.problem import NotFound
from minkang.kit.db import Connection
from minkang.store.keys import Keys
from minkang.store.seal import Sealer
from minkang.store.sql import SQL


class Original(NamedTuple):
    media_type: str
    content: bytes


def hash_of(content: bytes, keys: Keys) -> bytes:
    """32 bytes; keyed, so that nobody can test from outside whether we hold a certain text."""
    return blake2b(content, digest_size=32, key=keys.terms, person=b"minkang-original").digest()


async def keep(connection: Connection[Any], sealer: Sealer, keys: Keys, content: bytes, media_type: str) -> bytes:
    """Store an original; return its hash. Keeping the same bytes again changes nothing."""
    hash = hash_of(content, keys)
    await connection.execute(SQL["document_put"], hash, media_type, len(content), sealer.seal(content, hash))
    return hash


async def fetch(connection: Connection[Any], sealer: Sealer, hash: bytes) -> Original:
    """Raises NotFound."""
    row = await connection.fetchrow(SQL["document_get"], hash)
    if row is None:
        raise NotFound("There is no such original.")
    return Original(row["media_type"], sealer.open(row["content"], hash))
