"""A run of an agreement: what has changed since the last one goes to the target, portion by portion; in the end where
it stopped and what was given are written down in one transaction.

Dying before that, the next run gives the same again: a target takes rows by their id, so that is harmless. Every run
leaves an AuditEvent (http://hl7.org/fhir/R4/auditevent.html), those that gave nothing, too.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Protocol

import orjson

from minkang.fhir.problem import Forbidden, Gone, NotFound
from minkang.fhir.resource import Resource, from_exact, instant
from minkang.fhir.search import grammar
from minkang.platform.intake.reading import id_of
from minkang.platform.sharing.agreement import Agreement
from minkang.platform.sharing.rows import Row, rows
from minkang.store.contract import Entry, Extract, Repository

CODES = "https://minkang.example/CodeSystem/sharing"
SINCE = "https://minkang.example/StructureDefinition/sharing-since"
DICOM = "http://dicom.nema.org/resources/ontology/DCM"


class Target(Protocol):
    """Takes rows in place of those with the same resource_id."""

    async def put(self, rows: Sequence[Row]) -> None: ...

    async def finish(self) -> None:
        """All of a run has been put; durable when this returns."""
        ...


def _nobody(rows: int, done: float) -> None:
    """Nobody is told."""


@dataclass(slots=True)
class Given:
    """What a run did. `since`: of the run before, None for the first."""

    since: datetime | None
    until: datetime
    rows: int = 0
    taken_back: int = 0


class Giving:
    def __init__(self, repository: Repository, agreement: Agreement) -> None:
        self._repository, self._agreement = repository, agreement

    async def run(
        self, target: Target, today: date, *, whole: bool = False, tell: Callable[[int, float], None] = _nobody
    ) -> Given:
        """`whole`: everything, as if for the first time. `tell`: rows so far, and how much of the walk is over (0 to
        1). Raises Forbidden when the agreement has ended, and whatever the target raises."""
        agreement = self._agreement
        if today > agreement.until:
            raise Forbidden(f"The agreement {agreement.name} ended on {agreement.until}: nothing is given any more.")
        moment = await self._repository.moment()
        mark = None if whole else await self._mark()
        given = Given(mark, moment.time)
        async for portion in self._repository.export(Extract(moment, types=(agreement.type,), since=mark)):
            made = await rows(self._repository, agreement, portion.versions, all=mark is None)
            if made:
                await target.put(made)
            given.taken_back += (back := sum(bool(one["deleted"]) for one in made))
            given.rows += len(made) - back
            tell(given.rows, portion.done)
        await target.finish()
        await self._write_down(given)
        return given

    @property
    def _id(self) -> str:
        return id_of("sharing", "Basic", self._agreement.name)

    async def _mark(self) -> datetime | None:
        try:
            tree = orjson.loads((await self._repository.read("Basic", self._id)).content)
        except (NotFound, Gone):
            return None
        return datetime.fromisoformat(tree["extension"][0]["valueInstant"])

    async def _write_down(self, given: Given) -> None:
        mark: Resource = {
            "resourceType": "Basic",
            "id": self._id,
            "extension": [{"url": SINCE, "valueInstant": instant(given.until)}],
            "code": {"coding": [{"system": CODES, "code": "agreement"}], "text": self._agreement.name},
        }
        entries = [
            Entry("PUT", "Basic", self._id, parsed=from_exact(mark)),
            Entry("POST", "AuditEvent", parsed=from_exact(self._event(given))),
        ]
        await self._repository.transaction(entries)

    def _event(self, given: Given) -> Resource:
        agreement = self._agreement
        told = {"rows": given.rows, "taken-back": given.taken_back}
        details: list[dict[str, Any]] = [{"type": name, "valueString": str(count)} for name, count in told.items()]
        details.append({"type": "fields", "valueString": ",".join(agreement.fields)})
        return {
            "resourceType": "AuditEvent",
            "type": {"system": DICOM, "code": "110106", "display": "Export"},
            "subtype": [{"system": CODES, "code": "agreement"}],
            "action": "R",
            "recorded": instant(given.until),
            "outcome": "0",
            "agent": [
                {"name": "Minkang", "requestor": True},
                {"name": agreement.recipient, "requestor": False},
            ],
            "source": {"observer": {"display": "Minkang"}},
            "entity": [{"name": agreement.name, "description": agreement.basis, "detail": details}],
        }


async def log(repository: Repository, count: int) -> list[Resource]:
    """What was given, newest first: AuditEvents."""
    pairs = [("subtype", f"{CODES}|agreement"), ("_sort", "-date"), ("_count", str(count))]
    page = await repository.search(grammar.parse("AuditEvent", pairs, strict=True))
    return [orjson.loads(hit.stored.content) for hit in page.hits]
