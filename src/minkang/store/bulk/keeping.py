"""What must be kept still is not expunged: looked for before a removal begins."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from minkang.fhir.problem import Conflict
from minkang.fhir.resource import parse
from minkang.kit import clock
from minkang.kit.db import Connection
from minkang.store.contract import Stored
from minkang.store.retention import TYPES, kept_until, terms
from minkang.store.seal import Sealer, name_of
from minkang.store.sql import SQL
from minkang.store.types import NAMES, NUMBERS
from minkang.store.write import columns

Key = tuple[int, int, str]
"""Shard, type, id."""

_Words = tuple[Key, bytes, datetime]
"""A name, its newest text, and when that was written."""

_NUMBERS = frozenset(NUMBERS[one] for one in TYPES)


def check(found: Iterable[Stored]) -> None:
    """Raises Conflict."""
    for one in found:
        if one.type in TYPES:
            _refuse(one.type, one.id, one.content, one.updated)


async def check_named(connection: Connection[Any], sealer: Sealer, names: Sequence[Key]) -> None:
    """The newest words that each of them had, deleted or not. Raises Conflict."""
    for key, text, updated in await _words(connection, sealer, names):
        _refuse(NAMES[key[1]], key[2], text, updated)


async def kept(connection: Connection[Any], sealer: Sealer, names: Sequence[Key]) -> set[Key]:
    """Those among them that must be kept still."""
    found = await _words(connection, sealer, names)
    return {key for key, text, updated in found if _until(text, updated) is not None}


async def _words(connection: Connection[Any], sealer: Sealer, names: Sequence[Key]) -> list[_Words]:
    keys = [key for key in names if key[1] in _NUMBERS]
    found: list[_Words] = []
    for row in await connection.fetch(SQL["newest_words"], *columns(keys, 3)) if keys else ():
        type, id = NAMES[row["type"]], row["id"]
        text = sealer.open(row["content"], name_of(type, id, row["version"]))
        found.append(((row["shard"], row["type"], id), text, row["updated"]))
    return found


def _until(text: bytes, updated: datetime) -> datetime | None:
    """Until when it must be kept, if that is still to come."""
    until = kept_until(parse(text).tree, updated)
    return until if until is not None and until > clock.now() else None


def _refuse(type: str, id: str, text: bytes, updated: datetime) -> None:
    until = _until(text, updated)
    if until is not None:
        raise Conflict(
            f"{type}/{id} is a clinical original and must be kept until {until.date().isoformat()} ({terms().clause})."
            " Nothing was expunged. mode=delete takes it out of every answer and keeps its history."
        )
