"""One message of a patient after the other, in the order they came, on whatever lines of this process."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from minkang.gateways.hl7v2.wire import Message


class Order:
    """Queues that exist while somebody waits in them. asyncio's locks let in who came first."""

    def __init__(self) -> None:
        self._queues: dict[tuple[str, ...], tuple[asyncio.Lock, int]] = {}

    @asynccontextmanager
    async def turn(self, names: list[tuple[str, ...]]) -> AsyncIterator[None]:
        """Holds the turn of each name. Sorted, so that two who want the same two do not wait for each other."""
        held: list[tuple[str, ...]] = []
        try:
            for name in sorted(set(names)):
                lock, count = self._queues.get(name, (asyncio.Lock(), 0))
                self._queues[name] = (lock, count + 1)
                try:
                    await lock.acquire()
                except BaseException:
                    self._leave(name)
                    raise
                held.append(name)
            yield
        finally:
            for name in held:
                self._queues[name][0].release()
                self._leave(name)

    def _leave(self, name: tuple[str, ...]) -> None:
        lock, count = self._queues[name]
        if count > 1:
            self._queues[name] = (lock, count - 1)
        else:
            del self._queues[name]

    def __len__(self) -> int:
        return len(self._queues)


def names_of(message: Message, sender: str) -> list[tuple[str, ...]]:
    """The patients of a message as its sender calls them: the first number of PID, and of MRG."""
    found: list[tuple[str, ...]] = []
    for segment in message.segments:
        if segment.name in ("PID", "MRG"):
            fields = (3, 2, 4) if segment.name == "PID" else (1, 4)
            number = next((one for field in fields for one in segment.repeats(field)), "")
            if number:
                found.append((sender, segment.inside(number, 1), segment.inside(number, 4)))
    return found
