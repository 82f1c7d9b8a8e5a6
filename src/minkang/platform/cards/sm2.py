"""SM2 signatures over SM3 (GB/T 32918.2, with its usual signer id 1234567812345678), by Tongsuo; nothing else knows
which library it is (docs/decisions/0029-sm2-by-tongsuo.md). SM3 alone is in `hashlib`, SM4 in `cryptography`.
"""

from __future__ import annotations

from typing import Any, cast

from tongsuopy.crypto import hashes, serialization  # pyright: ignore[reportMissingTypeStubs]
from tongsuopy.crypto.asymciphers import ec  # pyright: ignore[reportMissingTypeStubs]
from tongsuopy.crypto.exceptions import InternalError, InvalidSignature  # pyright: ignore[reportMissingTypeStubs]

from minkang.fhir.problem import Incorrect

_HOW = ec.ECDSA(hashes.SM3())


class Verifier:
    """A public key."""

    def __init__(self, pem: bytes) -> None:
        """Raises Incorrect for what is no public key in PEM."""
        self.pem = pem
        self._key = _loaded(pem, serialization.load_pem_public_key)

    def is_signed(self, message: bytes, signature: bytes) -> bool:
        try:
            self._key.verify(signature, message, _HOW)
        except (InvalidSignature, InternalError, ValueError):  # InternalError: no signature at all, by its form
            return False
        return True


class Signer:
    """A private key."""

    def __init__(self, pem: bytes) -> None:
        """Raises Incorrect for what is no private key in PEM without a password."""
        self._key = _loaded(pem, serialization.load_pem_private_key, None)
        public = serialization.PublicFormat.SubjectPublicKeyInfo
        self.public = cast(bytes, self._key.public_key().public_bytes(serialization.Encoding.PEM, public))

    def sign(self, message: bytes) -> bytes:
        """In DER, 70 to 72 bytes."""
        return cast(bytes, self._key.sign(message, _HOW))


def generate() -> bytes:
    """A new private key in PEM (PKCS #8)."""
    key: Any = ec.generate_private_key(ec.SM2())
    form = serialization.PrivateFormat.PKCS8
    return key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption())


def _loaded(pem: bytes, load: Any, *more: None) -> Any:
    try:
        return load(pem, *more)
    except (ValueError, TypeError, InternalError) as error:
        raise Incorrect(f"This is no SM2 key in PEM ({type(error).__name__}).") from None
