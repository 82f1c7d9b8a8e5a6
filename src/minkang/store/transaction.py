"""Several writes that happen together or not at all. http://hl7.org/fhir/R4/http.html#transaction

A single create, update or delete is a transaction of one entry, so there is one way to write.

    0. open       hold the residents, and alone the resources and criteria that are named
    1. criteria   ask who answers them (If-None-Exist, conditional update, conditional references)
    2. ids        every entry gets its name, so that references inside the bundle can be rewritten to it
    3. find       the rows to be changed, held
    4. write      DELETE, POST, PUT and PATCH, in this order
    5. read       GET entries see what was written
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from hashlib import blake2b
from types import MappingProxyType
from typing import Any

from minkang.fhir.bundles import rewrite_references, rewriting
from minkang.fhir.problem import Conflict, Gone, Incorrect, NotFound, PreconditionFailed
from minkang.fhir.references import patient_texts, patients_among
from minkang.fhir.search.query import Query
from minkang.store import shards
from minkang.store.contract import Entry, Stored, Written
from minkang.store.rows import Name, check_writable
from minkang.store.write import Write

Finder = Callable[[Query], Awaitable[list[Stored]]]
"""Answers a criterion inside this transaction with at most two resources: enough to tell none, one and many apart."""

_NONE: Mapping[str, str] = MappingProxyType({})
_ORDER = {"DELETE": 0, "POST": 1, "PUT": 2, "PATCH": 2, "GET": 3}


async def open(write: Write, entries: Sequence[Entry], message: str | None = None) -> None:
    """Hold what this transaction is about: residents against a merge, and alone: the resources it names, its criteria
    (two senders of one criterion must not both find nothing and both create) and its message."""
    alone = {f"{entry.type}/{entry.id}" for entry in entries if entry.id is not None and entry.method != "GET"}
    alone |= {f"{entry.type}?{entry.condition.applied!r}" for entry in entries if entry.condition is not None}
    if message is not None:
        alone.add(message)
    patients = {id for entry in entries for id in _patients_of(entry)}
    patients |= {entry.id for entry in entries if entry.type == "Patient" and entry.id is not None}
    residents = {shards.of_patient(id) for id in patients}
    if len(alone) + len(residents) > MOST_HOLDS:
        await write.open([], [EVERYBODY])
    else:
        await write.open(sorted({*residents, EVERYBODY}), sorted(map(_number, alone)))


def _number(text: str) -> int:
    """The lock number of a name."""
    return int.from_bytes(blake2b(text.encode(), digest_size=8).digest(), "big", signed=True)


MOST_HOLDS = 256
"""Names one transaction holds one by one: PostgreSQL keeps locks in a table of some 6400 places for all together, and
"out of shared memory" is what the one that finds it full is told. A larger one waits until it is the only writer."""

EVERYBODY = _number("everybody")
"""Held by every writer, shared; alone by one that names too much to hold."""

BULK = _number("bulk")
"""Held shared by an import instead of the thousands of residents of a chunk: who moves a resident takes it alone."""


async def perform(write: Write, entries: Sequence[Entry], find: Finder) -> list[Written | None]:
    """Carry out the writing entries; results in the order of `entries` (None for GET and for vain deletes).

    Call `open` before. Nothing is sent before `write.flush`. Raises the problems of the single interactions.
    """
    answers: list[Written | None] = [None] * len(entries)
    places = {place: entry for place, entry in enumerate(entries) if entry.method != "GET"}
    for entry in places.values():
        check_writable(write.scope, entry.type)
    await _meet_conditions(places, answers, find)
    rewritten = await _resolve(write, entries, places, answers, find)
    await _prepare(write, rewritten)
    for place in sorted(rewritten, key=lambda place: _ORDER[rewritten[place].method]):
        answers[place] = _apply(write, rewritten[place])
    return answers


async def _meet_conditions(places: dict[int, Entry], answers: list[Written | None], find: Finder) -> None:
    """Turn conditional entries into plain ones, or answer them at once."""
    unmet: set[tuple[str, Any]] = set()
    for place, entry in list(places.items()):
        if entry.condition is None:
            continue
        found = await find(entry.condition)
        if not found and entry.method in ("POST", "PUT"):
            criterion = (entry.type, entry.condition.applied)
            if criterion in unmet:  # each alone would find the other's
                raise Incorrect(f"Two entries would create a {entry.type} under one criterion.")
            unmet.add(criterion)
        if len(found) > 1:
            raise PreconditionFailed(f"Several {entry.type} meet the criterion; it must name at most one.")
        plain = _plain(entry, found[0] if found else None)
        if isinstance(plain, Entry):
            places[place] = plain
        else:
            answers[place] = plain
            del places[place]


def _plain(entry: Entry, found: Stored | None) -> Entry | Written | None:
    """A conditional entry, now that we know what meets its condition. http://hl7.org/fhir/R4/http.html#cond-update"""
    if entry.method == "POST":
        return Written(found, "unchanged") if found else replace(entry, condition=None)
    if found:
        sent = entry.parsed.tree.get("id") if entry.parsed else None
        if entry.method == "PUT" and sent not in (None, found.id):
            raise Incorrect(f"The criterion is met by {found.type}/{found.id}, but the body's id is another.")
        return replace(entry, id=found.id, condition=None)
    if entry.method == "DELETE":
        return None
    if entry.method == "PATCH":
        raise NotFound(f"No {entry.type} meets the criterion.")
    sent = entry.parsed.tree.get("id") if entry.parsed else None
    return replace(entry, id=sent, method="PUT" if sent else "POST", condition=None, must_be_new=True)


