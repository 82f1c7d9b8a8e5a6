"""Random identifiers that sort by the time they were made, so that new rows land beside each other in an index."""

from __future__ import annotations

import secrets
import time

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
"""Crockford's base 32 in lower case: no i, l, o, u, so an id read over the telephone survives."""

_DIGITS = str.maketrans(_ALPHABET, "0123456789abcdefghijklmnopqrstuv")
"""From our letters to those that int(text, 32) reads."""

_LETTERS = frozenset(_ALPHABET)
_PAIRS = tuple(high + low for high in _ALPHABET for low in _ALPHABET)
"""Two letters for ten bits."""

WIDTH = 13
"""Letters for 65 bits: a whole 64-bit number fits."""


def encode(number: int, width: int = WIDTH) -> str:
    """A non-negative number below 32**width as letters of equal length (so that text order is number order)."""
    pairs: list[str] = []
    for _ in range(0, width, 2):
        pairs.append(_PAIRS[number & 1023])
        number >>= 10
    pairs.reverse()
    return "".join(pairs)[-width:]


def decode(text: str) -> int | None:
    """The number, or None when a letter is not of the alphabet."""
    return int(text.translate(_DIGITS), 32) if text and _LETTERS.issuperset(text) else None


def timed() -> str:
    """13 letters: 42 bits of milliseconds, 23 bits of chance."""
    return encode((time.time_ns() // 1_000_000 & (1 << 42) - 1) << 23 | secrets.randbits(23))


def random() -> str:
    """26 letters: `timed` and 65 bits of chance, unique without asking anybody."""
    return timed() + encode(secrets.randbits(65))
