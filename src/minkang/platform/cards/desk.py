"""Cards and what becomes of them: issued, bound to registrations, suspended, revoked, issued again, used.

The row of a card is locked while it is changed, and one registration has one card by a constraint of the database, so
that of two terminals that bind at once one is told so.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any, NamedTuple

import asyncpg

from minkang.fhir.problem import Conflict, Incorrect, NotFound
from minkang.kit.db import Connection, Database
from minkang.platform.cards.codes import Issuer, Keys, verified
from minkang.platform.cards.number import Numbering

TARGET = 0.8
"""Share of residents that shall hold a card (feature C25)."""

BATCH = 10_000

# From which states a card may go to which.
_MOVES = {
    "suspended": ("active",),
    "active": ("suspended",),
    "revoked": ("active", "suspended"),
}

_CARD = "SELECT card, edition, state, issued, bound FROM health_card WHERE card = $1"


class Card(NamedTuple):
    """`edition`: codes of former ones are void. `bound`: ids of the Patients (registrations) it was bound to."""

    card: str
    edition: int
    state: str
    issued: datetime
    bound: tuple[str, ...]


class Scan(NamedTuple):
    """`outcome`: of codes.Verdict, or active, suspended, revoked, replaced, unknown as the centre knows."""

    outcome: str
    card: Card | None = None


class Held(NamedTuple):
    """How many residents hold a card, of how many."""

    cards: int
    residents: int

    @property
    def share(self) -> float:
        return self.cards / self.residents if self.residents else 0.0

    @property
    def is_reached(self) -> bool:
        return self.share >= TARGET


class CardDesk:
    def __init__(self, database: Database, numbering: Numbering) -> None:
        self._database, self._numbering = database, numbering

    async def issue(self, identities: Iterable[tuple[str, str]], actor: str) -> list[Card]:
        """Of each (kind, identity number), in their order; somebody who has a card keeps it. All or none. Raises
        Incorrect, naming the place, for a wrong number."""
        numbers: list[str] = []
        for at, (kind, identity) in enumerate(identities, 1):
            if at > BATCH:
                raise Incorrect(f"At most {BATCH} cards are issued at once.")
            try:
                numbers.append(self._numbering.number(kind, identity))
            except Incorrect as wrong:
                raise Incorrect(f"Number {at}: {wrong.text}") from None
        async with self._database.transaction() as connection:
            rows = await connection.fetch(
                "INSERT INTO health_card (card, system) SELECT DISTINCT told, $2 FROM unnest($1::text[]) told"
                " ORDER BY told ON CONFLICT (card) DO NOTHING RETURNING card",
                numbers,
                self._numbering.system,
            )
            await _log(connection, [row["card"] for row in rows], "issue", "active", actor)
            found = await connection.fetch(_CARD.replace("= $1", "= any($1::text[])"), numbers)
        cards = {row["card"]: _card(row) for row in found}
        return [cards[number] for number in numbers]

    async def one(self, card: str) -> Card:
        """Raises NotFound."""
        async with self._database.connection() as connection:
            return await _found(connection, card)

    async def bind(self, card: str, patient: str, actor: str) -> Card:
        """To a registration (id of a Patient). Raises Conflict for one that has another card, or a card that does not
        count; binding again changes nothing."""
        try:
            async with self._database.transaction() as connection:
                found = await _found(connection, card, lock=True)
                if found.state != "active":
                    raise Conflict(f"The card is {found.state}.")
                if patient in found.bound:
                    return found
                await connection.execute("INSERT INTO health_card_bound VALUES ($1, $2)", patient, card)
                row = await connection.fetchrow(
                    "UPDATE health_card SET bound = bound || $2::text WHERE card = $1"
                    " RETURNING card, edition, state, issued, bound",
                    card,
                    patient,
                )
                await _log(connection, [card], "bind", "active", actor)
                return _card(row)
        except asyncpg.UniqueViolationError:
            raise Conflict("This registration has another card already. Revoke that one first.") from None

    async def set_state(self, card: str, state: str, actor: str) -> Card:
        """`state`: active, suspended or revoked. A revoked card comes back only by `reissue`. Raises Conflict."""
        if state not in _MOVES:
            raise Incorrect(f"A card is made {', '.join(_MOVES)}.")
        async with self._database.transaction() as connection:
            found = await _found(connection, card, lock=True)
            if found.state == state:
                return found
            if found.state not in _MOVES[state]:
                raise Conflict(f"The card is {found.state}: it can only be issued again.")
            return await _changed(connection, card, f"state = '{state}'", state, actor)

    async def reissue(self, card: str, actor: str) -> Card:
        """The next edition: codes of the former ones are void from now on."""
        async with self._database.transaction() as connection:
            await _found(connection, card, lock=True)
            return await _changed(connection, card, "state = 'active', edition = edition + 1", "reissue", actor)

    async def code(self, card: str, issuer: Issuer, now: datetime, *, static: bool = False) -> str:
        """Raises Conflict for a card that does not count now."""
        found = await self.one(card)
        if found.state != "active":
            raise Conflict(f"The card is {found.state}.")
        return issuer.code(card, found.edition, now, static=static)

    async def scan(self, text: str, keys: Keys, now: datetime, terminal: str) -> Scan:
        """What a terminal that is on line is told; written down, whatever it was."""
        verdict = verified(text, keys, now)
        async with self._database.connection() as connection:
            if verdict.outcome != "genuine" or verdict.code is None:
                await _log(connection, [verdict.code.card if verdict.code else ""], "scan", verdict.outcome, terminal)
                return Scan(verdict.outcome)
            row = await connection.fetchrow(_CARD, verdict.code.card)
            card = _card(row) if row is not None else None
            outcome = "unknown" if card is None else card.state
            if card is not None and card.edition != verdict.code.edition:
                outcome = "replaced"
            await _log(connection, [verdict.code.card], "scan", outcome, terminal)
            return Scan(outcome, card if outcome == "active" else None)

    async def used(self) -> dict[tuple[str, str], int]:
        """What was done, and how it ended, to how often."""
        async with self._database.connection() as connection:
            rows = await connection.fetch("SELECT did, outcome, count(*) n FROM health_card_use GROUP BY did, outcome")
            return {(row["did"], row["outcome"]): row["n"] for row in rows}

    async def held(self, residents: int) -> Held:
        """Of that many residents (the population base knows how many)."""
        async with self._database.connection() as connection:
            count: int = await connection.fetchval("SELECT count(*) FROM health_card WHERE state <> 'revoked'")
            return Held(count, residents)


async def _found(connection: Connection[Any], card: str, *, lock: bool = False) -> Card:
    row = await connection.fetchrow(f"{_CARD} FOR UPDATE" if lock else _CARD, card)
    if row is None:
        raise NotFound("There is no such card.")
    return _card(row)


async def _changed(connection: Connection[Any], card: str, change: str, did: str, actor: str) -> Card:
    row = await connection.fetchrow(
        f"UPDATE health_card SET {change} WHERE card = $1 RETURNING card, edition, state, issued, bound",  # noqa: S608
        card,
    )
    if did == "revoked":
        await connection.execute("DELETE FROM health_card_bound WHERE card = $1", card)
        await connection.execute("UPDATE health_card SET bound = '{}' WHERE card = $1", card)
    await _log(connection, [card], did, "done", actor)
    return await _found(connection, _card(row).card)


async def _log(connection: Connection[Any], cards: list[str], did: str, outcome: str, actor: str) -> None:
    await connection.execute(
        "INSERT INTO health_card_use (card, did, outcome, actor) SELECT told, $2, $3, $4 FROM unnest($1::text[]) told",
        cards,
        did,
        outcome,
        actor,
    )


def _card(row: Any) -> Card:
    return Card(row["card"], row["edition"], row["state"], row["issued"], tuple(row["bound"]))
