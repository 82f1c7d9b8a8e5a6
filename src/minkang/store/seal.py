"""How a text becomes the bytes of a `content` column and back: compressed, then sealed.

Every row is sealed, not only those of Patient: names hide in `display`, in narrative and in contained resources, a rule
that finds them all can be wrong, and AES-GCM costs one microsecond (docs/decisions/0006-every-row-is-sealed.md).

Layout: format (1 byte, SEALED), key number (1 byte), nonce (12 bytes), AES-256-GCM of the zstd frame and its tag. The
row's own name (`Type/id/version`) is authenticated with it, so that a content cannot be put under another row.
"""

from __future__ import annotations

import os

import zstandard
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from minkang.fhir.problem import Fault
from minkang.store.keys import Keys

SEALED = 2
_KEY_NUMBER = 0
_HEAD = bytes([SEALED, _KEY_NUMBER])
_NONCE = 12


class Sealer:
    """Seals and opens contents with one key. Not for use from several threads at once (zstd contexts are reused)."""

    def __init__(self, keys: Keys):
        self._cipher = AESGCM(keys.seal)
        self._compress = zstandard.ZstdCompressor(level=1, write_checksum=False).compress
        self._decompress = zstandard.ZstdDecompressor().decompress

    def seal(self, text: bytes, name: bytes) -> bytes:
        nonce = os.urandom(_NONCE)
        return _HEAD + nonce + self._cipher.encrypt(nonce, self._compress(text), name)

    def open(self, content: bytes, name: bytes) -> bytes:
        """Raises Fault when the content was changed, belongs to another row or to another key."""
        if content[:2] != _HEAD:
            raise Fault(f"A content has the unknown format {content[:2].hex()}.")
        try:
            frame = self._cipher.decrypt(content[2 : 2 + _NONCE], content[2 + _NONCE :], name)
        except InvalidTag:
            raise Fault("A content does not open: it was changed, or the key file is another one.") from None
        return self._decompress(frame)


def name_of(type: str, id: str, version: int) -> bytes:
    """What a row's content is bound to."""
    return f"{type}/{id}/{version}".encode()
