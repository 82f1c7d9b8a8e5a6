"""Registrations change the resident they are of: their rows, history and words move to that resident's shard as they
are. Nothing is rewritten or deleted, so moving back is the same again.

A writer holds the residents it writes for, shared (transaction.py); a move holds them alone. Whoever waits for it looks
anew where they live.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from minkang.fhir.references import patient_of
from minkang.fhir.resource import parse
from minkang.kit.db import Connection
from minkang.store import shards
from minkang.store.seal import Sealer, name_of
from minkang.store.sql import SQL
from minkang.store.transaction import EVERYBODY
from minkang.store.types import NAMES, NUMBERS
from minkang.store.write import columns

_PATIENT = NUMBERS["Patient"]


async def hold(connection: Connection[Any], patients: Iterable[str], actor: str) -> int:
    """Nobody else writes for these registrations until the transaction ends. The number for what it does."""
    row = await connection.fetchrow(SQL["begin"], [EVERYBODY], sorted({shards.of_patient(one) for one in patients}))
    assert row is not None  # noqa: S101 - it always answers
    await connection.execute(SQL["move_batch"], row["batch"], actor)
    return row["batch"]


async def move(
    connection: Connection[Any],
    sealer: Sealer,
    patients: Sequence[str],
    source: int,
    target: int,
    *,
    batch: int,
    all: bool = False,
) -> int:
    """What names these registrations goes from one resident's shard to another's, the registrations with it; how many
    rows that were, history not counted. `hold` comes first. `all`: nobody else's rows lie there."""
    if source == target:
        return 0
    current = await connection.fetch(SQL["shard_rows"], source)
    past = await connection.fetch(SQL["shard_versions"], source)
    there = {(row["type"], row["id"]) for row in current}
    wanted = frozenset(patients)
    chosen = [row for row in current if all or _is_of(sealer, row, wanted)]
    gone = [row for row in past if (row["type"], row["id"]) not in there and (all or _is_of(sealer, row, wanted))]
    names = [(row["type"], row["id"]) for row in (*chosen, *gone)]
    moves = [(source, type, id, target) for type, id in names]
    if moves:
        await connection.execute(SQL["move_rows"], *columns(moves, 4))
        await connection.execute(SQL["move_texts"], *columns(moves, 4))
        await connection.execute(SQL["move_versions"], *columns(moves, 4))
        await connection.execute(SQL["tell_moved"], *columns(moves, 4)[:3], batch)
        await _place(connection, names, target)
    return len(chosen)


async def _place(connection: Connection[Any], names: Sequence[tuple[int, str]], target: int) -> None:
    away = [(type, id, target) for type, id in names if shards.natural(NAMES[type], id) != target]
    home = [(type, id) for type, id in names if shards.natural(NAMES[type], id) == target]
    await connection.execute(SQL["place"], *columns(away, 3))
    await connection.execute(SQL["unplace"], *columns(home, 2))


def _is_of(sealer: Sealer, row: Any, patients: frozenset[str]) -> bool:
    if row["type"] == _PATIENT:
        return row["id"] in patients
    text = sealer.open(row["content"], name_of(NAMES[row["type"]], row["id"], row["version"]))
    named = patient_of(parse(text).tree)
    return bool(named) and named[0] in patients
