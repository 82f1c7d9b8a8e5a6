"""How a distributed store would carry out a statement: told from its text, by a parser.

A table that is cut by a column is *routed* when that column is equal to a parameter (or one of an array of them), since
then one node, or the few named, can answer. Else every node is asked: a *fan-out*, which must be meant.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import sqlglot
from sqlglot import exp

from minkang.store.distribution import PLACEMENTS

CUT_BY = {one.table: one.column for one in PLACEMENTS if one.where == "distributed"}
_CHANGES = (exp.Insert, exp.Update, exp.Delete)
_FUNCTION = re.compile(r"CREATE FUNCTION (\w+)\(.*?\$\$(.*?)\$\$", re.DOTALL)
_INSIDE = re.compile(
    r"\b(?:PERFORM|SELECT(?! FROM)|INSERT|UPDATE|DELETE|EXISTS \(SELECT)\b.*?(?=;|\)\s*THEN|\)\s*OR EXISTS|\bLOOP\b)",
    re.DOTALL,
)


def parsed(sql: str) -> Any:
    """Parameters become names that no column has: the parser takes `$1 ... $` for a quoted text."""
    return sqlglot.parse_one(re.sub(r"\$(\d+)", r"param\1", sql), dialect="postgres")


def inside(schema: str) -> dict[str, list[str]]:
    """The statements of the functions that a migration makes."""
    return {name: [_plain(one) for one in _INSIDE.findall(body)] for name, body in _FUNCTION.findall(schema)}


def _plain(sql: str) -> str:
    sql = re.sub(r"^EXISTS \(", "", sql.strip()).replace("PERFORM", "SELECT", 1)
    sql = re.sub(r"^.*RETURN QUERY ", "", sql, flags=re.DOTALL)
    for variable in (r"one\.\w+", r"\w+\[i\]"):  # the functions' own variables are as good as parameters
        sql = re.sub(rf"=\s*{variable}", "= param1", sql)
    return sql


def kind(sql: str) -> str:
    """`local`, `routed` or `fan-out`. Raises AssertionError for what a distributed store cannot do at all."""
    tree = parsed(sql)
    _check(tree)
    uses = list(_uses(tree))
    if not uses:
        return "local"
    return "routed" if all(routed for _, routed in uses) else "fan-out"


def _uses(tree: Any) -> Iterator[tuple[str, bool]]:
    """Every mention of a distributed table, and whether it is routed."""
    for part in tree.find_all(exp.Select, *_CHANGES):
        if isinstance(part, exp.Insert):
            if part.this.find(exp.Table).name in CUT_BY:
                yield part.this.find(exp.Table).name, True  # each row says where it goes
            continue
        tables = _tables(part)
        for alias, table in tables.items():
            if table in CUT_BY:
                yield table, _is_routed(part, alias, table, alone=len(tables) == 1)


def _tables(part: Any) -> dict[str, str]:
    sources = [part.this] if isinstance(part, (exp.Update, exp.Delete)) else []
    for source in (part.args.get("from_") or part.args.get("from"), *(part.args.get("joins") or ())):
        sources += [source.this] if source is not None else []
    sources += list(part.args.get("using") or ())
    return {one.alias_or_name: one.name for one in sources if isinstance(one, exp.Table)}


def _is_routed(part: Any, alias: str, table: str, *, alone: bool) -> bool:
    column = CUT_BY[table]
    where = part.args.get("where")
    for equal in where.find_all(exp.EQ) if where is not None else ():
        if equal.find_ancestor(exp.Select, exp.Update, exp.Delete) is not part or equal.find_ancestor(exp.Or):
            continue
        left, right = equal.left, equal.right
        named = (
            isinstance(left, exp.Column) and left.name == column and (left.table == alias or (alone and not left.table))
        )
        if named and _is_given(right):
            return True
    return False


def _is_given(value: Any) -> bool:
    if isinstance(value, exp.Any):
        value = value.this
    while isinstance(value, (exp.Cast, exp.Paren)):
        value = value.this
    return isinstance(value, exp.Literal) or (isinstance(value, exp.Column) and value.name.startswith("param"))


def _check(tree: Any) -> None:
    for part in tree.find_all(*_CHANGES):
        table = part.this.find(exp.Table).name
        if table not in CUT_BY:
            continue
        if isinstance(part, exp.Update):
            changed = {one.this.name for one in part.expressions}
            assert CUT_BY[table] not in changed, f"it changes {table}.{CUT_BY[table]}, by which the table is cut"
        if isinstance(part, exp.Insert) and (conflict := part.args.get("conflict")) is not None:
            keys = {one.name for one in conflict.args.get("conflict_keys") or ()}
            assert CUT_BY[table] in keys, f"the conflict of {table} leaves out {CUT_BY[table]}"
    if any(True for _ in tree.find_all(exp.Lock)):
        assert all(routed for _, routed in _uses(tree)), "it holds rows of several nodes"
