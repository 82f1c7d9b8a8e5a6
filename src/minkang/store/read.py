"""One resource: its current version, an old one, several by name. http://hl7.org/fhir/R4/http.html#read"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from minkang.fhir.problem import Gone, NotFound
from minkang.kit.db import Connection
from minkang.store import shards
from minkang.store.contract import Stored
from minkang.store.rows import Name, admits, stored
from minkang.store.scope import Scope
from minkang.store.seal import Sealer, name_of
from minkang.store.sql import SQL
from minkang.store.types import NUMBERS


async def read(connection: Connection[Any], sealer: Sealer, scope: Scope, type: str, id: str) -> Stored:
    """The current version. Raises NotFound, Gone."""
    number = NUMBERS[type]
    row = await connection.fetchrow(SQL["read"], shards.natural(type, id), number, id)
    if row is None:
        row = await connection.fetchrow(SQL["read_located"], number, id)
    if row is None:
        raise await _absence(connection, scope, type, id)
    if not admits(scope, row["shard"], row["org"], row["region"]):
        raise NotFound(f"There is no {type}/{id}.")
    version = row["version"]
    content = sealer.open(row["content"], name_of(type, id, version))
    return Stored(type, id, version, row["updated"], content)


async def vread(connection: Connection[Any], sealer: Sealer, scope: Scope, type: str, id: str, version: int) -> Stored:
    """That version. Raises NotFound; Gone for a tombstone."""
    shard = await locate(connection, type, id)
    row = await connection.fetchrow(SQL["one_version"], shard, NUMBERS[type], id, version)
    if row is None or not admits(scope, row["shard"], row["org"], row["region"]):
        raise NotFound(f"There is no version {version} of {type}/{id}.")
    if row["deleted"]:
        raise Gone(f"{type}/{id} was deleted with version {version}.")
    return stored(row, sealer)


async def read_many(
    connection: Connection[Any], sealer: Sealer, scope: Scope, names: Iterable[Name]
) -> dict[Name, Stored]:
    """Those of the named resources that exist and are in scope."""
    wanted = [name for name in dict.fromkeys(names) if name[0] in NUMBERS]
    if not wanted:
        return {}
    where = [shards.natural(*name) for name in wanted]
    types, ids = [NUMBERS[type] for type, _ in wanted], [id for _, id in wanted]
    rows = await connection.fetch(SQL["read_many"], where, types, ids)
    found = (stored(row, sealer) for row in rows if admits(scope, row["shard"], row["org"], row["region"]))
    return {(one.type, one.id): one for one in found}


async def locate(connection: Connection[Any], type: str, id: str) -> int:
    """The shard of a resource, whether or not it exists."""
    rows = await connection.fetch(SQL["locate"], [NUMBERS[type]], [id])
    return rows[0]["shard"] if rows else shards.natural(type, id)


async def _absence(connection: Connection[Any], scope: Scope, type: str, id: str) -> NotFound:
    shard = await locate(connection, type, id)
    last = await connection.fetchrow(SQL["latest_version"], shard, NUMBERS[type], id)
    if last is not None and last["deleted"] and admits(scope, shard, last["org"], last["region"]):
        return Gone(f"{type}/{id} was deleted with version {last['version']}.")
    return NotFound(f"There is no {type}/{id}.")
