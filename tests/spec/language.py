"""The words in which behaviour is written down: a chapter holds resources, and rows of request and expected answer.

Chapters are data: `test_spec.py` runs each on both stores, `scripts/spec_pages.py` renders each as a page of the
reference. Requests are written as on the wire, without the base url.

An answer, as text, is one of
    a b c                     the ids a search finds, in order only if it sorts; includes follow a plus sign,
                              a total stands in brackets; pages are parted by slashes, or counted when nothing sorts
    created Patient/a 1       what a write did, to what, and the version that came of it
    Patient/a 2               a read: which version came
    a 3 DELETE, a 2 PUT       versions of a history, newest first
    nothing                   no resource, and no complaint
    NotFound                  the kind of problem (fhir/problem.py)
An id made by the store is written `$name`; later requests of the same story may use it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

Body = Mapping[str, Any] | Sequence[Any]


@dataclass(frozen=True, repr=False)
class Row:
    """One request and its answer. `shows` are members that the answered resource must have; `by` names a caller."""

    request: str
    answer: str
    why: str = ""
    body: Body | None = None
    shows: Mapping[str, Any] | None = None
    by: str | None = None

    def __repr__(self) -> str:
        said = [repr(self.request), *([f"body={self.body!r}"] if self.body is not None else [])]
        return f"Row({', '.join([*said, *([f'by={self.by!r}'] if self.by else [])])})"


@dataclass(frozen=True)
class Caller:
    """Who asks: what it writes is marked with `organization` and `division`; the rest is its scope."""

    organization: str | None = None
    division: int = 0
    divisions: frozenset[int] | None = None
    organizations: frozenset[str] | None = None
    patients: frozenset[str] | None = None
    writable: frozenset[str] | None = None


@dataclass(frozen=True)
class Story:
    """Rows that happen one after the other, beginning with the chapter's resources."""

    title: str
    rows: Sequence[Row]


@dataclass(frozen=True)
class Chapter:
    """One page of behaviour. `cases` are independent questions; `stories` change what is there.

    `resources` maps `Type/id` to the rest of the resource. A resource is written by the caller that `written_by` names.
    """

    title: str
    text: str
    resources: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    cases: Sequence[Row] = ()
    stories: Sequence[Story] = ()
    callers: Mapping[str, Caller] = field(default_factory=dict)
    written_by: Mapping[str, str] = field(default_factory=dict)
