"""MLLP, release 1: a block is 0x0B, the message, 0x1C 0x0D (HL7 v2 Transport Specification: MLLP, section 2).

No character set that we read has these bytes inside a character, so a block can be cut before it is decoded.
"""

from __future__ import annotations

from typing import NamedTuple

START, END = b"\x0b", b"\x1c"
RETURN = b"\r"


class Cut(NamedTuple):
    """Something on the line that is no whole block: `reason` is `garbage`, `never-ended` or `too-large`, and `size`
    how many bytes were dropped."""

    reason: str
    size: int


def framed(content: bytes) -> bytes:
    """The block that carries a message."""
    return START + content + END + RETURN


class Frames:
    """Cuts what comes over a line into messages. Holds at most `limit` bytes and one reading of the line."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._held = bytearray()
        self._inside = False
        self._dropped = 0
        self._too_large = False

    @property
    def waiting(self) -> bool:
        """Whether a block has begun and not ended."""
        return self._inside

    def feed(self, data: bytes) -> list[bytes | Cut]:
        """What became whole by these bytes, in order."""
        found: list[bytes | Cut] = []
        at = 0
        while at < len(data):
            at = self._in_block(data, at, found) if self._inside else self._between(data, at, found)
        return found

    def end(self) -> list[Cut]:
        """The line was closed: what is left of it."""
        size, self._inside = len(self._held) + self._dropped, False
        self._held.clear()
        self._dropped = 0
        return [Cut("never-ended", size)] if size else []

    def _between(self, data: bytes, at: int, found: list[bytes | Cut]) -> int:
        start = data.find(START, at)
        skipped = data[at:] if start < 0 else data[at:start]
        # The 0x0D after 0x1C, and line ends that some senders add, are no garbage.
        garbage = len(skipped.strip(b"\r\n"))
        if garbage:
            found.append(Cut("garbage", garbage))
        if start < 0:
            return len(data)
        self._inside, self._too_large = True, False
        return start + 1

    def _in_block(self, data: bytes, at: int, found: list[bytes | Cut]) -> int:
        end, again = data.find(END, at), data.find(START, at)
        stop = min((place for place in (end, again) if place >= 0), default=len(data))
        self._hold(data, at, stop)
        if stop == len(data):
            return stop
        if self._too_large:
            found.append(Cut("too-large", self._dropped))
        elif stop == again:  # a block begins inside a block: the sender gave up the one before
            found.append(Cut("never-ended", len(self._held)))
        else:
            found.append(bytes(self._held))
        self._held.clear()
        self._dropped = 0
        self._inside, self._too_large = stop == again, False
        return stop + 1

    def _hold(self, data: bytes, at: int, stop: int) -> None:
        if not self._too_large and len(self._held) + stop - at > self._limit:
            self._too_large = True
            self._dropped = len(self._held)
            self._held.clear()
        if self._too_large:
            self._dropped += stop - at
        else:
            self._held += memoryview(data)[at:stop]
