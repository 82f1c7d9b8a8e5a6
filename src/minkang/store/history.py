"""Versions of one resource, of a type, of the whole store: newest first. http://hl7.org/fhir/R4/http.html#history

Type and system history walk the batches backwards; `resource_batch` and `resource_version_batch` give both halves in
order, so a page reads no more than it shows.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from minkang.fhir.problem import NotFound
from minkang.kit.db import Connection
from minkang.store.contract import HistoryPage
from minkang.store.cursor import BIG, INT, SMALL, TEXT, decode, encode
from minkang.store.read import locate
from minkang.store.rows import stored
from minkang.store.scope import Scope
from minkang.store.seal import Sealer
from minkang.store.search.scope_sql import scope_condition
from minkang.store.types import NUMBERS


async def of_instance(
    connection: Connection[Any],
    sealer: Sealer,
    scope: Scope,
    type: str,
    id: str,
    *,
    since: datetime | None,
    at: datetime | None,
    count: int,
    cursor: str | None,
) -> HistoryPage:
    """Raises NotFound when the resource never was (for this scope)."""
    shard = await locate(connection, type, id)
    arguments: list[Any] = [shard, NUMBERS[type], id]
    conditions = ["shard = $1", "type = $2", "id = $3", *scope_condition(scope, arguments)]
    total = await connection.fetchval(_count_sql(conditions), *arguments)
    if not total:
        raise NotFound(f"There is no {type}/{id}.")
    _narrow(conditions, arguments, since, at)
    if cursor is not None:
        arguments += decode(cursor, [INT])
        conditions.append(f"version < ${len(arguments)}")
    limit = 1 if at is not None else count + 1
    rows = await connection.fetch(_page_sql(conditions, "version DESC", limit), *arguments)
    page = [stored(row, sealer) for row in rows[:count]]
    following = encode([page[-1].version]) if len(rows) > count and page else None
    return HistoryPage(page, following, total)


def _narrow(conditions: list[str], arguments: list[Any], since: datetime | None, at: datetime | None) -> None:
    """`since`: written at or after; `at`: not after (the newest of those was current then)."""
    for moment, operator in ((since, ">="), (at, "<=")):
        if moment is not None:
            arguments.append(moment)
            conditions.append(f"updated {operator} ${len(arguments)}")


async def of_many(
    connection: Connection[Any],
    sealer: Sealer,
    scope: Scope,
    type: str | None,
    *,
    since: datetime | None,
    at: datetime | None,
    count: int,
    cursor: str | None,
) -> HistoryPage:
    """History of a type, or of everything when `type` is None; with `at` only what was current then."""
    arguments: list[Any] = []
    conditions = scope_condition(scope, arguments)
    if type is not None:
        arguments.append(NUMBERS[type])
        conditions.append(f"type = ${len(arguments)}")
    _narrow(conditions, arguments, since, at)
    if at is not None:
        conditions += _not_followed(len(arguments))
    if cursor is not None:
        arguments += decode(cursor, [BIG, SMALL, TEXT, INT])
        first = len(arguments) - 3
        conditions.append(f"(batch, type, id, version) < (${first}, ${first + 1}, ${first + 2}, ${first + 3})")
    rows = await connection.fetch(
        _page_sql(conditions, "batch DESC, type DESC, id DESC, version DESC", count + 1), *arguments
    )
    page = [stored(row, sealer) for row in rows[:count]]
    following = None
    if len(rows) > count and page:
        last = rows[count - 1]
        following = encode([last["batch"], last["type"], last["id"], last["version"]])
    return HistoryPage(page, following)


def _not_followed(at: int) -> list[str]:
    """No newer version existed by the moment in argument `at`."""
    same = "n.shard = x.shard AND n.type = x.type AND n.id = x.id AND n.version > x.version"
    return [
        f"NOT EXISTS (SELECT 1 FROM {table} n WHERE {same} AND n.updated <= ${at})"  # noqa: S608
        for table in ("resource", "resource_version")
    ]


def _page_sql(conditions: list[str], order: str, limit: int) -> str:
    where = " AND ".join(conditions) or "true"
    columns = "shard, type, id, version, batch, updated, org, region"
    tail = f"ORDER BY {order} LIMIT {limit}"
    return (
        f"(SELECT {columns}, false AS deleted, content FROM resource x WHERE {where} {tail}) UNION ALL"  # noqa: S608
        f" (SELECT {columns}, deleted, content FROM resource_version x WHERE {where} {tail}) {tail}"
    )


def _count_sql(conditions: list[str]) -> str:
    where = " AND ".join(conditions)
    return (
        f"SELECT (SELECT count(*) FROM resource WHERE {where})"  # noqa: S608
        f" + (SELECT count(*) FROM resource_version WHERE {where})"
    )
