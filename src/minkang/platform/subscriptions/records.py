"""What is kept of a Subscription beside the resource itself, and what all parts of this folder agree on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import orjson

from minkang.fhir.problem import Problem
from minkang.fhir.subscriptions.wish import Wish, wish
from minkang.kit.db import Connection
from minkang.store.scope import Actor, Scope
from minkang.store.seal import Sealer
from minkang.store.sql import SQL

ACTOR = "Device/subscriptions"
"""Who writes the status of a Subscription. What it writes is nobody's event."""

FAILED = 3
"""Failures in a row after which a Subscription shows `error`; it is tried all the same."""

Authority = Callable[[str], tuple[Actor, Scope] | None]
"""What an author (Actor.reference) may see now; None: nothing."""


@dataclass(frozen=True, slots=True)
class Record:
    """A row of `subscription`. `status`: requested, active, refused, off; `over`: its end has passed; `quiet`: its
    target is to hear a heartbeat."""

    id: str
    version: int
    written: int
    actor: str
    status: str
    shown: str
    wish: Wish | None
    trouble: str | None
    events: int
    delivered: int
    failures: int
    over: bool
    quiet: bool

    @property
    def fhir_status(self) -> str:
        """As the resource shows it: http://hl7.org/fhir/R4/valueset-subscription-status.html."""
        if self.status == "refused":
            return "error"
        return "error" if self.status != "off" and self.failures >= FAILED else self.status


async def record(connection: Connection[Any], sealer: Sealer, id: str) -> Record | None:
    row = await connection.fetchrow(SQL["subscription_row"], id)
    if row is None:
        return None
    names = ("id", "version", "written", "actor", "status", "shown", "events", "delivered", "failures", "over", "quiet")
    asked = wish_of(sealer, id, row["written"], row["content"])
    return Record(**{name: row[name] for name in names}, wish=asked, trouble=trouble_of(sealer, id, row["trouble"]))


def wish_of(sealer: Sealer, id: str, written: int, content: bytes) -> Wish | None:
    """None for what is not understood (any more: another version of the platform may read more strictly)."""
    try:
        return wish(orjson.loads(sealer.open(content, bound(id, written))))
    except Problem:
        return None


def bound(id: str, written: int) -> bytes:
    """What the sealed content of a row is bound to."""
    return f"subscription:{id}:{written}".encode()


def seal_trouble(sealer: Sealer, id: str, words: str) -> bytes:
    return sealer.seal(words.encode(), f"trouble:{id}".encode())


def trouble_of(sealer: Sealer, id: str, sealed: bytes | None) -> str | None:
    return None if sealed is None else sealer.open(sealed, f"trouble:{id}".encode()).decode()
