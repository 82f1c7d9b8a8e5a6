"""Patient/$everything: one index range. http://hl7.org/fhir/R4/patient-operation-everything.html"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from minkang.fhir import dates
from minkang.fhir.problem import Incorrect
from minkang.kit.db import Connection
from minkang.store import cursor
from minkang.store.contract import Hit, Page
from minkang.store.read import read
from minkang.store.rows import NO_DATE, stored
from minkang.store.scope import Scope
from minkang.store.seal import Sealer
from minkang.store.search.plan import elsewhere
from minkang.store.search.scope_sql import scope_condition
from minkang.store.shards import of_patient
from minkang.store.terms import TermHash
from minkang.store.types import NUMBERS


@dataclass(frozen=True, slots=True)
class Wish:
    """What the caller wants of a patient's record; see the contract."""

    patient: str
    types: tuple[str, ...]
    since: datetime | None
    start: str | None
    end: str | None
    count: int
    cursor: str | None


async def everything(connection: Connection[Any], sealer: Sealer, hash: TermHash, scope: Scope, wish: Wish) -> Page:
    """The Patient and its compartment, by type and id. Raises NotFound, Gone for the Patient itself."""
    arguments: list[Any] = [elsewhere(wish.patient, hash), wish.patient, of_patient(wish.patient)]
    text = _text(wish, scope, arguments)
    rows = await connection.fetch(text, *arguments)
    if wish.cursor is None and not (rows and rows[0]["there"]):
        await read(connection, sealer, scope, "Patient", wish.patient)  # says what is wrong, if anything is
    hits = [Hit(stored(row, sealer)) for row in rows[: wish.count]]
    last = rows[wish.count - 1] if len(rows) > wish.count else None
    return Page(hits, cursor.encode([last["type"], last["id"]]) if last else None)


def _text(wish: Wish, scope: Scope, arguments: list[Any]) -> str:
    """One statement: where the Patient lives, whether it is there for this caller, and the rows of the page."""
    narrowed = _conditions(wish, scope, arguments)
    order = f"ORDER BY type, id LIMIT {wish.count + 1}"
    columns = "type, id, version, updated, content"
    home = "(SELECT shard FROM home)"
    near = " AND ".join([f"shard = {home}", *narrowed])
    far = " AND ".join(["keys && $1", f"shard <> {home}", *narrowed])
    number = NUMBERS["Patient"]
    there = " AND ".join([f"shard = {home}", f"type = {number}", "id = $2", *scope_condition(scope, arguments)])
    return (
        "WITH home AS MATERIALIZED (SELECT coalesce((SELECT l.shard FROM locator l"  # noqa: S608
        f" WHERE l.type = {number} AND l.id = $2), $3) AS shard),"
        f" there AS MATERIALIZED (SELECT 1 FROM resource WHERE {there})"
        " SELECT p.*, EXISTS (SELECT FROM there) AS there FROM ("
        f"(SELECT {columns} FROM resource WHERE {near} {order}) UNION ALL"
        f" (SELECT {columns} FROM resource WHERE {far} {order}) {order}) AS p"
    )


def _conditions(wish: Wish, scope: Scope, arguments: list[Any]) -> list[str]:
    conditions = scope_condition(scope, arguments)
    if wish.types:
        arguments.append([NUMBERS[type] for type in wish.types if type in NUMBERS])
        conditions.append(f"type = ANY (${len(arguments)})")
    if wish.since is not None:
        arguments.append(wish.since)
        conditions.append(f"updated >= ${len(arguments)}")
    conditions += _between(wish, arguments)
    if wish.cursor is not None:
        arguments += cursor.decode(wish.cursor, (cursor.SMALL, cursor.TEXT))
        conditions.append(f"(type, id) > (${len(arguments) - 1}, ${len(arguments)})")
    return conditions


def _between(wish: Wish, arguments: list[Any]) -> list[str]:
    """`start` and `end` are dates of care; what has no such date (the Patient itself) is always in."""
    conditions: list[str] = []
    for text, operator, side in ((wish.start, ">=", 0), (wish.end, "<", 1)):
        if text is not None:
            arguments.append(_moments(text)[side])
            conditions.append(f"(date {operator} ${len(arguments)} OR date = {NO_DATE})")
    return conditions


def _moments(text: str) -> tuple[int, int]:
    try:
        return dates.parse(text)
    except ValueError as error:
        raise Incorrect(f"{text[:40]!r} is not a date: {error}.") from None
