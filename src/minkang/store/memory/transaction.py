"""Many writes or none (http://hl7.org/fhir/R4/http.html#transaction).

    1. conditions  of every entry and conditional reference are asked of what was there before
    2. identities  every entry gets its id, so that references may point forward, and no resource is written twice
    3. writes      deletes, then creates, then updates and patches
    4. reads       see what was written

The answers come in the order of the request: a Written, None for a delete of nothing, or what a read answered.
Undoing is the caller's part.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from minkang.fhir.bundles import rewrite_references, rewriting
from minkang.fhir.problem import Incorrect, NotFound, PreconditionFailed
from minkang.store.contract import Entry, Repository, Written
from minkang.store.memory.rows import Row
from minkang.store.memory.writing import Writer, new_id

_ORDER = ("DELETE", "POST", "PUT", "PATCH")


async def perform(writer: Writer, entries: Sequence[Entry], repository: Repository) -> list[Written | Any]:
    found = [writer.only_match(entry.condition) if entry.condition is not None else None for entry in entries]
    _refuse_twins(entries, found)
    targets = _conditional_references(writer, entries)
    named = _named(writer, entries, found, targets)
    _refuse_overlaps(named, found)
    answers: list[Written | Any] = [None] * len(entries)
    for method in _ORDER:
        for place, entry in enumerate(named):
            if entry.method == method:
                answers[place] = _write(writer, entry, found[place], targets)
    for place, entry in enumerate(named):
        if entry.method == "GET" and entry.read is not None:
            answers[place] = await entry.read(repository)
    return answers


def _conditional_references(writer: Writer, entries: Sequence[Entry]) -> dict[str, str]:
    """By the text of the reference: the one resource that meets it."""
    targets: dict[str, str] = {}
    for entry in entries:
        for text, query in entry.references.items():
            row = writer.only_match(query)
            if row is None:
                raise PreconditionFailed(f"No {query.type} meets the conditional reference.")
            targets[text] = f"{row.stored.type}/{row.stored.id}"
    return targets


def _named(
    writer: Writer, entries: Sequence[Entry], found: Sequence[Row | None], targets: dict[str, str]
) -> list[Entry]:
    """The entries with their ids. Adds what their full urls stand for to `targets`.

    Patients come first: the id made for a personal resource tells whose it is, and that may be one of them.
    """
    named = list(entries)
    for place in sorted(range(len(named)), key=lambda place: named[place].type != "Patient"):
        named[place] = entry = replace(named[place], id=_identity(writer, named[place], found[place], targets))
        if entry.full_url is not None and entry.id is not None and entry.method in {"POST", "PUT"}:
            targets[entry.full_url] = f"{entry.type}/{entry.id}"
    return named


def _identity(writer: Writer, entry: Entry, found: Row | None, targets: dict[str, str]) -> str | None:
    if found is not None:
        return found.stored.id
    if entry.parsed is None or entry.method == "PATCH" or (entry.method == "PUT" and entry.condition is None):
        return entry.id
    own_id = entry.parsed.tree.get("id")
    if entry.method == "PUT" and own_id is not None:
        return own_id
    return new_id(entry.type, rewrite_references(entry.parsed, targets, full_url=entry.full_url))


def _refuse_twins(entries: Sequence[Entry], found: Sequence[Row | None]) -> None:
    """Two entries that would create under one criterion: each alone would find the other's."""
    seen: list[Any] = []
    for entry, row in zip(entries, found, strict=True):
        if entry.condition is not None and row is None and entry.method in {"POST", "PUT"}:
            criterion = (entry.type, entry.condition.applied)
            if criterion in seen:
                raise Incorrect(f"The transaction would create a {entry.type} twice under one criterion.")
            seen.append(criterion)


def _refuse_overlaps(named: Sequence[Entry], found: Sequence[Row | None]) -> None:
    """ "If any resource identities overlap, the transaction SHALL fail" (the same chapter)."""
    seen: set[tuple[str, str | None]] = set()
    for entry, row in zip(named, found, strict=True):
        if entry.method == "GET" or entry.id is None or (entry.method == "POST" and row is not None):
            continue
        if (entry.type, entry.id) in seen:
            raise Incorrect(f"The transaction writes {entry.type}/{entry.id} twice.")
        seen.add((entry.type, entry.id))


def _write(writer: Writer, entry: Entry, found: Row | None, targets: dict[str, str]) -> Written | None:
    if entry.method == "DELETE":
        return writer.delete(entry.type, entry.id, if_match=entry.if_match) if entry.id is not None else None
    if entry.method == "PATCH":
        if entry.id is None or entry.patch is None:
            raise NotFound(f"No {entry.type} meets the condition.")
        return writer.patch(entry.type, entry.id, rewriting(entry.patch, targets), if_match=entry.if_match)
    if entry.parsed is None or entry.id is None:
        raise Incorrect(f"A {entry.method} entry needs a resource.")
    parsed = rewrite_references(entry.parsed, targets, full_url=entry.full_url)
    if entry.method == "POST":
        return Written(found.stored, "unchanged") if found is not None else writer.create(entry.type, parsed, entry.id)
    if entry.condition is not None:
        return writer.update_found(entry.type, found, parsed, entry.id, if_match=entry.if_match)
    return writer.update(entry.type, entry.id, parsed, if_match=entry.if_match, if_none_match=entry.if_none_match)
