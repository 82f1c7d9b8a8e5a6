"""QR codes of cards: signed, with an end, told genuine by a public key alone, without any network.

The official grammar is not public (seen in fragments: `<64-hex card id>:<type>[:<dynamic part>[:<issuer>]]`, type 0
dynamic, 1 static; certainty M?). Ours begins like it and says the rest itself; another `Format` takes its place.

    card:type:issued:ends:key:edition:signature

`type` 0 lives for a minute, 1 as long as the card; `issued`, `ends` are seconds since 1970; `key` names the key;
`edition` grows when a card is issued again; `signature` is SM2 over all before it, base64url.
"""

from __future__ import annotations

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import NamedTuple, Protocol

from minkang.fhir.problem import Incorrect
from minkang.platform.cards.sm2 import Signer, Verifier

DYNAMIC, STATIC = "0", "1"
LIFE = timedelta(seconds=60)
"""Of a dynamic code."""

STATIC_LIFE = timedelta(days=5 * 366)
SKEW = timedelta(seconds=30)
"""How far clocks of terminals may be behind."""

LONGEST = 400
_FORM = re.compile(
    r"([0-9a-f]{64}):([01]):(\d{1,11}):(\d{1,11}):([a-z0-9\-]{1,20}):(\d{1,6}):([A-Za-z0-9_\-]{80,110}=*)"
)


class Code(NamedTuple):
    """What a code says. `edition`: of the card, 1 and up."""

    card: str
    type: str
    issued: datetime
    ends: datetime
    key: str
    edition: int


class Verdict(NamedTuple):
    """`outcome`: genuine, expired, early (its clock or ours is wrong), forged, unknown-key (keys were changed: fetch
    them), or unreadable. `code` only where it was signed by a key that is known."""

    outcome: str
    code: Code | None = None


class Format(Protocol):
    """A grammar of codes: text to what it says, what was signed, and the signature; None for what is no such code."""

    def read(self, text: str) -> tuple[Code, bytes, bytes] | None: ...

    def write(self, code: Code, signer: Signer) -> str: ...


class LocalFormat:
    def read(self, text: str) -> tuple[Code, bytes, bytes] | None:
        found = _FORM.fullmatch(text) if len(text) <= LONGEST else None
        if found is None:
            return None
        card, type, issued, ends, key, edition, signature = found.groups()
        try:
            code = Code(card, type, _moment(issued), _moment(ends), key, int(edition))
            return code, text[: found.start(7) - 1].encode(), urlsafe_b64decode(signature)
        except (ValueError, OverflowError, OSError):
            return None

    def write(self, code: Code, signer: Signer) -> str:
        seconds = (int(code.issued.timestamp()), int(code.ends.timestamp()))
        told = f"{code.card}:{code.type}:{seconds[0]}:{seconds[1]}:{code.key}:{code.edition}"
        return f"{told}:{urlsafe_b64encode(signer.sign(told.encode())).decode()}"


@dataclass(frozen=True, slots=True)
class Keys:
    """What a terminal carries: public keys by name, old ones too until their last code has ended."""

    known: Mapping[str, Verifier]

    @classmethod
    def read(cls, told: Mapping[str, str]) -> Keys:
        """Names to PEM, as the centre publishes them. Raises Incorrect."""
        return cls({name: Verifier(pem.encode()) for name, pem in told.items()})


class Issuer:
    """Who signs. `name`: of the key, told in each code, so that keys can be changed."""

    def __init__(self, name: str, signer: Signer, form: Format | None = None) -> None:
        if not re.fullmatch(r"[a-z0-9\-]{1,20}", name):
            raise Incorrect("A key's name has 1 to 20 small letters, digits or hyphens.")
        self.name, self._signer, self._format = name, signer, form or LocalFormat()

    def code(self, card: str, edition: int, now: datetime, *, static: bool = False) -> str:
        ends = now + (STATIC_LIFE if static else LIFE)
        said = Code(card, STATIC if static else DYNAMIC, now, ends, self.name, edition)
        return self._format.write(said, self._signer)


def verified(text: str, keys: Keys, now: datetime, form: Format | None = None) -> Verdict:
    """Without any network. Whether the card was revoked since only the centre knows."""
    found = (form or LocalFormat()).read(text.strip())
    if found is None:
        return Verdict("unreadable")
    code, message, signature = found
    key = keys.known.get(code.key)
    if key is None:
        return Verdict("unknown-key")
    if not key.is_signed(message, signature):
        return Verdict("forged")
    if now > code.ends + SKEW:
        return Verdict("expired", code)
    if now < code.issued - SKEW:
        return Verdict("early", code)
    return Verdict("genuine", code)


def _moment(seconds: str) -> datetime:
    return datetime.fromtimestamp(int(seconds), UTC)
