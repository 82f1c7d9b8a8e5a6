"""A search term is a 64-bit keyed hash of a short text such as `Observation|code|http://loinc.org|8480-6`.

Keyed, because id numbers can be enumerated: with a plain hash anybody who got the disk could test who is on it. Equal
hashes of unequal texts are so rare (2^-64 a pair) that an exact term needs no recheck.
"""

from __future__ import annotations

from functools import lru_cache
from hashlib import blake2b

from minkang.store.keys import Keys


class TermHash:
    """Text to signed 64-bit integer. Remembers the common ones: a code system has few hot codes."""

    def __init__(self, keys: Keys):
        # A copy of a hash that has taken in the key is half the work of a new one.
        copy, from_bytes = blake2b(digest_size=8, key=keys.terms).copy, int.from_bytes

        def hash(text: str) -> int:
            one = copy()
            one.update(text.encode())
            return from_bytes(one.digest(), "big", signed=True)

        self.once = hash
        """For texts that hardly come again, such as the words of a document: they would push the codes out."""
        self.again = lru_cache(maxsize=50_000)(hash)
        """For texts that come again: pieces of names, what searches ask for."""

    def __call__(self, text: str) -> int:
        return self.again(text)
