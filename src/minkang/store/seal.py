"""How a text becomes the bytes of a `content` column and back: compressed, then sealed.

Every row is sealed, not only those of Patient: names hide in `display`, in narrative and in contained resources, a rule
that finds them all can be wrong, and AES-GCM costs one microsecond (docs/decisions/0006-every-row-is-sealed.md).

Layout: format (1 byte), key number (1 byte), nonce (12 bytes), AES-256-GCM of the zstd frame and its tag. The row's own
name (`Type/id/version`) is authenticated with it, so that a content cannot be put under another row. Formats: 2, a
frame by itself; 3, a frame made with dictionary 1. Resources are short and alike, so a dictionary saves much of both
bytes and time (docs/explanation/store.md); it holds published and invented text only.
"""

from __future__ import annotations

import os
from importlib import resources

import zstandard
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from minkang.fhir.problem import Fault
from minkang.store.keys import Keys

PLAIN_FRAME = 2
WITH_DICTIONARY = 3
_KEY_NUMBER = 0
_HEAD = bytes([WITH_DICTIONARY, _KEY_NUMBER])
_OLD_HEAD = bytes([PLAIN_FRAME, _KEY_NUMBER])
_NONCE = 12
_BODY = 2 + _NONCE
_LEVEL = 1


class Sealer:
    """Seals and opens contents with one key. Not for use from several threads at once (zstd contexts are reused)."""

    def __init__(self, keys: Keys):
        cipher = AESGCM(keys.seal)
        self._encrypt, self._decrypt = cipher.encrypt, cipher.decrypt
        known = _dictionary(1)
        known.precompute_compress(level=_LEVEL)  # type: ignore[reportUnknownMemberType]
        self._compress = zstandard.ZstdCompressor(
            level=_LEVEL, dict_data=known, write_checksum=False, write_dict_id=False
        ).compress
        self._decompress = zstandard.ZstdDecompressor(dict_data=known).decompress
        self._decompress_old = zstandard.ZstdDecompressor().decompress

    def seal(self, text: bytes, name: bytes) -> bytes:
        nonce = os.urandom(_NONCE)
        return _HEAD + nonce + self._encrypt(nonce, self._compress(text), name)

    def open(self, content: bytes, name: bytes) -> bytes:
        """Raises Fault when the content was changed, belongs to another row or to another key."""
        head = content[:2]
        if head != _HEAD and head != _OLD_HEAD:
            raise Fault(f"A content has the unknown format {head.hex()}.")
        try:
            frame = self._decrypt(content[2:_BODY], content[_BODY:], name)
        except InvalidTag:
            raise Fault("A content does not open: it was changed, or the key file is another one.") from None
        return self._decompress(frame) if head == _HEAD else self._decompress_old(frame)


def _dictionary(number: int) -> zstandard.ZstdCompressionDict:
    """Trained by scripts/train_dictionary.py; never changed once rows were sealed with it."""
    data = resources.files("minkang.store").joinpath("dictionaries", f"{number}.zdict").read_bytes()
    return zstandard.ZstdCompressionDict(data)


def name_of(type: str, id: str, version: int) -> bytes:
    """What a row's content is bound to."""
    return f"{type}/{id}/{version}".encode()