async def _resolve(
    write: Write,
    entries: Sequence[Entry],
    places: dict[int, Entry],
    answers: list[Written | None],
    find: Finder,
) -> dict[int, Entry]:
    """Give every entry its id and rewrite the references between them, patients first: ids carry their shard.

    The entries are the caller's copies and are changed in place.
    """
    targets = {
        entry.full_url: f"{written.stored.type}/{written.stored.id}"
        for entry, written in zip(entries, answers, strict=True)
        if written and entry.full_url
    }
    targets |= await _conditional_references(places.values(), find)
    for entry in places.values():
        if entry.method == "POST" and not shards.is_personal(entry.type):
            entry.id = shards.new_id(entry.type, None)
        if entry.full_url and entry.id:
            targets[entry.full_url] = f"{entry.type}/{entry.id}"
    await write.locate(_patients(places.values(), targets))
    for entry in places.values():
        if entry.method == "POST" and entry.id is None and entry.parsed:
            entry.id = write.new_id(entry.type, _patients_of(entry, targets))
            if entry.full_url:
                targets[entry.full_url] = f"{entry.type}/{entry.id}"
    for entry in places.values():
        if entry.parsed is not None:
            entry.parsed = rewrite_references(entry.parsed, targets, full_url=entry.full_url)
        elif entry.patch is not None:
            entry.patch = rewriting(entry.patch, targets)
    return places


def _patients_of(entry: Entry, targets: Mapping[str, str] = _NONE) -> list[str]:
    """`references.patient_of` what an entry brings, looked for once and asked three times."""
    if entry.parsed is None:
        return []
    if entry.type == "Patient":
        own = entry.parsed.tree.get("id")
        return [own] if own else []
    if entry.patients is None:
        entry.patients = patient_texts(entry.parsed.tree)
    return patients_among(entry.patients, targets)


async def _conditional_references(entries: Any, find: Finder) -> dict[str, str]:
    """http://hl7.org/fhir/R4/http.html#trules: a reference may be a search that one resource must meet."""
    found: dict[str, str] = {}
    for entry in entries:
        for text, query in entry.references.items():
            if text not in found:
                hits = await find(query)
                if len(hits) != 1:
                    many = "several resources" if hits else "no resource"
                    raise PreconditionFailed(f"A conditional reference to {query.type} is met by {many}.")
                found[text] = f"{hits[0].type}/{hits[0].id}"
    return found


def _patients(entries: Any, targets: dict[str, str]) -> set[Name]:
    """The Patients whose shard must be known before ids can be made."""
    names = {("Patient", id) for entry in entries for id in _patients_of(entry)}
    names |= {("Patient", name.removeprefix("Patient/")) for name in targets.values() if name.startswith("Patient/")}
    return names


async def _prepare(write: Write, entries: dict[int, Entry]) -> None:
    """Locate and hold every row that is to be changed."""
    names = [(entry.type, entry.id) for entry in entries.values() if entry.method != "POST" and entry.id]
    twice = [name for name, times in Counter(names).items() if times > 1]
    if twice:
        raise Incorrect(f"{'/'.join(twice[0])} is written twice in one transaction.")
    await write.locate(names)
    await write.find(names)


def _apply(write: Write, entry: Entry) -> Written | None:
    assert entry.id is not None  # noqa: S101 - every entry was named above
    if entry.method == "DELETE":
        return write.remove(entry.type, entry.id, if_match=entry.if_match)
    if entry.method == "PATCH":
        return _patch(write, entry)
    assert entry.parsed is not None  # noqa: S101 - POST and PUT carry a resource
    if entry.method == "POST":
        return write.create(entry.type, entry.id, entry.parsed)
    current = write.current(entry.type, entry.id)
    if entry.must_be_new and current is not None and not current.deleted:
        raise Conflict(f"No {entry.type} meets the criterion, but {entry.type}/{entry.id} exists already.")
    condition = {"if_match": entry.if_match, "if_none_match": entry.if_none_match}
    return write.put(entry.type, entry.id, entry.parsed, **condition)  # type: ignore[arg-type]


def _patch(write: Write, entry: Entry) -> Written:
    assert entry.id is not None and entry.patch is not None  # noqa: S101, PT018 - a PATCH names its target
    current = write.current(entry.type, entry.id)
    if current is None:
        raise NotFound(f"There is no {entry.type}/{entry.id}.")
    if current.deleted:
        raise Gone(f"{entry.type}/{entry.id} was deleted with version {current.version}.")
    return write.put(entry.type, entry.id, entry.patch(current.content), if_match=entry.if_match)
