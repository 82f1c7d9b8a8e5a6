"""The shape of a caller and of a permission. The platform computes them; the store applies them inside the SQL."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts. `reference` is a FHIR reference; `organization` and `division` mark what the actor writes.

    `division` is a GB/T 2260 code as an integer (0: none); `organization` is the id of an Organization or None.
    """

    reference: str
    organization: str | None = None
    division: int = 0


@dataclass(frozen=True, slots=True)
class Scope:
    """Which rows may be touched. None means no limit in that direction; an empty set means nothing at all.

    `divisions`: custodian divisions; `organizations`: custodian Organization ids; `shards`: resident numbers.
    A row is inside when any given direction admits it (a county sees what its institutions wrote and what its own
    residents received elsewhere); with all three None it is inside always.
    """

    divisions: frozenset[int] | None = None
    organizations: frozenset[str] | None = None
    shards: frozenset[int] | None = None
    writable: frozenset[str] | None = None

    @property
    def unlimited(self) -> bool:
        return self.divisions is None and self.organizations is None and self.shards is None


EVERYTHING = Scope()
"""Reads and writes all rows: for the single-operator start before sign-in exists, and for jobs."""
