"""The id of a card: 64 hexadecimal characters that tell nobody whose it is.

A keyed digest (HMAC-SM3, GB/T 32905 and RFC 2104): a bare digest of an id number is undone by trying them all. The
official formula of the national 卡管 system is not public; another adapter takes the place of this one, and until then
ids are marked as sandbox ones by the system they are identifiers of.
"""

from __future__ import annotations

import hmac
from typing import Protocol

from minkang.fhir.problem import Incorrect
from minkang.fhir.resident_id import resident_id

SANDBOX = "urn:x-minkang:sandbox-health-card"
"""The system of ids made here."""

LEAST_KEY = 16


class Numbering(Protocol):
    """How ids of cards are made. `system`: what they are identifiers of."""

    system: str

    def number(self, kind: str, identity: str) -> str: ...


class LocalNumbering:
    """Our own formula."""

    system = SANDBOX

    def __init__(self, key: bytes) -> None:
        if len(key) < LEAST_KEY:
            raise ValueError(f"The key of card ids has at least {LEAST_KEY} bytes.")
        self._key = key

    def number(self, kind: str, identity: str) -> str:
        """The same for one identity however it is written. `kind`: of the identity, such as `resident-id`. Raises
        Incorrect for an identity-card number that is none."""
        text = identity.strip().upper()
        if kind == "resident-id":
            found = resident_id(text)
            if found is None:
                raise Incorrect("This is no identity-card number: length, date or check digit is wrong.")
            text = found.number
        if not text:
            raise Incorrect("A card is of somebody with an identity number.")
        return hmac.new(self._key, f"{kind}\x1f{text}".encode(), "sm3").hexdigest()
