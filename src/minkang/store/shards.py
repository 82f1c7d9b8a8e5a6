"""Where a resource lives: the shard is the resident's number, and it leads every key.

A resident not yet known to the master index has the hash of the Patient id as number, so what arrives before the
patient lands where the patient will be. Ids made here carry their shard; a row whose shard is not the natural one of
its id has a line in `locator`.
"""

from __future__ import annotations

from functools import lru_cache
from hashlib import blake2b

from minkang.fhir.compartments import in_compartment
from minkang.kit import ids

BITS = 63
"""bigint is signed; 63 bits keep every shard positive."""

_PERSONAL = frozenset(in_compartment("Patient")) - {"Patient"}
"""Types that belong to a person when they name one (http://hl7.org/fhir/R4/compartmentdefinition-patient.html)."""


@lru_cache(maxsize=100_000)
def hashed(type: str, id: str) -> int:
    """The shard that a type and id alone determine."""
    return int.from_bytes(blake2b(f"{type}/{id}".encode(), digest_size=8).digest(), "big") >> 64 - BITS


def of_patient(id: str) -> int:
    """A Patient's shard until the master index gives another (then `locator` knows)."""
    return hashed("Patient", id)


def is_personal(type: str) -> bool:
    return type in _PERSONAL


def new_id(type: str, shard: int | None) -> str:
    """An id for a new resource: it carries the shard of the resident whose it is, if it is anybody's."""
    return make(shard) if shard is not None and type in _PERSONAL else ids.random()


def make(shard: int) -> str:
    """27 characters: shard, full stop, time and chance."""
    return f"{_prefix(shard)}.{ids.timed()}"


def made_of(shard: int, number: int) -> str:
    """The same form from a number below 2**64 in place of time and chance: the same number, the same id."""
    return f"{_prefix(shard)}.{ids.encode(number)}"


@lru_cache(maxsize=10_000)
def _prefix(shard: int) -> str:
    return ids.encode(shard)


def natural(type: str, id: str) -> int:
    """Where a resource of this id lives unless `locator` says otherwise."""
    if type in _PERSONAL:
        shard = carried(id)
        if shard is not None:
            return shard
    return hashed(type, id)


def carried(id: str) -> int | None:
    """The shard inside an id made here, or None. A client may imitate the form: then `locator` has the row."""
    if len(id) != 2 * ids.WIDTH + 1 or id[ids.WIDTH] != ".":
        return None
    shard = ids.decode(id[: ids.WIDTH])
    return shard if shard is not None and shard < 1 << BITS else None
