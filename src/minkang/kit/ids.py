"""Random identifiers that sort by the time they were made, so that new rows land beside each other in an index."""

from __future__ import annotations

import secrets
import time

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
"""Crockford's base 32 in lower case: no i, l, o, u, so an id read over the telephone survives."""

_VALUES = {letter: value for value, letter in enumerate(_ALPHABET)}

WIDTH = 13
"""Letters for 65 bits: a whole 64-bit number fits."""


def encode(number: int, width: int = WIDTH) -> str:
    """A non-negative number below 32**width as letters of equal length (so that text order is number order)."""
    letters = [""] * width
    for place in range(width - 1, -1, -1):
        letters[place] = _ALPHABET[number & 31]
        number >>= 5
    return "".join(letters)


def decode(text: str) -> int | None:
    """The number, or None when a letter is not of the alphabet."""
    number = 0
    for letter in text:
        value = _VALUES.get(letter)
        if value is None:
            return None
        number = number << 5 | value
    return number


def timed() -> str:
    """13 letters: 42 bits of milliseconds, 23 bits of chance."""
    return encode((time.time_ns() // 1_000_000 & (1 << 42) - 1) << 23 | secrets.randbits(23))


def random() -> str:
    """26 letters: `timed` and 65 bits of chance, unique without asking anybody."""
    return timed() + encode(secrets.randbits(65))
