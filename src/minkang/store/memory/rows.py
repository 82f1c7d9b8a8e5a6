"""What the naive twin keeps: every version of every resource, in the order of writing."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count
from typing import Any

from minkang.fhir.problem import Incorrect
from minkang.fhir.references import patient_of
from minkang.fhir.resource import Resource
from minkang.store import shards
from minkang.store.contract import Stored
from minkang.store.scope import Actor, Scope


@dataclass(slots=True)
class Row:
    """One version. `tree` is what it says (None for a tombstone); `values` remembers search values already taken out.

    `organization` and `division` are those of the actor that wrote it; `shard` is the resident's number.
    """

    stored: Stored
    tree: Resource | None
    serial: int
    organization: str | None
    division: int
    shard: int
    values: dict[Any, Any] = field(default_factory=dict[Any, Any])


class Rows:
    """The versions, oldest first, and the places where readers paused."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        self._now = now
        self._versions: list[Row] = []
        self._serials = count()
        self._by_id: dict[tuple[str, str], tuple[Row, ...]] = {}
        self._bookmarks: list[tuple[Any, Any]] = []

    def now(self) -> datetime:
        """The clock to the millisecond, never running backwards: what `meta.lastUpdated` shows is what is searched."""
        moment = self._now().astimezone(UTC)
        moment = moment.replace(microsecond=moment.microsecond // 1000 * 1000)
        return max(moment, self._versions[-1].stored.updated) if self._versions else moment

    @property
    def serial(self) -> int:
        """Of the newest version; -1 before the first."""
        return self._versions[-1].serial if self._versions else -1

    def names(self) -> Iterable[tuple[str, str]]:
        """Type and id of everything that ever was, in order."""
        return sorted(self._by_id)

    def add(self, stored: Stored, tree: Resource | None, actor: Actor) -> Row:
        before = self.versions(stored.type, stored.id)
        shard = _home(stored, tree) if tree is not None else before[-1].shard
        for older in before:
            older.shard = shard  # the past follows a resource that changes its subject
        row = Row(stored, tree, next(self._serials), actor.organization, actor.division, shard)
        self._versions.append(row)
        self._by_id[stored.type, stored.id] = (*before, row)
        return row

    def all_versions(self) -> Iterable[Row]:
        return self._versions

    def versions(self, type: str, id: str) -> tuple[Row, ...]:
        """All versions of one resource, oldest first; none when it never was."""
        return self._by_id.get((type, id), ())

    def latest(self, type: str, id: str) -> Row | None:
        """The newest version, which may be a tombstone."""
        versions = self.versions(type, id)
        return versions[-1] if versions else None

    def living(self) -> Iterable[Row]:
        """The newest version of everything that is not deleted."""
        return (versions[-1] for versions in self._by_id.values() if versions[-1].tree is not None)

    def forget(self, type: str, id: str) -> int:
        """Remove all versions, as if it had never been; returns how many there were."""
        gone = self._by_id.pop((type, id), ())
        self._versions = [row for row in self._versions if row not in gone]
        return len(gone)

    def snapshot(self) -> Any:
        """What `restore` needs to undo everything that comes; rows never change but for their shard."""
        return [(row, row.shard) for row in self._versions], dict(self._by_id)

    def restore(self, snapshot: Any) -> None:
        rows, self._by_id = snapshot
        self._versions = [row for row, _ in rows]
        for row, shard in rows:
            row.shard = shard

    def pause(self, question: Any, place: Any) -> str:
        """A cursor: the reader of `question` stopped after `place`."""
        self._bookmarks.append((question, place))
        return str(len(self._bookmarks) - 1)

    def resume(self, question: Any, cursor: str) -> Any:
        """The place where a reader stopped. Raises Incorrect for a cursor that is none, or is another question's."""
        if cursor.isascii() and cursor.isdigit() and int(cursor) < len(self._bookmarks):
            asked, place = self._bookmarks[int(cursor)]
            if asked == question:
                return place
        raise Incorrect(f"The cursor {cursor[:64]!r} does not belong to this request; start again without it.")


def admits(scope: Scope, row: Row) -> bool:
    """Whether a scope covers a row: one given direction that admits it is enough (`store/scope.py`)."""
    return (
        scope.unlimited
        or (scope.divisions is not None and row.division in scope.divisions)
        or (scope.organizations is not None and row.organization in scope.organizations)
        or (scope.shards is not None and row.shard in scope.shards)
    )


def _home(stored: Stored, tree: Resource) -> int:
    """The shard of the first patient that a personal resource names, or its own."""
    patients = patient_of(tree) if shards.is_personal(stored.type) else []
    return shards.of_patient(patients[0]) if patients else shards.hashed(stored.type, stored.id)
