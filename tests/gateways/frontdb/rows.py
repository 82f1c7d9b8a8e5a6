"""Invented rows for every table, as drivers give them."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any

from minkang.gateways.frontdb.wire import Column, Table, layout, sets

CHANGED = datetime(2026, 1, 5, 8, 10)


def a_value(column: Column) -> Any:
    if column.set:
        told = sets()[column.set]
        return next(iter(told.get("map") or told["codes"]))
    if column.kind in ("text", "code"):
        return f"{column.name} 值"[: column.size[0]]
    return {
        "date": date(2026, 1, 4),
        "datetime": datetime(2026, 1, 4, 9, 30),
        "decimal": Decimal("12.50"),
        "integer": 80,
    }[column.kind]


def a_row(name: str, **other: Any) -> dict[str, Any]:
    """Every column filled."""
    table: Table = layout()[name]
    shared = {
        "org_code": "H1",
        "patient_id": "P1",
        "visit_no": "V1",
        "report_no": "R1",
        "id_card_no": "380101199001011239",
    }
    row = {one.name: shared.get(one.name, a_value(one)) for one in table.columns}
    return row | {"deleted": 0, "update_time": CHANGED} | other


def a_thin_row(name: str, **other: Any) -> dict[str, Any]:
    """Only what must be."""
    table = layout()[name]
    needed = {one.name for one in table.columns if one.need} | {*table.keys}
    return {one: value if one in needed else None for one, value in a_row(name).items()} | other
