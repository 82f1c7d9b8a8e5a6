"""What a repository answers, whichever store is behind it: the shapes both the PostgreSQL store and the twin return."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple, Protocol, TypeVar

from minkang.fhir.resource import Parsed
from minkang.fhir.search.query import Query
from minkang.fhir.terminology.asking import Asking

T = TypeVar("T")


class Stored(NamedTuple):
    """One version of a resource. `content` is its full JSON text (id and meta inside); empty when `deleted`."""

    type: str
    id: str
    version: int
    updated: datetime
    content: bytes
    deleted: bool = False
    method: str = "PUT"


@dataclass(frozen=True, slots=True)
class Written:
    """What a write did: `created`, `updated`, `deleted` or `unchanged` (an update equal to what is there, a create
    whose If-None-Exist found one)."""

    stored: Stored
    did: str


class Hit(NamedTuple):
    """One row of a page: `mode` is `match` or `include`."""

    stored: Stored
    mode: str = "match"


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a search. `next` is a cursor or None. `total` is None unless it was asked for."""

    hits: Sequence[Hit]
    next: str | None = None
    total: int | None = None


@dataclass(frozen=True, slots=True)
class HistoryPage:
    """Versions, newest first. `next` is a cursor or None; `total` counts all versions for one instance, else None."""

    versions: Sequence[Stored]
    next: str | None = None
    total: int | None = None


@dataclass(slots=True)
class Entry:
    """One request of a transaction, already parsed: the pure half of it is `fhir/bundles.py`.

    `method` is POST, PUT, PATCH, DELETE or GET; `type` and `id` come from the request's url; `condition` is the
    parsed criteria of a conditional update, delete, patch, or of ifNoneExist; `full_url` is as sent; `must_be_new` is
    set by the store when a conditional update found nothing and creates under the body's id, and `patients` (see
    `references.patient_texts`) when it first looks whose the resource is.
    """

    method: str
    type: str
    id: str | None = None
    parsed: Parsed | None = None
    full_url: str | None = None
    if_match: int | None = None
    if_none_match: str | None = None
    condition: Query | None = None
    patch: Callable[[bytes], Parsed] | None = None
    read: Callable[[Repository], Awaitable[Any]] | None = None
    must_be_new: bool = False
    references: dict[str, Query] = field(default_factory=dict[str, Query])
    patients: list[str] | None = None


@dataclass(frozen=True, slots=True)
class Moment:
    """A place in the feed. Whatever was or will be written behind it is not older than `time`."""

    position: int
    time: datetime


@dataclass(frozen=True, slots=True)
class Extract:
    """What an export takes, as of a moment. Empty and None: no limit.

    `types`: only these. `since`, `until`: last updated then or later, before then. `queries`: of a type that some of
    them name, only what meets one of them (their clauses alone count). `patients`: only the record of these Patients
    (`Patient/id` without the type). `owned`: only what belongs to somebody's record.
    """

    moment: Moment
    types: tuple[str, ...] = ()
    since: datetime | None = None
    until: datetime | None = None
    queries: tuple[Query, ...] = ()
    patients: tuple[str, ...] | None = None
    owned: bool = False


@dataclass(frozen=True, slots=True)
class Portion:
    """Some of an export. `place`: where to go on behind it; `done`: how much of the whole walk is over, 0 to 1.

    Deleted resources are among `versions` only when the extract has a `since`.
    """

    versions: Sequence[Stored]
    place: str
    done: float


class Repository(Protocol):
    """The door to the records, already bound to an actor and a scope.

    Every method raises the problems of `fhir/problem.py`: NotFound or Gone for what is not there (or not in scope),
    Conflict and PreconditionFailed for lost races and unmet conditions, TooCostly for searches that must be narrowed.
    Content arrives validated; ids and types arrive well-formed.
    """

    async def create(self, type: str, parsed: Parsed, *, if_none_exist: Query | None = None) -> Written: ...

    async def read(self, type: str, id: str) -> Stored: ...

    async def read_many(self, names: Iterable[tuple[str, str]]) -> Mapping[tuple[str, str], Stored]:
        """Those of the named resources (type, id) that are there and in scope; nobody is told which are not."""
        ...

    async def vread(self, type: str, id: str, version: int) -> Stored: ...

    async def update(
        self, type: str, id: str, parsed: Parsed, *, if_match: int | None = None, if_none_match: str | None = None
    ) -> Written: ...

    async def update_where(self, query: Query, parsed: Parsed, *, if_match: int | None = None) -> Written: ...

    async def patch(
        self, type: str, id: str, change: Callable[[bytes], Parsed], *, if_match: int | None = None
    ) -> Written: ...

    async def patch_where(
        self, query: Query, change: Callable[[bytes], Parsed], *, if_match: int | None = None
    ) -> Written: ...

    async def delete(self, type: str, id: str, *, if_match: int | None = None) -> Written | None: ...

    async def delete_where(self, query: Query, *, limit: int = 1) -> list[Written]: ...

    async def history(
        self,
        type: str | None = None,
        id: str | None = None,
        *,
        since: datetime | None = None,
        at: datetime | None = None,
        count: int = 20,
        cursor: str | None = None,
    ) -> HistoryPage: ...

    async def search(self, query: Query) -> Page: ...

    async def ask(self, asking: Asking[T]) -> T:
        """What pure code works out from stored resources (value sets, code systems, maps, ...) that it asks for."""
        ...

    async def everything(
        self,
        patient: str,
        *,
        types: Sequence[str] = (),
        since: datetime | None = None,
        start: str | None = None,
        end: str | None = None,
        count: int = 1000,
        cursor: str | None = None,
    ) -> Page: ...

    async def transaction(
        self, entries: Sequence[Entry], *, source: str | None = None, message_id: str | None = None
    ) -> list[Written | Any]: ...

    async def expunge(self, type: str, id: str) -> int: ...

    async def moment(self) -> Moment: ...

    def export(self, extract: Extract, *, after: str | None = None) -> AsyncIterator[Portion]: ...
