"""`minkang senders`: who sends, by which doors, with which key, and whether it counts already."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

from rich.console import Console
from rich.table import Table

from minkang.app.exporting import OPERATOR
from minkang.app.in_store import in_store
from minkang.kit.settings import Settings
from minkang.kit.trouble import Trouble
from minkang.platform.intake.senders import Sender, Senders
from minkang.store.scope import EVERYTHING

_T = TypeVar("_T")


def add(settings: Settings, name: str, code: str, doors: Sequence[str], expected: Sequence[str]) -> None:
    """Prints the id and, once, the key. `expected`: `KIND=NUMBER` a day."""
    counts: dict[str, int] = {}
    for one in expected:
        kind, _, number = one.rpartition("=")
        if not kind or not number.isdigit():
            raise Trouble(f"--expects takes KIND=NUMBER a day, such as C0002=800, not {one!r}.")
        counts[kind] = int(number)
    sender, key = _asked(settings, lambda senders: senders.add(name, code, tuple(doors), counts))
    _tell_key(sender, key)


def new_key(settings: Settings, id: str) -> None:
    _tell_key(*_asked(settings, lambda senders: senders.new_key(id)))


def set_live(settings: Settings, id: str, live: bool) -> None:
    sender = _asked(settings, lambda senders: senders.set_live(id, live))
    _say(f"{sender.name} is {'live: what it sends goes into the record' if live else 'in test mode'}.")


def listed(settings: Settings) -> None:
    found = _asked(settings, lambda senders: senders.listed())
    table = Table("Id", "Name", "Code", "Doors", "Mode", "Expected a day")
    for one in found:
        daily = ", ".join(f"{kind} {number}" for kind, number in one.expected.items())
        table.add_row(one.id, one.name, one.code, ", ".join(one.doors), "live" if one.live else "test", daily)
    Console(soft_wrap=True, highlight=False, markup=False).print(table if found else "There is no sender yet.")


def _tell_key(sender: Sender, key: str) -> None:
    _say(f"Sender: {sender.id} ({sender.name}, {'live' if sender.live else 'test mode'})")
    _say(f"Key: {key}")
    _say("The key is shown this once; what is kept cannot tell it. Authorization: Bearer KEY")


def _asked(settings: Settings, ask: Callable[[Senders], Awaitable[_T]]) -> _T:
    return in_store(settings, lambda store: ask(Senders(store.repository(OPERATOR, EVERYTHING))))


def _say(words: str) -> None:
    Console(soft_wrap=True, highlight=False, markup=False).print(words)
