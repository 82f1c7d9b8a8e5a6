"""All there is about one patient (http://hl7.org/fhir/R4/operation-patient-everything.html).

The Patient and its compartment. `types` and `since` (last updated then or later) narrow it; `start` and `end` speak of
care dates: when it began (by the parameter that `store/index_rules.json` names for the type) must not lie before the
first or after the last moment of them; what has no care date is always in.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from minkang.fhir.search.kinds import date
from minkang.fhir.search.parameters import parameter
from minkang.store.index_rules import date_code
from minkang.store.memory.matching import in_this_compartment, values_of
from minkang.store.memory.rows import Row, Rows, admits
from minkang.store.scope import Scope


def everything(
    rows: Rows,
    scope: Scope,
    patient: str,
    *,
    types: Sequence[str],
    since: datetime | None,
    start: str | None,
    end: str | None,
) -> list[Row]:
    return [
        row
        for row in rows.living()
        if admits(scope, row)
        and in_this_compartment(row, "Patient", patient)
        and (not types or row.stored.type in types)
        and (since is None or row.stored.updated >= since)
        and _within(row, start, end)
    ]


def place(row: Row) -> tuple[bool, str, str]:
    """The patient first, then by type and id."""
    return row.stored.type != "Patient", row.stored.type, row.stored.id


def _within(row: Row, start: str | None, end: str | None) -> bool:
    code = date_code(row.stored.type)
    about = parameter(row.stored.type, code) if code is not None else None
    began = date.sort_key(values_of(row, about), False) if about is not None else None
    if about is None or began is None:
        return True
    return (start is None or date.parse(start, None, about).low <= began) and (
        end is None or began < date.parse(end, None, about).high
    )
