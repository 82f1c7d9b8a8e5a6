"""A line in the log for each search that took long: what was asked for by the names of its parameters, which way it
went, how many rows it opened. Never a value, an id or a name: those are records of people.
"""

from __future__ import annotations

import structlog

from minkang.fhir.search.linking import is_link
from minkang.fhir.search.query import CHAIN, Clause, Query
from minkang.store.search.plan import Plan

log = structlog.get_logger(__name__)


def tell(query: Query, plan: Plan | None, seconds: float, rows: int) -> None:
    """`plan` is None where the search was refused before it had one; `rows`: opened one by one by the outer search."""
    log.warning(
        "slow search",
        search=named(query),
        way=plan.way.value if plan is not None else None,
        rechecked=sorted({_code(clause) for clause in (*plan.recheck, *plan.links)}) if plan is not None else [],
        rows=rows,
        ms=round(seconds * 1000),
    )


def named(query: Query) -> str:
    """`Patient?_has:Condition:patient:code&name:exact&_sort=-birthdate`: a search without its values."""
    parts = [_code(clause) for clause in query.clauses]
    if query.sort:
        keys = (f"{'-' if one.descending else ''}{one.parameter.code}" for one in query.sort)
        parts.append(f"_sort={','.join(keys)}")
    parts += ["_include"] * bool(query.includes) + ["_revinclude"] * bool(query.revincludes)
    parts += ["_total"] * (query.total != "none")
    place = f"{query.compartment[0]}/*/" if query.compartment else ""
    return f"{place}{query.type or ','.join(query.types)}?{'&'.join(parts)}"


def _code(clause: Clause) -> str:
    if clause.modifier == CHAIN:
        return f"{clause.parameter.code}.{_code(clause.wanted[0].clause)}"
    if is_link(clause):
        one = clause.wanted[0]
        return f"_has:{one.type}:{one.parameter.code}:{_code(one.clause)}"
    return clause.parameter.code + (f":{clause.modifier}" if clause.modifier else "")
