"""Where a page ended, as opaque text a client carries to the next one. Nothing in it is trusted when it returns."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Sequence
from decimal import Decimal
from typing import Any, cast

from minkang.fhir.problem import Fault, Incorrect
from minkang.store.seal import Sealer

_FOREIGN = "The page cursor is not one of ours; begin with the first page."

BIG, INT, SMALL, TEXT = 63, 31, 15, 0
"""Column types of a cursor's places: bits of a signed integer, or text."""


def encode(values: Sequence[Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(values, separators=(",", ":")).encode()).decode().rstrip("=")


def decode(cursor: str, shape: Sequence[int]) -> list[Any]:
    """The values, each checked against its column type. Raises Incorrect for anything we did not write."""
    try:
        values: Any = json.loads(base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True))
    except (ValueError, binascii.Error, RecursionError):
        values = None
    if isinstance(values, list):
        places = cast("list[Any]", values)
        if len(places) == len(shape) and all(map(_fits, places, shape)):
            return places
    raise Incorrect(_FOREIGN)


def seal(sealer: Sealer, values: Sequence[Any], order: str) -> str:
    """A cursor nobody can read or forge, for places that tell something of a patient. Decimals come back as such.

    `order` says what the places are places of; the cursor fits nowhere else (a name cannot be compared with a date).
    """
    told = [["d", str(value)] if isinstance(value, Decimal) else value for value in values]
    return base64.urlsafe_b64encode(sealer.seal(json.dumps(told).encode(), _name(order))).decode().rstrip("=")


def _name(order: str) -> bytes:
    return b"cursor:" + order.encode()


def unseal(sealer: Sealer, cursor: str, length: int, order: str) -> list[Any]:
    """Raises Incorrect for anything we did not write, and for a cursor of another search."""
    try:
        sealed = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        values: list[Any] = json.loads(sealer.open(sealed, _name(order)))
    except (ValueError, binascii.Error, Fault):
        values = []
    if len(values) != length:
        raise Incorrect(_FOREIGN)
    return [Decimal(cast("list[str]", value)[1]) if isinstance(value, list) else value for value in values]


def _fits(value: Any, bits: int) -> bool:
    if bits == TEXT:
        return isinstance(value, str) and "\0" not in value and value.isascii()
    return type(value) is int and -(2**bits) <= value < 2**bits
