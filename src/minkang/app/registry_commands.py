"""`minkang registry`: tables of institutions, departments and practitioners into the record, with what changes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

from minkang.app.exporting import OPERATOR
from minkang.app.in_store import in_store
from minkang.fhir.problem import Incorrect, Problem
from minkang.fhir.resource import from_exact
from minkang.gateways.files import wire
from minkang.kit import clock
from minkang.kit.settings import Settings
from minkang.kit.trouble import Trouble
from minkang.platform.registries import tables
from minkang.platform.registries.difference import Change
from minkang.platform.registries.loading import Registries, Report
from minkang.store.scope import EVERYTHING

MAX_FILE = 64 << 20
TOLD = 50
"""Changes and bad rows that are printed; a report file has all of them."""


def load(
    settings: Settings, kind: str, file: Path, *, part: bool, dry_run: bool, end_many: bool, report: Path | None
) -> int:
    """Prints what changes. How many rows were refused."""
    if not file.is_file():
        raise Trouble(f"{file} is not there.")
    if file.stat().st_size > MAX_FILE:
        raise Trouble(f"{file} is larger than {MAX_FILE >> 20} MiB: load it in parts, with --part.")
    try:
        tables.kind(kind)
        table = wire.read(file.read_bytes())
    except Incorrect as error:
        raise Trouble(f"{file}: {error.text}") from None
    day = clock.now().date().isoformat()

    found = in_store(
        settings,
        lambda store: Registries(store.repository(OPERATOR, EVERYTHING)).load(
            kind, *table, day, whole=not part, dry_run=dry_run, end_many=end_many
        ),
    )
    _tell(found)
    if report is not None:
        _write(report, found)
    return len({one.line for one in found.rows.bad})


def show(settings: Settings, kind: str) -> None:
    """A line of JSON for each resource."""
    found = in_store(settings, lambda store: Registries(store.repository(OPERATOR, EVERYTHING)).show(kind))
    for tree in found:
        _say(from_exact(tree).text.decode())


def columns(kind: str) -> None:
    """The headings of a table and what may stand below them."""
    try:
        of = tables.kind(kind)
    except Problem as error:
        raise Trouble(error.text) from None
    table = Table("中文", "English", "Required", "What")
    for one in of.columns:
        what = "、".join(one.values) if one.values else one.rule
        table.add_row(one.zh, one.en, "yes" if one.required else "", f"{what}{', several' if one.many else ''}")
    Console(highlight=False, markup=False).print(table)


def _tell(found: Report) -> None:
    difference = found.difference
    counts = ", ".join(f"{difference.count(did):,} {did}" for did in ("added", "changed", "ended"))
    bad = len({one.line for one in found.rows.bad})
    _say(f"{found.kind.en}: {len(found.rows.good):,} rows taken, {bad:,} refused.")
    _say(f"Resources: {counts}, {difference.unchanged:,} unchanged. {'Written.' if found.written else 'Not written.'}")
    for one in found.remarks:
        _say(one)
    if found.rows.unknown:
        _say(f"Columns that are not taken: {'、'.join(found.rows.unknown)}")
    for one in _first(difference.changes):
        _say(f"  {one.did} {one.name}")
        for field in one.fields:
            _say(f"      {field.path}: {field.before or '-'} -> {field.after or '-'}")
    for one in found.rows.bad[:TOLD]:
        _say(f"  line {one.line}, {one.column}: {one.value!r}; expected {one.expected}")
    more = max(0, len(difference.changes) - TOLD) + max(0, len(found.rows.bad) - TOLD)
    if more:
        _say(f"  and {more:,} more: --report FILE has all.")


def _first(changes: Sequence[Change]) -> Sequence[Change]:
    return changes[:TOLD]


def _write(file: Path, found: Report) -> None:
    rows = [["refused", str(one.line), one.column, one.value, one.expected] for one in found.rows.bad]
    for change in found.difference.changes:
        rows += [[change.did, change.name, one.path, one.before, one.after] for one in change.fields] or [
            [change.did, change.name, "", "", ""]
        ]
    file.write_bytes(
        wire.written(["what", "line or resource", "column or element", "value or before", "expected or after"], rows)
    )


def _say(words: str) -> None:
    Console(soft_wrap=True, highlight=False, markup=False).print(words)
