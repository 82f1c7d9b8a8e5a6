"""Dead letters: changes that a follower could not take, put aside with the error's words until somebody asks for
another try (`minkang feed replay`). They name a version of a resource and hold nothing of it; the words are sealed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from minkang.kit.db import Connection
from minkang.store import feed
from minkang.store.feed import Change
from minkang.store.seal import Sealer
from minkang.store.sql import SQL
from minkang.store.types import NAMES, NUMBERS

MOST_WORDS = 1_000
"""Characters of an error that are kept."""


@dataclass(frozen=True, slots=True)
class Letter:
    id: int
    batch: int
    type: str
    resource: str
    version: int
    failures: int


@dataclass(frozen=True, slots=True)
class Told:
    """A letter as an operator reads it. `again`: another try was asked for and has not been made yet."""

    id: int
    name: str
    failed: datetime
    failures: int
    words: str
    again: bool


@dataclass(frozen=True, slots=True)
class State:
    """How far a follower has come. `behind`: batches it has still to take, the oldest from `since`; `failures`: of what
    comes next; `aside`: letters."""

    name: str
    position: int
    behind: int
    since: datetime | None
    failures: int
    aside: int


async def put(
    connection: Connection[Any],
    sealer: Sealer,
    follower: str,
    change: Change,
    failures: int,
    error: BaseException | None,
) -> None:
    """Put a change aside; one that lies there already keeps its number."""
    name = f"{change.type}/{change.id}/{change.version}"
    words = f"{type(error).__name__}: {error}"[:MOST_WORDS]
    await connection.execute(
        SQL["letter_put"],
        follower,
        change.batch,
        NUMBERS[change.type],
        change.id,
        change.version,
        failures,
        sealer.seal(words.encode(errors="replace"), _bound(follower, name)),
    )


async def wanted(connection: Connection[Any], follower: str) -> Letter | None:
    """The next one to be tried again, held to the end of the transaction."""
    row = await connection.fetchrow(SQL["letter_again"], follower)
    if row is None:
        return None
    return Letter(row["id"], row["batch"], NAMES[row["type"]], row["resource"], row["version"], row["failures"])


async def change_of(connection: Connection[Any], letter: Letter) -> Change | None:
    """What it is about; None when that was expunged since."""
    return await feed.change_of(connection, letter.batch, letter.type, letter.resource, letter.version)


async def taken(connection: Connection[Any], letter: Letter) -> None:
    await connection.execute(SQL["letter_taken"], letter.id)


async def followers(connection: Connection[Any]) -> list[State]:
    rows = await connection.fetch(SQL["cursors"])
    return [
        State(row["consumer"], row["position"], row["behind"], row["since"], row["failures"], row["letters"])
        for row in rows
    ]


async def told(connection: Connection[Any], sealer: Sealer, follower: str, limit: int = 100) -> list[Told]:
    """The first letters of a follower, words opened."""
    found: list[Told] = []
    for row in await connection.fetch(SQL["letters"], follower, limit):
        name = f"{NAMES[row['type']]}/{row['resource']}/{row['version']}"
        words = sealer.open(row["words"], _bound(follower, name)).decode()
        found.append(Told(row["id"], name, row["failed"], row["failures"], words, row["again"] is not None))
    return found


async def replay(connection: Connection[Any], follower: str, letter: int | None = None) -> int:
    """Ask for another try of one or of all; how many that are. The process that leads the follower makes it."""
    done = await connection.execute(SQL["letters_replay"], follower, letter)
    return int(done.split()[-1])


def _bound(follower: str, name: str) -> bytes:
    return f"letter:{follower}:{name}".encode()
