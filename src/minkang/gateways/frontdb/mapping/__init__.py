"""A row of the front-end database to FHIR, by the paths of `tables.toml`. Pure."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from datetime import datetime

from minkang.fhir.resource import Resource
from minkang.gateways.frontdb.mapping.draft import Draft
from minkang.gateways.frontdb.mapping.values import moment
from minkang.gateways.frontdb.wire import Table, layout, unpacked
from minkang.platform.intake.reading import Cleared, Finding, Reading

__all__ = ["DOOR", "read"]

DOOR = "frontdb"


def read(content: bytes, sender: str, zone: str = "+08:00") -> Reading:
    """Bytes of one row to what is to be written. `sender`: id of the institution's Organization. Raises Incorrect for
    what is no row."""
    row = unpacked(content)
    table = layout().get(row.table)
    if table is None:
        return Reading(row.table, findings=[Finding("row-unknown-table", row.table, row.table)])
    reading = Reading(table.name, "/".join(row.values.get(one, "") for one in table.keys))
    draft = Draft(table, row.values, sender, zone)
    reading.happened = _happened(table, row.values, zone)
    reading.findings = draft.findings
    if draft.checked():
        reading.patient = draft.patient
        (_undone if row.values.get("deleted", "0") not in ("0", "", "N") else _written)(draft, table, reading)
    return reading


def _happened(table: Table, values: Mapping[str, str], zone: str) -> datetime | None:
    """When what the row tells of took place; without a column for that, when it was written."""
    for name in (table.day, "update_time"):
        told = moment(values.get(name, ""), zone)
        if told:
            return datetime.fromisoformat(told if "T" in told else f"{told}T00:00:00{zone}")
    return None


def _written(draft: Draft, table: Table, reading: Reading) -> None:
    draft.person()
    for shape in table.shapes:
        made = draft.resource(shape)
        if shape.yields:
            reading.yields[made] = _of_a_finished(shape.yields)
    draft.observations()
    draft.linked()
    reading.resources = list(draft.resources.values())
    # What the row said before its last correction and says no more.
    reading.gone = [one for one in draft.possible() if one not in draft.resources]
    if table.name == "patient":
        reading.cleared = [Cleared(draft.patient, path) for path in draft.emptied()]


def _of_a_finished(elements: tuple[str, ...]) -> Callable[[Resource], Collection[str]]:
    return lambda former: elements if former.get("status") == "finished" else ()


def _undone(draft: Draft, table: Table, reading: Reading) -> None:
    """A row that was taken back. A registration and a visit are told of by other rows as well: they say so and stay."""
    if table.name == "patient":
        draft.person()
        draft.resources[draft.patient]["active"] = False
    for shape in table.shapes:
        if shape.named == "visit":
            draft.person()
            made = draft.resource(shape, without=shape.forget)
            draft.resources[made]["status"] = shape.undone
            reading.cleared += [Cleared(made, path) for path in draft.forgotten(shape)]
    reading.resources = list(draft.resources.values())
    reading.gone = [one for one in draft.possible() if one not in draft.resources]
