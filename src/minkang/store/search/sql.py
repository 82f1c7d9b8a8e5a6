"""A plan as a statement. Which index answers is decided in plan.py, not left to PostgreSQL's planner.

PostgreSQL knows nothing of how common one hash in an array is, and a wrong guess at ten million rows costs seconds. So
a condition that must not drive the search is written as a function call (`arrayoverlap(keys, $1)`), which no index
answers, and one that must drive it as an operator (`keys @> $1`) inside a materialised part.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from minkang.store.rows import NO_DATE
from minkang.store.scope import Scope
from minkang.store.search.plan import Plan, Way
from minkang.store.search.scope_sql import scope_condition
from minkang.store.shards import natural
from minkang.store.types import NAMES, NUMBERS

Place = tuple[int, int, int, str]
"""Where a page ended: type, date, shard, id."""

_COLUMNS = "shard, type, id, version, updated, date, content"
_QUALIFIED = ", ".join(f"r.{column}" for column in _COLUMNS.split(", "))


@dataclass(slots=True)
class Statement:
    text: str
    arguments: list[Any]


class _Arguments(list[Any]):
    def add(self, value: Any) -> str:
        self.append(value)
        return f"${len(self)}"


def rows(plan: Plan, scope: Scope, *, after: Place | None, limit: int) -> Statement:
    """The next candidates in the plan's order."""
    arguments = _Arguments()
    if plan.way in (Way.TERMS, Way.TEXT):
        return _by_index(plan, scope, after, limit, arguments)
    conditions = _conditions(plan, scope, arguments, driven=False)
    conditions += _behind(plan, after, arguments)
    source = _from(plan, conditions, arguments)
    text = f"SELECT {_COLUMNS} FROM {source} {_order(plan)} LIMIT {limit}"  # noqa: S608
    if plan.way is Way.PERSON and plan.elsewhere:
        text = _person_and_elsewhere(plan, scope, after, limit, arguments, text)
    return Statement(text, list(arguments))


def _by_index(plan: Plan, scope: Scope, after: Place | None, limit: int, arguments: _Arguments) -> Statement:
    """At most `plan.most` rows have these terms (or words); one more says that they are common and another way is
    better.

    How many there are is told even when none of them is behind `after`: of too many only some were looked at.
    """
    inner = _all(_conditions(plan, scope, arguments, driven=plan.way is Way.TERMS))
    if plan.way is Way.TERMS:
        hit = f"SELECT shard, type, id, date FROM resource WHERE {inner} LIMIT {plan.most + 1}"  # noqa: S608
        parts, counted = f"hit AS MATERIALIZED ({hit})", "hit"
    else:
        parts, counted = _said(plan, inner, arguments), "said"
    outer = _all(_behind(plan, after, arguments))
    text = (
        f"WITH {parts} SELECT {_QUALIFIED}, c.hits FROM (SELECT count(*) AS hits FROM {counted}) c"  # noqa: S608
        f" LEFT JOIN ((SELECT * FROM hit WHERE {outer} {_order(plan)} LIMIT {limit}) h"
        f" JOIN resource r ON r.shard = h.shard AND r.type = h.type AND r.id = h.id) ON true {_order(plan, 'h.')}"
    )
    return Statement(text, list(arguments))


def _said(plan: Plan, inner: str, arguments: _Arguments) -> str:
    """Rows that say the words wanted, and then by their primary key the rows themselves."""
    groups = [" OR ".join(f"words @> {arguments.add(words)}" for words in choices) for choices in plan.texts]
    wanted = _all([f"({group})" for group in groups])
    return (
        f"said AS MATERIALIZED (SELECT shard, type, id FROM resource_text WHERE {wanted} LIMIT {plan.most + 1}),"  # noqa: S608
        " hit AS MATERIALIZED (SELECT shard, type, id, date"
        " FROM (SELECT shard AS home, type AS kind, id AS name FROM said) s"
        f" JOIN resource ON shard = s.home AND type = s.kind AND id = s.name WHERE {inner})"
    )


def _from(plan: Plan, conditions: list[str], arguments: _Arguments) -> str:
    """The rows that meet the conditions; where their names are told, one by one by their primary key."""
    if plan.names is None:
        return f"resource WHERE {_all(conditions)}"
    names = sorted(plan.names)
    types, ids = arguments.add([type for type, _ in names]), arguments.add([id for _, id in names])
    where = arguments.add([natural(NAMES[type], id) for type, id in names])
    return (
        "(WITH moved AS MATERIALIZED"  # noqa: S608
        f" (SELECT type, id, shard FROM locator WHERE type = ANY ({types}) AND id = ANY ({ids})), place AS MATERIALIZED"
        " (SELECT w.type AS kind, w.id AS name, coalesce(m.shard, w.shard) AS home"
        f" FROM unnest({types}::smallint[], {ids}::text[], {where}::bigint[]) AS w (type, id, shard)"
        f" LEFT JOIN moved m ON m.type = w.type AND m.id = w.id) SELECT {_COLUMNS} FROM place"
        f" JOIN resource ON shard = home AND type = kind AND id = name WHERE {_all(conditions)}) r"
    )


