"""Everything as it was at one moment, a few at a time (http://hl7.org/fhir/uv/bulkdata/STU2/export.html)."""

from __future__ import annotations

from collections.abc import Iterator

from minkang.fhir.compartments import in_compartment
from minkang.fhir.references import patient_of
from minkang.fhir.search.query import Query
from minkang.store import shards
from minkang.store.contract import Extract, Portion
from minkang.store.memory.matching import clause_matches, in_this_compartment
from minkang.store.memory.rows import Row, Rows, admits
from minkang.store.scope import Scope

_AT_ONCE = 3


def portions(rows: Rows, scope: Scope, extract: Extract, after: str | None) -> Iterator[Portion]:
    """The names that are there when it begins, in order; versions younger than the moment are passed over."""
    names = [name for name in rows.names() if after is None or "/".join(name) > after]
    for first in range(0, len(names), _AT_ONCE):
        group = names[first : first + _AT_ONCE]
        shown = [_as_of(rows.versions(*name), extract.moment.position) for name in group]
        versions = [row.stored for row in shown if row and admits(scope, row) and _is_wanted(extract, row)]
        yield Portion(versions, "/".join(group[-1]), min(1.0, (first + _AT_ONCE) / len(names)))


def _as_of(versions: tuple[Row, ...], position: int) -> Row | None:
    known = [row for row in versions if row.serial <= position]
    return known[-1] if known else None


def _is_wanted(extract: Extract, row: Row) -> bool:
    one = row.stored
    return (
        (not one.deleted or extract.since is not None)
        and (not extract.types or one.type in extract.types)
        and (extract.since is None or one.updated >= extract.since)
        and (extract.until is None or one.updated < extract.until)
        and (not extract.owned or _is_owned(row))
        and (extract.patients is None or _is_theirs(extract.patients, row))
        and _meets(extract.queries, row)
    )


def _is_owned(row: Row) -> bool:
    if row.stored.type != "Patient" and row.stored.type not in in_compartment("Patient"):
        return False
    return row.tree is None or bool(patient_of(row.tree))


def _is_theirs(patients: tuple[str, ...], row: Row) -> bool:
    """A deletion says nothing of whom it was about; it lies where its past lies, with the resident."""
    if row.tree is None:
        return row.shard in set(map(shards.of_patient, patients))
    return any(in_this_compartment(row, "Patient", one) for one in patients)


def _meets(queries: tuple[Query, ...], row: Row) -> bool:
    mine = [query for query in queries if query.type == row.stored.type]
    if not mine or row.tree is None:
        return True
    return any(all(clause_matches(clause, row) for clause in query.clauses) for query in mine)
