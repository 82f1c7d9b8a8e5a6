"""Create, update, patch and delete in the naive twin: one resource at a time, without any waiting.

http://hl7.org/fhir/R4/http.html. What both stores promise, beyond the words of the standard:

- versions are 1, 2, 3 ...; a delete is a version too, and an update after it creates the resource anew with the next;
- an update that changes nothing but `id`, `meta.versionId` and `meta.lastUpdated` makes no version (`unchanged`);
- If-Match must equal the newest version, and fails on what is not there; If-None-Match `*` fails on what is there;
- what the scope does not cover cannot be written: it is answered as if it were not there, and its id is not taken;
- deleting what is not there does nothing, whatever If-Match says.
"""

from __future__ import annotations

from collections.abc import Callable

import orjson

from minkang.fhir.problem import Conflict, Forbidden, Gone, Incorrect, NotFound, PreconditionFailed
from minkang.fhir.references import patient_of
from minkang.fhir.resource import Parsed, stamped
from minkang.fhir.search.query import Query
from minkang.store import shards
from minkang.store.contract import Stored, Written
from minkang.store.memory.rows import Row, Rows, admits
from minkang.store.memory.searching import matching_rows
from minkang.store.scope import Actor, Scope


class Writer:
    """One actor's hand on the rows."""

    def __init__(self, rows: Rows, actor: Actor, scope: Scope) -> None:
        self.rows = rows
        self.actor = actor
        self.scope = scope

    def create(self, type: str, parsed: Parsed, id: str | None = None) -> Written:
        """`id` is one that a transaction gave already; else the store makes one. The body's own id is not used."""
        self.check_writable(type)
        return self._write(type, id or new_id(type, parsed), parsed)

    def create_unless(self, condition: Query, type: str, parsed: Parsed) -> Written:
        """http://hl7.org/fhir/R4/http.html#ccreate: none: create; one: that is it; several: refused."""
        self.check_writable(type)
        found = self.only_match(condition)
        return Written(found.stored, "unchanged") if found is not None else self.create(type, parsed)

    def update(
        self, type: str, id: str, parsed: Parsed, *, if_match: int | None = None, if_none_match: str | None = None
    ) -> Written:
        self.check_writable(type)
        before = self._latest(type, id)
        _check_match(before, if_match)
        if if_none_match == "*" and before is not None and not before.stored.deleted:
            raise PreconditionFailed(f"{type}/{id} exists already.")
        return self._write(type, id, parsed)

    def update_where(self, query: Query, parsed: Parsed, *, if_match: int | None = None) -> Written:
        """http://hl7.org/fhir/R4/http.html#cond-update: none: create; one: update it; several: refused."""
        type = self._one_type(query)
        id = parsed.tree.get("id") or new_id(type, parsed)
        return self.update_found(type, self.only_match(query), parsed, id, if_match=if_match)

    def update_found(
        self, type: str, found: Row | None, parsed: Parsed, id: str, *, if_match: int | None = None
    ) -> Written:
        """A conditional update whose condition found this row or none; `id` is for a new resource."""
        if found is None:
            before = self._latest(type, id)
            if before is not None and not before.stored.deleted:
                raise Conflict(f"Nothing meets the condition, but {type}/{id} exists already.")
            return self.update(type, id, parsed, if_match=if_match)
        if parsed.tree.get("id", found.stored.id) != found.stored.id:
            raise Incorrect(f"The condition is met by {type}/{found.stored.id}, but the body has another id.")
        return self.update(type, found.stored.id, parsed, if_match=if_match)

    def patch(self, type: str, id: str, change: Callable[[bytes], Parsed], *, if_match: int | None = None) -> Written:
        self.check_writable(type)
        before = living(self.rows, self.scope, type, id)
        _check_match(before, if_match)
        return self._write(type, id, change(before.stored.content))

    def patch_where(self, query: Query, change: Callable[[bytes], Parsed], *, if_match: int | None = None) -> Written:
        type = self._one_type(query)
        found = self.only_match(query)
        if found is None:
            raise NotFound("Nothing matches the condition.")
        return self.patch(type, found.stored.id, change, if_match=if_match)

    def delete(self, type: str, id: str, *, if_match: int | None = None) -> Written | None:
        """None when there is nothing to delete: it never was, or is deleted already."""
        self.check_writable(type)
        before = self._latest(type, id)
        if before is None or before.stored.deleted:
            return None
        _check_match(before, if_match)
        version = before.stored.version + 1
        tombstone = Stored(type, id, version, self.rows.now(), b"", deleted=True, method="DELETE")
        self.rows.add(tombstone, None, self.actor)
        return Written(tombstone, "deleted")

    def delete_where(self, query: Query, *, limit: int = 1) -> list[Written]:
        type = self._one_type(query)
        found = matching_rows(self.rows, self.scope, query)
        if len(found) > limit:
            raise PreconditionFailed(f"The condition finds more than {limit}; nothing was deleted.")
        written = [self.delete(type, row.stored.id) for row in found]
        return [each for each in written if each is not None]

    def only_match(self, query: Query) -> Row | None:
        """The one row that a condition finds, or None. Raises PreconditionFailed for several."""
        found = matching_rows(self.rows, self.scope, query)
        if len(found) > 1:
            raise PreconditionFailed("The condition finds more than one resource.")
        return found[0] if found else None

    def _write(self, type: str, id: str, parsed: Parsed) -> Written:
        before = self.rows.latest(type, id)
        there = before.stored if before is not None and not before.stored.deleted else None
        if there is not None and stamped(parsed, id, there.version, there.updated) == there.content:
            return Written(there, "unchanged")
        version = before.stored.version + 1 if before is not None else 1
        updated = self.rows.now()
        content = stamped(parsed, id, version, updated)
        stored = Stored(type, id, version, updated, content, method="POST" if version == 1 else "PUT")
        self.rows.add(stored, orjson.loads(content), self.actor)
        return Written(stored, "updated" if there is not None else "created")

    def _latest(self, type: str, id: str) -> Row | None:
        """The newest version, a tombstone perhaps; None when it never was. Raises NotFound when it is out of scope."""
        row = self.rows.latest(type, id)
        if row is not None and not admits(self.scope, row):
            raise NotFound(f"There is no {type}/{id}.")
        return row

    def check_writable(self, type: str) -> None:
        if self.scope.writable is not None and type not in self.scope.writable:
            raise Forbidden(f"You may not write {type}.")

    def _one_type(self, query: Query) -> str:
        if query.type is None:
            raise Incorrect("A conditional request names one resource type.")
        self.check_writable(query.type)
        return query.type


def living(rows: Rows, scope: Scope, type: str, id: str) -> Row:
    """The newest version, when there is one to see. Raises NotFound, or Gone when it was deleted."""
    row = rows.latest(type, id)
    if row is None or not admits(scope, row):
        raise NotFound(f"There is no {type}/{id}.")
    if row.stored.deleted:
        raise Gone(f"{type}/{id} was deleted.")
    return row


def new_id(type: str, parsed: Parsed) -> str:
    """An id of the store's own making: it carries the shard of a personal resource."""
    patients = patient_of(parsed.tree)
    return shards.new_id(type, shards.of_patient(patients[0]) if patients else None)


def _check_match(before: Row | None, if_match: int | None) -> None:
    if if_match is None:
        return
    if before is None or before.stored.deleted or before.stored.version != if_match:
        at = "does not exist" if before is None or before.stored.deleted else f"is at version {before.stored.version}"
        raise PreconditionFailed(f"The request is for version {if_match}, but the resource {at}.")
