"""The key file: what seals contents and hashes identifying terms. Made at the first start; without it all is noise.

It belongs to every backup. The database keeps a fingerprint of it, so that a wrong file is refused at the start instead
of being noticed when nothing is found any more.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import secrets
from dataclasses import dataclass
from pathlib import Path


class KeyFileDamaged(Exception):
    """The key file cannot be read; restore it from the backup."""


@dataclass(frozen=True, slots=True)
class Keys:
    """`seal`: AES-256 key for contents; `terms`: key of the search-term hashes. 32 bytes each."""

    seal: bytes
    terms: bytes

    @property
    def fingerprint(self) -> str:
        """Tells two key files apart without telling anything about the keys."""
        return hashlib.blake2b(self.seal + self.terms, digest_size=16, person=b"minkang-keys").hexdigest()


def generate() -> Keys:
    return Keys(seal=secrets.token_bytes(32), terms=secrets.token_bytes(32))


def load_or_create(path: Path) -> Keys:
    """Read the key file, or make one that only its owner can read. Raises KeyFileDamaged."""
    if path.exists():
        return load(path)
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    keys = generate()
    text = json.dumps({"version": 1, "seal": _text(keys.seal), "terms": _text(keys.terms)}, indent=1)
    draft = path.with_suffix(f".{os.getpid()}.draft")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text + "\n")
        file.flush()
        os.fsync(file.fileno())
    try:
        os.link(draft, path)  # unlike rename, never replaces a file another start has just made
    except FileExistsError:
        return load(path)
    finally:
        draft.unlink()
    return keys


def load(path: Path) -> Keys:
    """Raises KeyFileDamaged when the file is not a whole key file."""
    try:
        stored = json.loads(path.read_text())
        keys = Keys(seal=base64.b64decode(stored["seal"]), terms=base64.b64decode(stored["terms"]))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise KeyFileDamaged(f"The key file {path} cannot be read ({type(error).__name__}); restore it.") from None
    if len(keys.seal) != 32 or len(keys.terms) != 32:
        raise KeyFileDamaged(f"The key file {path} holds keys of a wrong length; restore it.")
    return keys


def _text(key: bytes) -> str:
    return base64.b64encode(key).decode()
