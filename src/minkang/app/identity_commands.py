"""`minkang identity status|show|decide|part|merge|undo`: the master index from the command line."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import asdict
from typing import Any, TypeVar

import orjson
from rich.console import Console
from rich.table import Table

from minkang.app.identities import identity_desk
from minkang.app.in_store import in_store
from minkang.kit.settings import Settings
from minkang.platform.identity.desk import IdentityDesk
from minkang.store.store import Store

_T = TypeVar("_T")


def status(settings: Settings) -> None:
    """How many registrations of how many people, and what waits."""
    counts = _asked(settings, lambda desk: desk.counts())
    console = Console(highlight=False)
    console.print(f"{counts.registrations:,} registrations of {counts.residents:,} people")
    if not counts.waiting:
        console.print("Nothing waits for a person to look.")
        return
    table = Table("Waits because", "Pairs")
    for reason, waiting in counts.waiting.items():
        table.add_row(reason, f"{waiting:,}")
    console.print(table)


def show(settings: Settings, patient: str) -> None:
    """Everything about one person, as JSON."""

    async def ask(desk: IdentityDesk) -> dict[str, Any]:
        names = await desk.together(patient)
        events = [asdict(one) for one in await desk.events(names)]
        return {"patient": patient, "together": names, "person": await desk.person(patient), "events": events}

    _say(orjson.dumps(_asked(settings, ask), option=orjson.OPT_INDENT_2).decode())


def decide(settings: Settings, a: str, b: str, decision: str, reason: str) -> None:
    found = _asked(settings, lambda desk: desk.decide(a, b, decision, reason))
    _say(f"Patient/{found.a} and Patient/{found.b}: {found.state}.")


def part(settings: Settings, patient: str, reason: str) -> None:
    _say(f"Event {_asked(settings, lambda desk: desk.part(patient, reason))}: Patient/{patient} is somebody else.")


def merge(settings: Settings, kept: str, other: str, reason: str) -> None:
    event = _asked(settings, lambda desk: desk.merge(kept, other, reason))
    _say(f"Event {event}: Patient/{other} and Patient/{kept} are one person.")


def undo(settings: Settings, event: int, reason: str) -> None:
    _say(f"Event {_asked(settings, lambda desk: desk.undo(event, reason))}: event {event} is undone.")


def _asked(settings: Settings, ask: Callable[[IdentityDesk], Awaitable[_T]]) -> _T:
    async def work(store: Store) -> _T:
        return await ask(identity_desk(store))

    return in_store(settings, work)


def _say(words: str) -> None:
    Console(soft_wrap=True, highlight=False, markup=False).print(words)
