"""The store's tables over several machines, by the Citus extension: which table lies where, and how it gets there.

A resident is one shard number, so what leads with `shard` is cut by it and kept together: one resident's rows of all
those tables lie on one node. Tables of names are cut by the id. What numbers transactions stays on the coordinator,
beside its sequence. https://docs.citusdata.com/en/stable/develop/api_udf.html
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import asyncpg

from minkang.kit.db import Connection

Where = Literal["distributed", "reference", "local"]


@dataclass(frozen=True, slots=True)
class Placement:
    """`column` cuts a distributed table; tables with the same `together` have equal values on the same node."""

    table: str
    where: Where
    column: str = ""
    together: str = ""
    why: str = ""


PLACEMENTS = (
    Placement("resource", "distributed", "shard", "resource", "a resident is one shard"),
    Placement("resource_version", "distributed", "shard", "resource", "history beside what it is the history of"),
    Placement("resource_text", "distributed", "shard", "resource", "words beside the resource that says them"),
    Placement("locator", "distributed", "id", "locator", "a name is looked up by its id"),
    Placement("resource_moved", "distributed", "id", "locator", "asked for by name"),
    Placement("document", "distributed", "hash", "document", "asked for by its hash"),
    Placement("store_fact", "reference", why="few rows, hardly ever written, true of every node"),
    Placement("batch", "local", why="its numbers and positions come from one sequence and one sequencer"),
    Placement("cursor", "local", why="written with every step of a follower, compared with batch.position"),
    Placement("feed_letter", "local", why="few rows, written with the cursor"),
    Placement("subscription", "local", why="few rows, written with the cursor"),
    Placement("subscription_event", "local", why="written with the cursor, read as one list"),
    Placement("bulk_job", "local", why="a queue of few rows"),
    Placement("procrastinate_workers", "local", why="one row for each process that carries out jobs"),
    Placement("procrastinate_jobs", "local", why="a queue, with the locks of its rows"),
    Placement("procrastinate_periodic_defers", "local", why="few rows, written with the queue"),
    Placement("procrastinate_events", "local", why="written with the queue"),
    Placement("job_progress", "local", why="one row for each job, beside the queue"),
    Placement("import_job", "local", why="few rows"),
    Placement("import_chunk", "local", why="one row for each mebibyte, referring to import_job"),
    Placement("import_rejected", "local", why="read as one list, referring to import_job"),
    Placement("registration", "local", why="looked up by keys of any number of residents at once"),
    Placement("identity_event", "local", why="written with the registrations it moved"),
    Placement("identity_review", "local", why="a queue for people, written with the registrations"),
    Placement("health_card", "local", why="looked up by its own keyed numbers, few columns a card"),
    Placement("health_card_bound", "local", why="refers to the card"),
    Placement("health_card_use", "local", why="written with the card that was used"),
    Placement("search_parameter", "local", why="few rows, read whole by every process"),
    Placement("migration", "local", why="the schema is changed from the coordinator"),
)

PLAN_MODE = "force_custom_plan"
"""Citus routes a statement by the values of its parameters. A generic plan has none, and Citus then has no plan."""

_THERE = "SELECT extversion FROM pg_extension WHERE extname = 'citus'"
_TABLES = "SELECT table_name::text AS name, citus_table_type AS kind FROM citus_tables"


class NoCitus(Exception):
    """The extension is not in this database."""


async def is_distributed(connection: Connection[Any]) -> bool:
    """Whether the store's rows lie on several machines, or could."""
    if await connection.fetchval(_THERE) is None:
        return False
    return await connection.fetchval(
        "SELECT EXISTS (SELECT FROM pg_dist_partition WHERE logicalrelid = 'resource'::regclass AND partmethod = 'h')"
    )


async def distribute(dsn: str, *, dry_run: bool = False) -> list[str]:
    """Put every table where it belongs, filled or not; the statements that did it (or would). What is in its place
    already stays: a second call goes on where the first one ended. Raises NoCitus.

    Each table is one transaction of Citus; a filled one is locked against writes while its rows are copied.
    """
    connection = await asyncpg.connect(dsn)
    try:
        if await connection.fetchval(_THERE) is None:
            raise NoCitus
        placed = {row["name"].rpartition(".")[2]: row["kind"] for row in await connection.fetch(_TABLES)}
        statements = [statement(one) for one in PLACEMENTS if one.where != "local" and one.table not in placed]
        for one in () if dry_run else statements:
            await connection.execute(one)
        return statements
    finally:
        await connection.close()


def statement(one: Placement) -> str:
    """What puts a table in its place."""
    if one.where == "reference":
        return f"SELECT create_reference_table('{one.table}')"
    together = "none" if one.together == one.table else one.together
    return f"SELECT create_distributed_table('{one.table}', '{one.column}', colocate_with => '{together}')"
