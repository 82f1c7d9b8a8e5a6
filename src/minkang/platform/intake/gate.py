"""How many messages a process takes in at once, in all and of one sender: who comes beyond that is told to come again,
so that the rest are answered in time and memory stays bounded. Nothing is lost: it was not taken, and says so.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Generator
from contextlib import contextmanager

from minkang.fhir.problem import TooMany

MOST = 256
"""Messages in hand of a process: at some 4 ms each the last of them waits a second."""

EACH = 64
"""Of one sender, so that one who sends its whole archive does not keep the others out."""


class Full(TooMany):
    """Too many messages at once; send it again in a moment."""

    retry_after = 1


class Gate:
    def __init__(self, most: int = MOST, each: int = EACH) -> None:
        self._most, self._each = most, each
        self._inside = Counter[str]()

    @contextmanager
    def entered(self, sender: str) -> Generator[None]:
        """`sender`: empty where nobody knows. Raises Full."""
        if self._inside.total() >= self._most or (sender and self._inside[sender] >= self._each):
            raise Full("Too many messages at once; this one was not taken. Send it again after a second.")
        self._inside[sender] += 1
        try:
            yield
        finally:
            self._inside[sender] -= 1
            if not self._inside[sender]:
                del self._inside[sender]
