"""A table taken into the registries: judged, compared with what is there, told, and, unless it is a preview, written.

Writing again changes nothing, so a load that was interrupted is gone on with by the same command.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from minkang.fhir.problem import Conflict
from minkang.fhir.resource import Resource, exact, from_exact
from minkang.fhir.search import grammar
from minkang.platform.registries import tables
from minkang.platform.registries.difference import Change, Difference, Known, difference
from minkang.platform.registries.resources import TAG, TYPES, names_of, needs, references, resources_of
from minkang.platform.registries.tables import Kind, Row, Rows
from minkang.store.contract import Entry, Repository

BATCH = 500
"""Resources of one transaction."""

PAGE = "1000"
MANY_ENDED = 0.1
"""Share of what counts now that a file may end without being told to: a file cut short must not close a city."""
FEW_ENDED = 5


@dataclass(slots=True)
class Report:
    """What a file did, or would do. `remarks`: what was not done, and why."""

    kind: Kind
    rows: Rows
    difference: Difference
    remarks: list[str]
    written: bool = False


class Registries:
    """For one caller's repository."""

    def __init__(self, repository: Repository) -> None:
        self._repository = repository

    async def load(
        self,
        kind: str,
        headings: Sequence[str],
        rows: Sequence[Sequence[str]],
        lines: Sequence[int],
        day: str,
        *,
        whole: bool = True,
        dry_run: bool = False,
        end_many: bool = False,
    ) -> Report:
        """`lines`: numbers of the rows, as they are told. `day`: today, when what vanished ends. `whole`: the file
        tells everything there is. Raises Incorrect for wrong headings, Conflict for what would end too much."""
        of = tables.kind(kind)
        judged = tables.judged(of, headings, rows, lines)
        told = await self._told(kind, judged, day)
        known = await self._known(kind, list(told))
        remarks: list[str] = []
        if judged.unnamed and whole:
            remarks.append(f"Nothing is ended: of {judged.unnamed} bad rows it cannot be read whom they tell of.")
        held = {name for key in judged.held for name in names_of(kind, key)}
        held |= {name for name, one in known.items() if one.tree["resourceType"] != "Organization"
                 and held.intersection(references([one.tree]))}  # fmt: skip
        found = difference(told, known, held, day, kind, whole=whole and not judged.unnamed)
        report = Report(of, judged, found, remarks)
        _must_not_end_too_much(report, known, dry_run=dry_run, end_many=end_many)
        if not dry_run:
            await self._write(found.changes)
            report.written = True
        return report

    async def show(self, kind: str) -> list[Resource]:
        """All that is in a registry, by type and name."""
        tables.kind(kind)
        found = [one.tree for one in (await self._tagged(kind)).values()]
        return sorted(found, key=lambda tree: (tree["resourceType"], str(tree.get("name", "")), tree["id"]))

    async def _told(self, kind: str, rows: Rows, day: str) -> dict[str, Resource]:
        """By `Type/id`; rows that need what is nowhere, or contradict others, are moved to the bad ones."""
        there = await self._there({need for row in rows.good for _, _, need in needs(kind, row.cells)})
        while True:
            told: dict[str, Resource] = {}
            good = [row for row in rows.good if _agrees(kind, row, rows, told, day)]
            kept = [row for row in good if _has_all(kind, row, rows, there | told.keys())]
            settled = len(kept) == len(rows.good)
            rows.good = kept
            if settled:
                return told

    async def _there(self, names: set[str]) -> set[str]:
        found = await self._repository.read_many([_split(name) for name in sorted(names)])
        return {f"{type}/{id}" for type, id in found}

    async def _known(self, kind: str, told: Sequence[str]) -> dict[str, Known]:
        """What the registry holds, and what is there under the ids of `told` though others wrote it."""
        found = await self._tagged(kind)
        others = await self._repository.read_many([_split(name) for name in told if name not in found])
        for (type, id), stored in others.items():
            if not stored.deleted:
                found[f"{type}/{id}"] = Known(exact(stored.content), stored.version)
        return found

    async def _tagged(self, kind: str) -> dict[str, Known]:
        found: dict[str, Known] = {}
        for type in TYPES[kind]:
            cursor: str | None = None
            while True:
                pairs = [("_tag", f"{TAG}|{kind}"), ("_count", PAGE)]
                pairs += [("_cursor", cursor)] if cursor else []
                page = await self._repository.search(grammar.parse(type, pairs, strict=True))
                for hit in page.hits:
                    found[f"{type}/{hit.stored.id}"] = Known(exact(hit.stored.content), hit.stored.version)
                cursor = page.next
                if cursor is None:
                    break
        return found

    async def _write(self, changes: Sequence[Change]) -> None:
        for at in range(0, len(changes), BATCH):
            await self._repository.transaction([_entry(one) for one in changes[at : at + BATCH]])


def _entry(change: Change) -> Entry:
    """Whoever changed it in between is not overwritten: the load ends with Conflict, and is begun again."""
    tree = change.tree
    return Entry(
        "PUT",
        tree["resourceType"],
        tree["id"],
        parsed=from_exact(tree),
        if_match=change.version or None,
        if_none_match=None if change.version else "*",
    )


def _agrees(kind: str, row: Row, rows: Rows, told: dict[str, Resource], day: str) -> bool:
    """Puts what the row tells into `told`, unless another row tells the same differently."""
    made = {f"{tree['resourceType']}/{tree['id']}": tree for tree in resources_of(kind, row.cells, day)}
    for name, tree in made.items():
        if told.get(name, tree) != tree:
            column = rows_column(kind)
            rows.refuse(row, column, row.key[0], "the same name, sex, profession and licence as in the rows before")
            return False
    told.update(made)
    return True


def rows_column(kind: str) -> str:
    """The heading of what names a row."""
    return tables.kind(kind).columns[0].zh


def _has_all(kind: str, row: Row, rows: Rows, there: set[str]) -> bool:
    own = names_of(kind, row.key)
    for column, value, need in needs(kind, row.cells):
        if need not in there:
            rows.refuse(row, column, value, "a code that is in the registry or in a good row of this file")
            return False
        if need in own:
            rows.refuse(row, column, value, "another code than its own")
            return False
    return True


def _must_not_end_too_much(report: Report, known: dict[str, Known], *, dry_run: bool, end_many: bool) -> None:
    count = report.difference.count("ended")
    if count <= FEW_ENDED or count <= MANY_ENDED * len(known) or end_many:
        return
    words = f"The file would end {count} of {len(known)}. Is it cut short? If it is meant, say --end-many."
    if not dry_run:
        raise Conflict(words)
    report.remarks.append(words)


def _split(name: str) -> tuple[str, str]:
    type, _, id = name.partition("/")
    return type, id