def _person_and_elsewhere(
    plan: Plan, scope: Scope, after: Place | None, limit: int, arguments: _Arguments, near: str
) -> str:
    """A resource that names two patients lives with the first one; the other finds it by a term."""
    term = arguments.add(plan.elsewhere)
    conditions = [f"keys && {term}", f"shard <> {_home(plan, arguments, 'ALL')}"]
    conditions += _conditions(plan, scope, arguments, driven=False, shards=False)
    conditions += _behind(plan, after, arguments)
    far = f"SELECT {_COLUMNS} FROM resource WHERE {_all(conditions)} {_order(plan)} LIMIT {limit}"  # noqa: S608
    return f"({near}) UNION ALL ({far}) {_order(plan)} LIMIT {limit}"


def count(plan: Plan, scope: Scope, most: int) -> Statement:
    """How many candidates there are, counting at most `most`."""
    arguments = _Arguments()
    conditions = _conditions(plan, scope, arguments, driven=plan.way is Way.TERMS)
    text = f"SELECT 1 FROM {_from(plan, conditions, arguments)}"  # noqa: S608
    if plan.way is Way.PERSON and plan.elsewhere:
        term = arguments.add(plan.elsewhere)
        far = [f"keys && {term}", f"shard <> {_home(plan, arguments, 'ALL')}"]
        far += _conditions(plan, scope, arguments, driven=False, shards=False)
        text = f"{text} UNION ALL SELECT 1 FROM resource WHERE {_all(far)}"  # noqa: S608
    return Statement(f"SELECT count(*) FROM ({text} LIMIT {most}) AS c", list(arguments))  # noqa: S608


def _conditions(plan: Plan, scope: Scope, arguments: _Arguments, *, driven: bool, shards: bool = True) -> list[str]:
    """Everything a row must meet; `driven` lets the GIN index drive the search."""
    conditions: list[str] = []
    if plan.shards is not None and shards and plan.way is Way.PERSON:
        conditions.append(f"shard = {_home(plan, arguments, 'ANY')}")
    if plan.types and not driven and plan.way is not Way.NAMES:
        conditions.append(f"type = {_one_or_any(plan.types, arguments)}")
    conditions += _terms(plan, arguments, driven=driven)
    if plan.low is not None:
        long = f" OR arraycontains(flags, {arguments.add([plan.long])})" if plan.long is not None else ""
        conditions.append(f"(date >= {arguments.add(plan.low)}{long})")
    for column, operator, bound in (
        ("date", "<", plan.high),
        ("updated", ">=", plan.since),
        ("updated", "<", plan.until),
    ):
        if bound is not None:
            conditions.append(f"{column} {operator} {arguments.add(bound)}")
    return conditions + scope_condition(scope, arguments)


def _terms(plan: Plan, arguments: _Arguments, *, driven: bool) -> list[str]:
    single = [group[0] for group in plan.keys if len(group) == 1]
    several = [group for group in plan.keys if len(group) > 1] + (plan.long_keys if driven else [])
    conditions: list[str] = []
    if single:
        value = arguments.add(single)
        conditions.append(f"keys @> {value}" if driven else f"arraycontains(keys, {value})")
    for group in several:
        value = arguments.add(group)
        conditions.append(f"keys && {value}" if driven else f"arrayoverlap(keys, {value})")
    for group in plan.flags:
        conditions.append(f"arrayoverlap(flags, {arguments.add(group)})")
    return conditions


def _home(plan: Plan, arguments: _Arguments, several: str) -> str:
    """Where the residents named live: one shard, or `several` (ANY, ALL) of them. Asked in the same statement, for a
    question of its own would cost every search of one person's record a turn to the database."""
    at = f"type = {NUMBERS['Patient']} AND l.id"
    if len(plan.named) == 1 and plan.shards:
        id, natural = arguments.add(plan.named[0]), arguments.add(plan.shards[0])
        return f"coalesce((SELECT l.shard FROM locator l WHERE l.{at} = {id}), {natural})"  # noqa: S608
    ids, natural = arguments.add(plan.named), arguments.add(plan.shards)
    return (
        f"{several} (ARRAY(SELECT coalesce(l.shard, w.shard) FROM unnest({ids}::text[], {natural}::bigint[])"  # noqa: S608
        f" AS w (id, shard) LEFT JOIN locator l ON l.{at} = w.id))"
    )


def _one_or_any(values: list[Any], arguments: _Arguments) -> str:
    return arguments.add(values[0]) if len(values) == 1 else f"ANY ({arguments.add(values)})"


def _behind(plan: Plan, after: Place | None, arguments: _Arguments) -> list[str]:
    """Rows that come after a place in the plan's order (keyset paging: no row is read twice)."""
    if after is None:
        return [f"date > {NO_DATE}"] if plan.oldest_first else []
    type, date, shard, id = after
    if plan.oldest_first and date == NO_DATE:
        names = (arguments.add(shard), arguments.add(id))
        return [f"date = {NO_DATE}", f"(shard, id) > ({names[0]}, {names[1]})"]
    sign = ">" if plan.oldest_first else "<"
    if len(plan.types) == 1:
        values = ", ".join(arguments.add(value) for value in (date, shard, id))
        return [f"(date, shard, id) {sign} ({values})"]
    values = ", ".join(arguments.add(value) for value in (type, date, shard, id))
    return [f"(type, date, shard, id) {sign} ({values})"]


def _order(plan: Plan, prefix: str = "") -> str:
    columns = ("date", "shard", "id") if len(plan.types) == 1 else ("type", "date", "shard", "id")
    direction = "" if plan.oldest_first else " DESC"
    return "ORDER BY " + ", ".join(f"{prefix}{column}{direction}" for column in columns)


def _all(conditions: list[str]) -> str:
    return " AND ".join(conditions) or "true"
