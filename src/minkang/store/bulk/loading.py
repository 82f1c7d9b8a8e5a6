"""One chunk of NDJSON into the store: checked, indexed, sealed, and copied in one transaction with its own progress.

    prepare   parse, check and index every line; what is refused is told with its line number (pure)
    copy      the usual case: nothing of it was there before, so the rows go in by COPY
    merge     something was there: the ordinary write decides what is new, changed or equal
    tell      the chunk's row of progress and the lines refused, in the same transaction

So a kill at any moment leaves a chunk wholly in or not at all, and an import goes on where it was.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import blake2b
from typing import Any, NamedTuple

import asyncpg
import orjson

from minkang.fhir.primitives import ID
from minkang.fhir.problem import Conflict, Incorrect, Problem, TooLarge, outcome
from minkang.fhir.references import patient_of
from minkang.fhir.resource import members, parse, stamped_members
from minkang.fhir.validation import check
from minkang.kit.db import Connection
from minkang.store import shards
from minkang.store.bulk.binary import ResourceRows, locator_rows, text_rows
from minkang.store.bulk.lines import LONGEST, Chunk
from minkang.store.index import Indexer, Terms
from minkang.store.parameters import Parameters
from minkang.store.rows import Name, TextRow, organization_number
from minkang.store.scope import EVERYTHING, Actor
from minkang.store.seal import Sealer, name_of
from minkang.store.sql import SQL
from minkang.store.transaction import BULK, EVERYBODY
from minkang.store.types import NAMES, NUMBERS
from minkang.store.write import Raced, Write

_ID = re.compile(ID)
_TO_CARRY_OUT = frozenset({"transaction", "batch"})
_TRIES = 5
_RACES = (Raced, asyncpg.UniqueViolationError, asyncpg.SerializationError, asyncpg.DeadlockDetectedError)


class Place(NamedTuple):
    """Which import, and which of its files."""

    job: str
    file: int


class Counts(NamedTuple):
    """What became of the lines of a chunk."""

    created: int = 0
    updated: int = 0
    unchanged: int = 0
    rejected: int = 0


class Sound(NamedTuple):
    """A line that will go in. Its tree is not kept: a thousand trees at once push each other out of the processor's
    cache. `raw`: its members, used up by COPY; `patient`: the first it names; `words`: as if it lived in shard 0."""

    text: bytes
    raw: dict[str, Any]
    patient: str | None
    terms: Terms
    words: TextRow | None


@dataclass(slots=True)
class Prepared:
    """Lines that are sound, by name, and those that are not. `again`: later versions of names that came before."""

    resources: dict[Name, Sound] = field(default_factory=dict[Name, Sound])
    again: list[tuple[Name, Sound]] = field(default_factory=list[tuple[Name, Sound]])
    rejected: list[tuple[int, Problem]] = field(default_factory=list[tuple[int, Problem]])


@dataclass(slots=True)
class _Made:
    """Rows; claims of ids that do not tell where they live; names that no claim guards; rows of words."""

    rows: ResourceRows
    claims: list[tuple[int, str, int]] = field(default_factory=list[tuple[int, str, int]])
    unclaimed: list[Name] = field(default_factory=list[Name])
    texts: list[TextRow] = field(default_factory=list[TextRow])


class Loader:
    """Loads chunks for one actor, one after the other."""

    def __init__(self, sealer: Sealer, parameters: Parameters, actor: Actor, source: str) -> None:
        self._sealer = sealer
        self._parameters = parameters
        self._indexer = parameters.indexer
        self._actor = actor
        self._source = f"import:{source}"

    async def load(self, connection: Connection[Any], place: Place, chunk: Chunk) -> Counts:
        """Raises what the database raises when it is away or full; then nothing of the chunk is in."""
        prepared, version, copying = Prepared(), -1, True
        for _ in range(_TRIES):
            await self._parameters.keep(connection)
            if version != self._parameters.version:
                prepared, version = prepare(place, chunk, self._indexer), self._parameters.version
                copying = copying and not prepared.again
            try:
                async with connection.transaction():
                    counts = await (self._copy if copying else self._merge)(connection, prepared)
                    await _tell(connection, place, chunk, prepared, counts)
                return counts
            except _Known:
                copying = False
            except _RACES as error:
                copying = False
                if getattr(error, "constraint_name", None) == "import_chunk_pkey":
                    return await _done(connection, place, chunk)
        raise Conflict("Others keep changing the same resources; run the import again.")

    async def _copy(self, connection: Connection[Any], prepared: Prepared) -> Counts:
        """Raises _Known, or asyncpg.UniqueViolationError, when something was there before."""
        batch, updated = await _begin(connection)
        patients = {one.patient for one in prepared.resources.values() if one.patient is not None}
        made = self._made(prepared, await _located(connection, patients), batch, updated)
        where = [shards.natural(*name) for name in made.unclaimed]
        types, ids = [NUMBERS[type] for type, _ in made.unclaimed], [id for _, id in made.unclaimed]
        if where and await connection.fetchval(SQL["import_known"], where, types, ids):
            raise _Known
        count = made.rows.count
        if made.claims:
            await _copy_in(connection, "locator", locator_rows(made.claims))
        if count:
            told = (batch, updated, self._actor.reference, self._source, count)
            await connection.execute(SQL["import_batch"], *told)
            await _copy_in(connection, "resource", made.rows.data())
        if made.texts:
            await _copy_in(connection, "resource_text", text_rows(made.texts))
        return Counts(created=count, rejected=len(prepared.rejected))

    def _made(self, prepared: Prepared, located: dict[str, int], batch: int, updated: datetime) -> _Made:
        seal = self._sealer.seal
        org, region = organization_number(self._actor.organization), self._actor.division
        made = _Made(ResourceRows(batch, updated, org, region))
        for name, one in prepared.resources.items():
            type, id = name
            natural = shards.natural(type, id)
            shard = _home(name, one.patient, located)
            carried = shards.carried(id) is not None
            if shard != natural or (shards.is_personal(type) and not carried):
                # Also where it would live anyway: a door that puts the id under a patient meanwhile claims it, too.
                made.claims.append((NUMBERS[type], id, shard))
            if shard == natural or carried:
                made.unclaimed.append(name)
            content = seal(stamped_members(one.raw, id, 1, updated), name_of(type, id, 1))
            made.rows.add(shard, NUMBERS[type], id, one.terms.date, one.terms.keys, one.terms.flags, content)
            if one.words is not None:
                made.texts.append(one.words._replace(shard=shard))
        return made

    async def _merge(self, connection: Connection[Any], prepared: Prepared) -> Counts:
        """The ordinary write, in as many rounds as a name comes."""
        did = {"created": 0, "updated": 0, "unchanged": 0}
        for sound in _rounds(prepared):
            resources = {name: parse(one.text) for name, one in sound.items()}
            write = Write(connection, self._sealer, self._indexer, self._actor, EVERYTHING)
            await write.open([BULK, EVERYBODY], [])
            patients = {("Patient", id) for parsed in resources.values() for id in patient_of(parsed.tree)}
            await write.locate(patients | set(resources))
            await write.find(resources)
            for (type, id), parsed in resources.items():
                did[write.put(type, id, parsed).did] += 1
            await write.flush(self._source)
        return Counts(**did, rejected=len(prepared.rejected))


class _Known(Exception):
    """Something of the chunk was there before."""


def prepare(place: Place, chunk: Chunk, indexer: Indexer) -> Prepared:
    """Every line of a chunk."""
    prepared = Prepared()
    if chunk.overlong:
        prepared.rejected.append((chunk.line, TooLarge(f"The line is longer than {LONGEST} bytes.")))
    for number, line in enumerate(chunk.data.split(b"\n"), chunk.line):
        if not line or line.isspace():
            continue
        try:
            name, sound = _sound(line, f"{place.job}/{place.file}/{number}", indexer)
        except Problem as problem:
            prepared.rejected.append((number, problem))
            continue
        if name in prepared.resources:
            prepared.again.append((name, sound))
        else:
            prepared.resources[name] = sound
    return prepared


def _sound(line: bytes, origin: str, indexer: Indexer) -> tuple[Name, Sound]:
    """One resource and the name it gets. Raises Incorrect."""
    parsed = parse(line)
    check(parsed.tree)
    type, id = parsed.tree["resourceType"], parsed.tree.get("id")
    if type == "Bundle" and parsed.tree["type"] in _TO_CARRY_OUT:
        raise Incorrect(f"A Bundle of type {parsed.tree['type']} is a request: send it to the FHIR door.")
    patients = patient_of(parsed.tree)
    if id is None:
        id = _new_id(type, patients, origin)
    elif not _ID.fullmatch(id):
        raise Incorrect(f"The id {id[:80]!r} is not 1 to 64 letters, digits, - and full stops.")
    patient = patients[0] if patients else None
    raw = members(parsed.text)
    terms, words = indexer.index(type, id, parsed, raw, patients), indexer.text_row(0, type, id, parsed.tree)
    return (type, id), Sound(parsed.text, raw, patient, terms, words)


def _new_id(type: str, patients: list[str], origin: str) -> str:
    """For a resource without one: from its place in the import, so that a line read twice is one resource."""
    number = int.from_bytes(blake2b(origin.encode(), digest_size=8).digest(), "big")
    owned = bool(patients) and shards.is_personal(type)
    return shards.made_of(shards.of_patient(patients[0]) if owned else number >> 1, number)


def _home(name: Name, patient: str | None, located: dict[str, int]) -> int:
    """The shard of a resource: its first patient's, as in `Write`."""
    type, id = name
    if type == "Patient":
        return located.get(id) or shards.natural(type, id)
    if patient is None or not shards.is_personal(type):
        return shards.hashed(type, id)
    return located.get(patient) or shards.of_patient(patient)


