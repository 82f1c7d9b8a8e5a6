"""The master index in the store: registrations are linked to residents, parted, merged, and all of that undone.

A resident is a number, that of the shard where the rows lie; the first registration of somebody gives its own. A linked
registration keeps its id and its words; its rows lie among those of the resident it is of. Every move is an event that
tells why and can be undone: those registrations go back whose event it was, wherever they have come since.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson

from minkang.fhir.problem import Conflict, Incorrect, NotFound
from minkang.fhir.resource import Resource
from minkang.kit.db import Connection
from minkang.platform.identity.blocking import keys
from minkang.platform.identity.composing import composed
from minkang.platform.identity.deciding import LINK, Pair, decided
from minkang.platform.identity.person import Person, person_of
from minkang.platform.identity.rules import second_number
from minkang.platform.identity.scoring import Weights
from minkang.store import residents, shards
from minkang.store.seal import Sealer, name_of
from minkang.store.sql import SQL
from minkang.store.terms import TermHash
from minkang.store.types import NUMBERS

MOST = 60
"""Registrations under one key, beyond which it tells nothing."""

RULES = "Device/master-index"
"""Who links by rule and chance."""

_PATIENT = NUMBERS["Patient"]


@dataclass(frozen=True, slots=True)
class Candidate:
    """A registration that might be of the same person, with the resident it is of, and its words."""

    patient: str
    resident: int
    tree: Resource


@dataclass(frozen=True, slots=True)
class Event:
    id: int
    at: datetime
    kind: str
    actor: str
    patients: tuple[str, ...]
    source: int
    target: int
    undoes: int | None
    undone: bool
    why: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Review:
    """A pair that a person looks at. `why`: what speaks for and against, field by field."""

    a: str
    b: str
    reason: str
    state: str
    chance: float
    at: datetime
    why: Mapping[str, Any]
    decided: datetime | None = None
    actor: str | None = None


@dataclass(frozen=True, slots=True)
class Counts:
    """`waiting`: pairs for people, by reason."""

    registrations: int
    residents: int
    waiting: Mapping[str, int]


class MasterIndex:
    """Works on the caller's connection, which is in a transaction."""

    def __init__(self, sealer: Sealer, hash: TermHash, weights: Weights) -> None:
        self._sealer, self._hash, self.weights = sealer, hash, weights

    # -- matching -----------------------------------------------------------------------------------------------------

    async def candidates(self, connection: Connection[Any], person: Person) -> list[Candidate]:
        """Those that share a key with it, with their words."""
        rows = await connection.fetch(SQL["candidates"], self._keys(person), person.id, MOST)
        return await self._read(connection, [(row["patient"], row["resident"]) for row in rows])

    async def matches(self, connection: Connection[Any], person: Person) -> list[tuple[Pair, Candidate]]:
        """Candidates that would be linked or looked at, the likeliest first."""
        found = {one.patient: one for one in await self.candidates(connection, person)}
        pairs = decided(person, (person_of(one.tree) for one in found.values()), self.weights)
        return [(pair, found[pair.other.id]) for pair in pairs]

    async def register(self, connection: Connection[Any], tree: Resource, version: int) -> None:
        """A registration came or changed: know its keys, link it to whom it is of, put what is doubtful before people.
        Those whom a person has parted are not linked again; nobody is parted here."""
        person = person_of(tree)
        found = await self.matches(connection, person)
        apart = await self._parted(connection, person.id, [one.patient for _, one in found])
        mine = await connection.fetchrow(SQL["registrations"], [person.id])
        resident = mine["resident"] if mine is not None else await self._home(connection, person.id)
        told = (person.id, resident, version, self._keys(person))
        await connection.execute(SQL["registered"], *told)
        linked: set[int] = {resident}
        for pair, one in found:
            if one.resident in linked or one.patient in apart:
                continue
            against = await self._against(connection, person, one.resident) if pair.outcome == LINK else ""
            if against:
                await self._doubt(connection, person.id, pair, against)
            elif pair.outcome == LINK and len(linked) == 1 and await self._is_alone(connection, resident):
                await self._link(connection, person.id, resident, one.resident, pair)
                resident = one.resident
                linked.add(resident)
            else:
                await self._doubt(connection, person.id, pair)

    async def forget(self, connection: Connection[Any], patient: str) -> None:
        """A registration was deleted."""
        await connection.execute(SQL["unregister"], patient)
        await connection.execute(SQL["reviews_gone"], patient)

    async def _home(self, connection: Connection[Any], patient: str) -> int:
        """Where a registration lives that nobody has judged yet."""
        rows = await connection.fetch(SQL["locate"], [_PATIENT], [patient])
        return rows[0]["shard"] if rows else shards.of_patient(patient)

    async def _against(self, connection: Connection[Any], person: Person, resident: int) -> str:
        """Why a registration cannot be of this resident, whichever of his it is like: a person has parted it from one
        of them, or one of them has another number than it; empty when nothing speaks against it."""
        names = await self._of(connection, resident)
        if await self._parted(connection, person.id, names):
            return "parted"
        his = await self._read(connection, [(name, resident) for name in names])
        return "two-numbers" if second_number(person, [person_of(one.tree) for one in his]) else ""

    async def _is_alone(self, connection: Connection[Any], resident: int) -> bool:
        """Two residents who have several registrations each are merged by people only."""
        return len(await connection.fetch(SQL["of_residents"], [resident])) <= 1

    async def _link(self, connection: Connection[Any], patient: str, source: int, target: int, pair: Pair) -> None:
        batch = await residents.hold(connection, [patient], RULES)
        await residents.move(connection, self._sealer, [patient], source, target, batch=batch, all=True)
        await connection.execute(SQL["reassign"], [patient], target)
        await self._note(connection, "link", RULES, [patient], source, target, why(pair, self.weights.version))

    async def _doubt(self, connection: Connection[Any], patient: str, pair: Pair, against: str = "") -> None:
        a, b = sorted((patient, pair.other.id))
        told = self._seal(why(pair, self.weights.version), f"review:{a}:{b}")
        reason = against or (pair.reason if pair.outcome != LINK else "two-residents")
        await connection.execute(SQL["review_put"], a, b, reason, pair.score.chance, told)

    async def _parted(self, connection: Connection[Any], patient: str, others: Sequence[str]) -> set[str]:
        if not others:
            return set()
        return {row["patient"] for row in await connection.fetch(SQL["parted"], patient, list(others))}

    def _keys(self, person: Person) -> list[int]:
        return sorted({self._hash.once(f"identity|{one}") for one in keys(person)})

    async def _read(self, connection: Connection[Any], names: Iterable[tuple[str, int]]) -> list[Candidate]:
        wanted = dict(names)
        if not wanted:
            return []
        told = (list(wanted.values()), [_PATIENT] * len(wanted), list(wanted))
        rows = await connection.fetch(SQL["read_many"], *told)
        found: list[Candidate] = []
        for row in rows:
            text = self._sealer.open(row["content"], name_of("Patient", row["id"], row["version"]))
            found.append(Candidate(row["id"], row["shard"], orjson.loads(text)))
        return found

    # -- by people ----------------------------------------------------------------------------------------------------

    async def merge(self, connection: Connection[Any], kept: str, other: str, *, actor: str, reason: str) -> int:
        """All registrations of the resident whom `other` is of are of the one whom `kept` is of. The number of the
        event. Raises NotFound, Conflict when they are one already, Incorrect without a reason."""
        _check_reason(reason)
        batch = await self._hold_all(connection, [kept, other], actor)
        target, source = await self._residents(connection, [kept, other])
        if target == source:
            raise Conflict(f"Patient/{kept} and Patient/{other} are one person already.")
        moving = await self._of(connection, source)
        await self._move(connection, moving, source, target, batch)
        event = await self._note(connection, "merge", actor, moving, source, target, {"reason": reason})
        await self._decide(connection, kept, other, "linked", actor, reason)
        return event

    async def part(self, connection: Connection[Any], patient: str, *, actor: str, reason: str) -> int:
        """This registration is somebody else's than those it was linked with: a resident of its own from now on. The
        number of the event. Raises NotFound, Conflict when it is alone, Incorrect without a reason."""
        _check_reason(reason)
        batch = await self._hold_all(connection, [patient], actor)
        [source] = await self._residents(connection, [patient])
        others = [one for one in await self._of(connection, source) if one != patient]
        if not others:
            raise Conflict(f"Patient/{patient} is linked with nobody.")
        target = shards.of_patient(patient)
        if target == source:  # the resident has its number: the others keep it, and the rows that lie there
            target = shards.hashed("resident", f"{patient}#{await self._next(connection)}")
        await self._move(connection, [patient], source, target, batch)
        event = await self._note(connection, "part", actor, [patient], source, target, {"reason": reason})
        for one in others:
            await self._decide(connection, patient, one, "apart", actor, reason)
        return event

    async def undo(self, connection: Connection[Any], event: int, *, actor: str, reason: str) -> int:
        """What an event moved goes back to the resident it was of, wherever it has come since. The number of the new
        event. Raises NotFound, Conflict for one that was undone, Incorrect without a reason."""
        _check_reason(reason)
        row = await connection.fetchrow(SQL["event_held"], event)
        if row is None:
            raise NotFound(f"There is no event {event}.")
        if row["undone"]:
            raise Conflict(f"Event {event} was undone already.")
        patients: list[str] = list(row["patients"])
        batch = await self._hold_all(connection, patients, actor)
        now = {one["patient"]: one["resident"] for one in await connection.fetch(SQL["registrations"], patients)}
        back = await self._without(connection, [one for one in patients if one in now], event)
        for source, target in sorted({(now[one], back[one]) for one in back}):
            moving = [one for one in back if (now[one], back[one]) == (source, target)]
            await self._move(connection, moving, source, target, batch)
        await connection.execute(SQL["event_undone"], event)
        told = {"reason": reason}
        return await self._note(connection, "undo", actor, patients, row["target"], row["source"], told, undoes=event)

    async def _without(self, connection: Connection[Any], patients: Sequence[str], event: int) -> dict[str, int]:
        """Which resident each registration is of when an event has not been: it begins where it was first, and what
        moved its resident moves it, too."""
        found: dict[str, int] = {}
        for row in await connection.fetch(SQL["events_that_count"], list(patients), event):
            for patient in set(row["patients"]) & set(patients):
                at = found.setdefault(patient, row["source"])
                if not row["void"] and at == row["source"]:
                    found[patient] = row["target"]
        return found

    async def decide(
        self, connection: Connection[Any], a: str, b: str, state: str, *, actor: str, reason: str
    ) -> Review:
        """A person has looked: `linked` merges the two residents, `apart` keeps them from being linked. Raises
        NotFound, Conflict for a pair that is decided, Incorrect."""
        _check_reason(reason)
        found = await self.review(connection, a, b)
        if found.state != "open":
            raise Conflict(f"Somebody has decided already: {found.state}.")
        if state == "linked":
            await self.merge(connection, a, b, actor=actor, reason=reason)
        elif state == "apart":
            await self._decide(connection, a, b, "apart", actor, reason)
        else:
            raise Incorrect("A decision is linked or apart.")
        return await self.review(connection, a, b)

    # -- looking ------------------------------------------------------------------------------------------------------

    async def together(self, connection: Connection[Any], patient: str) -> list[str]:
        """Registrations of the same resident, itself among them. Raises NotFound."""
        [resident] = await self._residents(connection, [patient])
        return await self._of(connection, resident)

    async def person(self, connection: Connection[Any], patient: str) -> Resource:
        """What the person is called, composed of all registrations. Raises NotFound."""
        [resident] = await self._residents(connection, [patient])
        names = [(name, resident) for name in await self._of(connection, resident)]
        return composed(one.tree for one in await self._read(connection, names))

    async def counts(self, connection: Connection[Any]) -> Counts:
        row = await connection.fetchrow(SQL["identity_counts"])
        assert row is not None  # noqa: S101 - it always answers
        waiting = await connection.fetch(SQL["review_counts"])
        return Counts(row["registrations"], row["residents"], {one["reason"]: one["waiting"] for one in waiting})

    async def events(self, connection: Connection[Any], patients: Sequence[str], count: int) -> list[Event]:
        """What was done to these registrations, newest first."""
        rows = await connection.fetch(SQL["events_of"], list(patients), count)
        return [self._event(row) for row in rows]

    def _event(self, row: Any) -> Event:
        return Event(
            id=row["id"],
            at=row["at"],
            kind=row["kind"],
            actor=row["actor"],
            patients=tuple(row["patients"]),
            source=row["source"],
            target=row["target"],
            undoes=row["undoes"],
            undone=row["undone"],
            why=self._open(row["told"], "event"),
        )

    async def reviews(self, connection: Connection[Any], state: str, reason: str, count: int) -> list[Review]:
        """Oldest first."""
        rows = await connection.fetch(SQL["reviews"], state, reason, count)
        return [self._review(row) for row in rows]

    async def review(self, connection: Connection[Any], a: str, b: str) -> Review:
        """Raises NotFound."""
        row = await connection.fetchrow(SQL["review_one"], *sorted((a, b)))
        if row is None:
            raise NotFound(f"Nobody has to look at Patient/{a} and Patient/{b}.")
        return self._review(row)

    def _review(self, row: Any) -> Review:
        return Review(
            a=row["a"],
            b=row["b"],
            reason=row["reason"],
            state=row["state"],
            chance=row["chance"],
            at=row["at"],
            why=self._open(row["told"], f"review:{row['a']}:{row['b']}"),
            decided=row["decided"],
            actor=row["actor"],
        )

    # -- inside -------------------------------------------------------------------------------------------------------

    async def _hold_all(self, connection: Connection[Any], patients: Sequence[str], actor: str) -> int:
        """All registrations of their residents, in one order for everybody; the number of what is done."""
        rows = await connection.fetch(SQL["registrations"], list(patients))
        whole = await connection.fetch(SQL["of_residents"], [row["resident"] for row in rows])
        names = sorted({*patients, *(row["patient"] for row in whole)})
        batch = await residents.hold(connection, names, actor)
        await connection.fetch(SQL["registrations_held"], names)
        return batch

    async def _residents(self, connection: Connection[Any], patients: Sequence[str]) -> list[int]:
        rows = await connection.fetch(SQL["registrations"], list(patients))
        found = {row["patient"]: row["resident"] for row in rows}
        missing = [one for one in patients if one not in found]
        if missing:
            raise NotFound(f"Patient/{missing[0]} is no registration that the index knows (yet).")
        return [found[one] for one in patients]

    async def _of(self, connection: Connection[Any], resident: int) -> list[str]:
        return [row["patient"] for row in await connection.fetch(SQL["of_residents"], [resident])]

    async def _move(
        self, connection: Connection[Any], patients: Sequence[str], source: int, target: int, batch: int
    ) -> None:
        whole = set(await self._of(connection, source)) <= set(patients)
        await residents.move(connection, self._sealer, patients, source, target, batch=batch, all=whole)
        await connection.execute(SQL["reassign"], list(patients), target)

    async def _next(self, connection: Connection[Any]) -> int:
        return await connection.fetchval(SQL["event_next"])

    async def _note(
        self,
        connection: Connection[Any],
        kind: str,
        actor: str,
        patients: Sequence[str],
        source: int,
        target: int,
        told: Mapping[str, Any],
        undoes: int | None = None,
    ) -> int:
        sealed = self._seal(told, "event")
        return await connection.fetchval(SQL["event_put"], kind, actor, list(patients), source, target, undoes, sealed)

    async def _decide(self, connection: Connection[Any], a: str, b: str, state: str, actor: str, reason: str) -> None:
        a, b = sorted((a, b))
        sealed = self._seal({"reason": reason}, f"review:{a}:{b}")
        await connection.execute(SQL["review_decided"], a, b, state, actor, sealed)

    def _seal(self, told: Mapping[str, Any], name: str) -> bytes:
        return self._sealer.seal(orjson.dumps(dict(told)), f"identity:{name}".encode())

    def _open(self, sealed: bytes, name: str) -> Mapping[str, Any]:
        return orjson.loads(self._sealer.open(sealed, f"identity:{name}".encode()))


def why(pair: Pair, version: str) -> dict[str, Any]:
    """For people: the rule, the number that told, and the bits of each field."""
    parts = {name: round(bits, 1) for name, bits in pair.score.parts.items()}
    levels = {name: level.name.lower() for name, level in zip(pair.vector._fields, pair.vector[:-1], strict=False)}
    told = {"rule": pair.reason, "number": pair.ruling.kind, "chance": round(pair.score.chance, 4), "weights": version}
    return told | {"fields": {name: {"level": levels[name], "bits": parts[name]} for name in parts}}


def _check_reason(reason: str) -> None:
    if not reason.strip() or len(reason) > 2_000:
        raise Incorrect("Say why, in at most 2,000 characters: it is kept for whoever looks later.")
