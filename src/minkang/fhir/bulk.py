"""What an export is asked for: the parameters of `$export`, read and checked, and as JSON for a job that runs later.

http://hl7.org/fhir/uv/bulkdata/STU2/export.html#query-parameters
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any
from urllib.parse import unquote

import msgspec

from minkang.fhir import summary
from minkang.fhir.definitions.structures import resource_types
from minkang.fhir.instants import moment
from minkang.fhir.problem import Incorrect, Unsupported
from minkang.fhir.search import grammar
from minkang.fhir.search.linking import is_link
from minkang.fhir.search.query import Query

NDJSON = ("application/fhir+ndjson", "application/ndjson", "ndjson")
"""Names of the one format of files, as clients write them; the first is what they are served as."""

MOST = 1_000
"""Types, criteria, elements or patients of one request."""

_NEXT_FILTER = re.compile(r",(?=[A-Z][A-Za-z]{1,63}\?)")
_ID = re.compile(r"[A-Za-z0-9\-.]{1,64}")


@dataclass(frozen=True, slots=True)
class ExportWish:
    """`level` is system, Patient or Group; `filters` are searches as text (`Observation?code=...`); `patients` are ids
    of Patients that the export is limited to; `elements` are element names with or without their type."""

    level: str = "system"
    group: str | None = None
    types: tuple[str, ...] = ()
    since: str | None = None
    until: str | None = None
    filters: tuple[str, ...] = ()
    elements: tuple[str, ...] = ()
    patients: tuple[str, ...] = ()

    def queries(self) -> tuple[Query, ...]:
        """Raises Incorrect, Unsupported."""
        return tuple(map(criteria, self.filters))

    def elements_of(self, type: str) -> tuple[str, ...]:
        """Elements of a type that are wanted; empty: all."""
        return tuple(name for name in self.elements if "." not in name or name.startswith(f"{type}."))

    def cut(self, type: str, text: bytes) -> bytes:
        """A resource's text with the wanted elements alone, tagged SUBSETTED; as it is when nothing is said of its
        type."""
        wanted = self.elements_of(type) if self.elements else ()
        return summary.elements(text, wanted) if wanted else text

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, tree: dict[str, Any]) -> ExportWish:
        """Raises msgspec.ValidationError (a ValueError)."""
        return msgspec.convert(tree, cls)


def export_wish(pairs: Iterable[tuple[str, str]], *, level: str = "system", group: str | None = None) -> ExportWish:
    """Parameters that belong to the door itself (`_outputFormat`) must have been taken out. Raises Incorrect for wrong
    and unknown ones, Unsupported for those of the guide that are not spoken here."""
    found: dict[str, list[str]] = {}
    for name, value in pairs:
        found.setdefault(name, []).append(value)
    unknown = sorted(set(found) - _KNOWN)
    if set(unknown) & _NOT_HERE:
        raise Unsupported(f"{unknown[0]} is not supported by this export.")
    if unknown:
        raise Incorrect(f"Unknown parameter {unknown[0][:64]!r} here; known: {', '.join(sorted(_KNOWN))}.")
    wish = ExportWish(
        level=level,
        group=group,
        types=_listed("_type", found),
        since=_once("_since", found),
        until=_once("_until", found),
        filters=_filters(found),
        elements=_listed("_elements", found),
        patients=tuple(map(_patient, _listed("patient", found))),
    )
    _check(wish)
    return wish


_KNOWN = frozenset({"_type", "_since", "_until", "_typeFilter", "_elements", "patient"})
_NOT_HERE = frozenset({"includeAssociatedData", "organizeOutputBy"})


def _check(wish: ExportWish) -> None:
    for name in wish.types:
        if name not in resource_types():
            raise Incorrect(f"_type={name[:64]} is not a resource type.")
    for name in wish.elements:
        if not re.fullmatch(r"([A-Z][A-Za-z]{1,63}\.)?[a-z][A-Za-z]{0,63}", name):
            raise Incorrect(f"_elements: {name[:64]} is no element of a resource, such as id or Patient.name.")
    for name, text in (("_since", wish.since), ("_until", wish.until)):
        if text is not None:
            moment(name, text)
    for query in wish.queries():
        if wish.types and query.type not in wish.types:
            raise Incorrect(f"_typeFilter names {query.type}, which is not among the types of _type.")
    if wish.patients and wish.level == "system":
        raise Incorrect("patient goes with Patient/$export and Group/[id]/$export.")


def criteria(text: str) -> Query:
    """One `Type?name=value&...`: always strict, since a typo must not become an export of everything."""
    type, mark, rest = text.partition("?")
    if not mark or type not in resource_types():
        raise Incorrect(f"_typeFilter takes searches such as Observation?status=final, not {text[:64]!r}.")
    pairs = [_pair(piece) for piece in rest.split("&") if piece]
    query = grammar.parse(type, pairs, strict=True)
    if not query.clauses:
        raise Incorrect(f"_typeFilter={text[:64]} has no search criteria.")
    plain = Query(type=query.type, clauses=query.clauses, applied=query.applied)
    if query != plain or any(map(is_link, query.clauses)):
        # What else a search has is either no criterion (_sort, _include) or cannot be told from the resource alone.
        raise Unsupported(
            "_typeFilter takes criteria on the resource itself: no _sort, _include, _elements, chains, _has."
        )
    return query


def _pair(piece: str) -> tuple[str, str]:
    """A value may still carry the escapes of a search inside a parameter (%7C for |)."""
    name, _, value = piece.partition("=")
    return unquote(name), unquote(value)


def _once(name: str, found: dict[str, list[str]]) -> str | None:
    values = found.get(name, [])
    if len(values) > 1:
        raise Incorrect(f"The parameter {name} may be given once.")
    return values[0] if values else None


def _listed(name: str, found: dict[str, list[str]]) -> tuple[str, ...]:
    values = [part.strip() for value in found.get(name, []) for part in value.split(",") if part.strip()]
    if name in found and not values:
        raise Incorrect(f"The parameter {name} has no value.")
    return _few(name, values)


def _filters(found: dict[str, list[str]]) -> tuple[str, ...]:
    """Several are given one by one, or (before version 2 of the guide) with commas between them."""
    given = found.get("_typeFilter", [])
    return _few("_typeFilter", [part for value in given for part in _NEXT_FILTER.split(value)])


def _few(name: str, values: Sequence[str]) -> tuple[str, ...]:
    if len(values) > MOST:
        raise Incorrect(f"More than {MOST} values of {name}.")
    return tuple(dict.fromkeys(values))


def check_id(text: str) -> str:
    """A logical id (http://hl7.org/fhir/R4/datatypes.html#id) or Incorrect."""
    if not _ID.fullmatch(text):
        raise Incorrect(f"{text[:80]!r} is not an id: 1 to 64 of A-Z, a-z, 0-9, '-' and '.'.")
    return text


def _patient(reference: str) -> str:
    return check_id(reference.removeprefix("Patient/"))


@dataclass(frozen=True, slots=True)
class RemovalWish:
    """What is to be removed: what a source sent, what some batches wrote, or what meets one of some searches.

    `mode`: delete leaves tombstones and the history; expunge leaves nothing. `dry_run`: only count.
    """

    mode: str
    source: str | None = None
    batches: tuple[int, ...] = ()
    filters: tuple[str, ...] = ()
    dry_run: bool = False

    def queries(self) -> tuple[Query, ...]:
        """Raises Incorrect, Unsupported."""
        return tuple(map(criteria, self.filters))

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, tree: dict[str, Any]) -> RemovalWish:
        """Raises msgspec.ValidationError (a ValueError)."""
        return msgspec.convert(tree, cls)