def _rounds(prepared: Prepared) -> Iterable[dict[Name, Sound]]:
    """Each name once a round, in the order of the lines."""
    yield prepared.resources
    left = prepared.again
    while left:
        now: dict[Name, Sound] = {}
        later: list[tuple[Name, Sound]] = []
        for name, sound in left:
            if name in now:
                later.append((name, sound))
            else:
                now[name] = sound
        yield now
        left = later


async def _begin(connection: Connection[Any]) -> tuple[int, datetime]:
    row = await connection.fetchrow(SQL["begin"], [BULK, EVERYBODY], [])
    assert row is not None  # noqa: S101 - it always answers
    return row["batch"], row["updated"]


async def _located(connection: Connection[Any], patients: Iterable[str]) -> dict[str, int]:
    """Where those of the patients named live whose ids do not tell it."""
    ids = sorted(set(patients))
    rows = await connection.fetch(SQL["locate"], [NUMBERS["Patient"]] * len(ids), ids)
    return {row["id"]: row["shard"] for row in rows if NAMES[row["type"]] == "Patient"}


async def _done(connection: Connection[Any], place: Place, chunk: Chunk) -> Counts:
    """What became of a chunk that is in already: the answer to it was lost, or a loader whose parent died was at it."""
    row = await connection.fetchrow(SQL["import_chunk_counts"], place.job, place.file, chunk.begin)
    assert row is not None  # noqa: S101 - its key has just been in our way
    return Counts(*row)


async def _copy_in(connection: Connection[Any], table: str, data: bytes) -> None:
    await connection.copy_to_table(table, source=io.BytesIO(data), format="binary")


async def _tell(connection: Connection[Any], place: Place, chunk: Chunk, prepared: Prepared, counts: Counts) -> None:
    # First, so that it is this key that says when the chunk is in already.
    await connection.execute(SQL["import_chunk"], place.job, place.file, chunk.begin, len(chunk.data), *counts)
    if prepared.rejected:
        lines = [number for number, _ in prepared.rejected]
        reasons = [orjson.dumps(outcome(problem)).decode() for _, problem in prepared.rejected]
        await connection.execute(SQL["import_reject"], place.job, place.file, lines, reasons)