MODES = ("delete", "expunge")


def removal_wish(pairs: Iterable[tuple[str, str]]) -> RemovalWish:
    """Parameters `mode`, `source` or `batch` (several) or `_typeFilter` (several), `dryRun`. Raises Incorrect."""
    found: dict[str, list[str]] = {}
    for name, value in pairs:
        found.setdefault(name, []).append(value)
    known = {"mode", "source", "batch", "_typeFilter", "dryRun"}
    unknown = sorted(set(found) - known)
    if unknown:
        raise Incorrect(f"Unknown parameter {unknown[0][:64]!r} here; known: {', '.join(sorted(known))}.")
    mode, dry_run = _once("mode", found), _once("dryRun", found) or "false"
    if mode not in MODES:
        raise Incorrect("Say the mode: delete (tombstones, the history stays) or expunge (nothing stays).")
    if dry_run not in ("true", "false"):
        raise Incorrect(f"dryRun takes true or false, not {dry_run[:64]!r}.")
    if len({"source", "batch", "_typeFilter"} & found.keys()) != 1:
        raise Incorrect("Say what to remove, by one of: source, batch, _typeFilter.")
    filters = _filters(found)
    for text in filters:
        criteria(text)
    batches = tuple(map(_batch, _listed("batch", found)))
    return RemovalWish(mode, _once("source", found), batches, filters, dry_run == "true")


def _batch(text: str) -> int:
    if not text.isascii() or not text.isdigit() or not 0 < int(text[:20]) < 2**63:
        raise Incorrect(f"batch={text[:64]} is not the number of a batch.")
    return int(text)
