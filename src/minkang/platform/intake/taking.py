"""One way in for every message: read it, say what it is, write it whole with its receipt, or keep it in quarantine.

    Message → read (the door's mapping, pure) → findings → one transaction: original, resources, document, receipt

Whatever goes wrong while a message is read becomes a receipt with the reason; only a database that does not answer
(Busy) is the caller's matter, for then nothing could be kept. The receipt's id follows from sender, door and bytes, so
sending again finds the first receipt; two at once are told apart by the store, which lets one create it.
"""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import Awaitable, Callable, Mapping, MutableMapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, NamedTuple, ParamSpec, TypeVar

import orjson
import structlog

from minkang.fhir.problem import Busy, Conflict, Fault, Forbidden, Gone, NotFound, PreconditionFailed, Problem
from minkang.fhir.resource import Parsed, Resource, exact, from_exact, instant
from minkang.fhir.validation import check
from minkang.kit import clock
from minkang.platform.intake import documents
from minkang.platform.intake.documents import Edition, Settled, reference
from minkang.platform.intake.findings import Rule, rules_of, told
from minkang.platform.intake.gate import Gate
from minkang.platform.intake.reading import Finding, Reading, Version, id_of
from minkang.platform.intake.receipt import CODES, Receipt, of_task, to_task
from minkang.store.contract import Entry, Repository

REMEMBERED = "https://minkang.example/StructureDefinition/intake-remembered"
SHARED = documents.SHARED

TRIES = 8
"""Editions of one document that arrive at once, until somebody has to send again."""

LARGE = 256 * 1024
"""Bytes of a message that is read in a thread: some ten milliseconds of work."""

P = ParamSpec("P")
T = TypeVar("T")

log = structlog.get_logger(__name__)


class Message(NamedTuple):
    """What came in. `sender`: id of its Organization, empty when nobody knows; `door`: its name, such as `cda`;
    `name`: of a file."""

    door: str
    content: bytes
    media_type: str
    sender: str = ""
    name: str = ""
    received: datetime | None = None


Read = Callable[[Message], Reading | Sequence[Reading]]
"""A door's mapping. Raises a Problem for what it cannot read."""


class _There(NamedTuple):
    """What is here already: the edition that counts, that of another set which this one takes the place of, and
    registrations (`Type/id` to their texts)."""

    former: Edition
    over: Edition
    known: Mapping[str, bytes]


@dataclass(slots=True)
class _Case:
    """One message on its way."""

    message: Message
    id: str
    rules: Mapping[str, Rule]
    started: float
    received: str
    milliseconds: dict[str, float]
    texts: dict[int, Parsed] = field(default_factory=dict[int, Parsed])
    """Resources of the reading as they are written, by id() of their trees: each is written down and checked once."""

    def parsed(self, tree: Resource) -> Parsed:
        found = self.texts.get(id(tree))
        if found is None:
            found = self.texts[id(tree)] = from_exact(tree)
        return found

    def lap(self, stage: str) -> None:
        now = time.perf_counter()
        self.milliseconds[stage] = round((now - self.started) * 1000, 2)
        self.started = now


class Intake:
    """For one caller's repository and the rules of one door (`findings.rules_of`). `sender`: id of its Organization,
    where a key tells it; `trial`: what comes is judged and gets a receipt, and nothing of it goes into the record;
    `gate`: of the process."""

    def __init__(
        self,
        repository: Repository,
        rules: Mapping[str, Rule] | None = None,
        *,
        sender: str = "",
        trial: bool = False,
        gate: Gate | None = None,
    ) -> None:
        self._repository = repository
        self.sender = sender
        self._trial = trial
        self._gate = gate or Gate()
        self._rules = rules_of() if rules is None else rules

    def records(self) -> Repository:
        """What its caller may read. Raises Forbidden for a sender, who sends and does not ask."""
        if self.sender:
            raise Forbidden("A sender's key sends; it does not open the record.")
        return self._repository

    async def remembered(self, sender: str, name: str) -> dict[str, str]:
        """What a door was told to remember of a sender under this name; nothing where it was not."""
        id = id_of(sender, "remembered", name)
        found = await self._repository.read_many([("Basic", id)])
        told = found.get(("Basic", id))
        return orjson.loads(orjson.loads(told.content)["extension"][0]["valueString"]) if told is not None else {}

    async def remember(self, sender: str, name: str, told: Mapping[str, str]) -> None:
        """From now on, in place of what was remembered before."""
        tree: Resource = {
            "resourceType": "Basic",
            "id": id_of(sender, "remembered", name),
            "extension": [{"url": REMEMBERED, "valueString": orjson.dumps(dict(told)).decode()}],
            "code": {"coding": [{"system": CODES, "code": "remembered"}], "text": name},
            "subject": {"reference": f"Organization/{sender}"},
        }
        await self._repository.update("Basic", tree["id"], from_exact(tree))

    async def take(self, message: Message, read: Read) -> Receipt:
        """What became of it, durable when this returns. Raises Busy alone (TooMany among it)."""
        with self._gate.entered(message.sender):
            return await self._carry_out(self._opened(message), read, None)

    async def replay(self, id: str, read: Read, content: bytes | None = None) -> Receipt:
        """Read a message in quarantine once more, as it came or corrected (`content`; the original stays beside it in
        the history). One that was taken is left alone. Raises NotFound."""
        stored = await self._repository.read("Task", id)
        former = of_task(orjson.loads(stored.content))
        if former.is_taken:
            return replace(former, outcome="duplicate", first=former.outcome)
        binary = await self._repository.read("Binary", former.original.removeprefix("Binary/"))
        kept, media_type = documents.content_of(orjson.loads(binary.content))
        when = datetime.fromisoformat(former.received)
        message = Message(former.door, content or kept, media_type, former.sender, former.name, when)
        case = self._opened(message)
        case.id = id
        return await self._carry_out(case, read, stored.version)

    def _opened(self, message: Message) -> _Case:
        received = message.received or clock.now()
        kind = "trial" if self._trial else "receipt"
        name = id_of(message.sender, kind, message.door, hashlib.sha256(message.content).hexdigest())
        return _Case(message, name, self._rules, time.perf_counter(), instant(received), {})

    async def receipt(self, id: str) -> Receipt | None:
        found = await self._former(id)
        return found[0] if found is not None else None

    async def _former(self, id: str) -> tuple[Receipt, int] | None:
        """A receipt with the version of its Task."""
        try:
            stored = await self._repository.read("Task", id)
        except (NotFound, Gone):
            return None
        return of_task(orjson.loads(stored.content)), stored.version

    async def _carry_out(self, case: _Case, read: Read, version: int | None) -> Receipt:
        reading = await apart(len(case.message.content), _read, case, read)
        case.lap("read")
        if self._trial:
            return await self._tried(case, reading)
        if not _stops(reading.findings, case.rules):
            try:
                return await self._written(case, reading, version)
            except Busy:
                raise
            except Problem as problem:
                reading.findings.append(Finding("intake-refused", value=problem.text))
        return await self._quarantined(case, reading, version)

    async def _tried(self, case: _Case, reading: Reading) -> Receipt:
        """The receipt that the message would get, and its original; tried again, it is judged anew."""
        binary = documents.original(_binary_id(case, "trial"), case.message.content, case.message.media_type)
        marks = told(reading.findings, case.rules)
        worst = marks[0].severity if marks else ""
        outcome = {"error": "quarantined", "warning": "warnings"}.get(worst, "accepted")
        outcome = outcome if case.message.content else "rejected"
        original = reference(binary) if case.message.content else ""
        receipt = replace(_receipt(case, reading, outcome, [], original=original), patient="", trial=True)
        trees = [to_task(receipt), *([binary] if original else [])]
        entries = [Entry("PUT", one["resourceType"], one["id"], parsed=from_exact(one)) for one in trees]
        await self._repository.transaction(entries, source=f"{case.message.door}:{case.message.sender}")
        return receipt

    async def _written(self, case: _Case, reading: Reading, version: int | None) -> Receipt:
        for _ in range(TRIES):
            receipt, entries = _made(case, reading, await self._there(case, reading), version)
            try:
                await self._repository.transaction(entries, source=f"{case.message.door}:{case.message.sender}")
                return receipt
            except (Conflict, PreconditionFailed):
                former_one = await self._former(case.id)
                if former_one is not None and former_one[0].is_taken:
                    return replace(former_one[0], outcome="duplicate", first=former_one[0].outcome)
                # Else another edition was quicker, or it waits in quarantine and can be read now: once more.
                version = former_one[1] if former_one is not None else None
        raise Busy("Many editions of this document arrive at once; send it again.")

    async def _there(self, case: _Case, reading: Reading) -> _There:
        """The editions that count now, and the registrations among the resources as they are here: one question, for
        mostly none of it is here yet."""
        names = [(tree["resourceType"], tree["id"]) for tree in reading.resources if tree["resourceType"] in SHARED]
        lists = _lists(case, reading.version)
        names += lists
        found = dict(await self._repository.read_many(names)) if names else {}
        editions = [found.pop(one, None) for one in lists]
        known = {f"{type}/{id}": stored.content for (type, id), stored in found.items()}
        former, over = [
            documents.edition_of(orjson.loads(one.content), one.version) if one is not None else Edition()
            for one in (*editions, None, None)[:2]
        ]
        return _There(former, over, known)

    async def _quarantined(self, case: _Case, reading: Reading, version: int | None) -> Receipt:
        binary = documents.original(_binary_id(case), case.message.content, case.message.media_type)
        outcome = "quarantined" if case.message.content else "rejected"
        receipt = _receipt(case, reading, outcome, [], original=reference(binary) if case.message.content else "")
        receipt = replace(receipt, resources=(), gone=(), patient="")
        entries = [_put(from_exact(to_task(receipt)), version)]
        if case.message.content:
            entries.append(_put(from_exact(binary)))
        try:
            await self._repository.transaction(entries, source=f"{case.message.door}:{case.message.sender}")
        except (Conflict, PreconditionFailed):
            first = await self.receipt(case.id)
            if first is None:
                raise Busy from None
            return replace(first, outcome="duplicate", first=first.outcome)
        return receipt


async def apart(size: int, work: Callable[P, T], *args: P.args, **named: P.kwargs) -> T:
    """What takes long for a large message (bytes) is done in a thread, so that others are answered meanwhile."""
    if size < LARGE:
        return work(*args, **named)
    return await asyncio.to_thread(work, *args, **named)


IntakeFor = Callable[[MutableMapping[str, Any], str, Mapping[str, Rule]], Awaitable[Intake]]
"""By whom a request (an ASGI scope) at a door (its name) with its rules is taken. Raises Unauthenticated, Forbidden."""


def _read(case: _Case, read: Read) -> Reading:
    """What the message says; with an error among the findings when it cannot be taken."""
    if not case.message.content:
        return Reading("", findings=[Finding("intake-empty")])
    try:
        found = read(case.message)
        reading = found if isinstance(found, Reading) else _joined(found)
        return _checked(case, reading)
    except Problem as problem:
        if isinstance(problem, Fault):
            log.error("a message could not be read", door=case.message.door, receipt=case.id)
        place = problem.issues[0].expression or ""
        return Reading("", findings=[Finding("intake-unreadable", place, problem.text)])
    except Exception as error:  # whatever a mapping does, the message is kept and somebody is told
        log.exception("a mapping failed", door=case.message.door, receipt=case.id)
        return Reading("", findings=[Finding("intake-fault", value=type(error).__name__)])


def _joined(readings: Sequence[Reading]) -> Reading:
    """Several of one message go in together or not at all."""
    if len(readings) == 1:
        return readings[0]
    patients = {one.patient for one in readings}
    found = Reading(readings[0].kind if readings else "", patient=patients.pop() if len(patients) == 1 else "")
    for one in readings:
        found.resources += one.resources
        found.gone += one.gone
        found.findings += one.findings
    return found


def _checked(case: _Case, reading: Reading) -> Reading:
    for tree in reading.resources:
        try:
            check(case.parsed(tree).tree)
        except Problem as problem:
            reading.findings.append(Finding("intake-invalid", reference(tree), problem.text))
    return reading


def _stops(findings: Sequence[Finding], rules: Mapping[str, Rule]) -> bool:
    return any(one.rule in rules and rules[one.rule].severity == "error" for one in findings)


def _binary_id(case: _Case, kind: str = "Binary") -> str:
    """By door, too: what one cannot read and another has taken as a document is kept twice."""
    return id_of(case.message.sender, kind, case.message.door, hashlib.sha256(case.message.content).hexdigest())


def _lists(case: _Case, version: Version | None) -> list[tuple[str, str]]:
    """The List of an edition's set, then that of the set it takes the place of."""
    if version is None:
        return []
    sets = [version.set] + ([version.over] if version.over and version.over != version.set else [])
    return [("List", documents.list_id(case.message.sender, version._replace(set=one))) for one in sets]


def _made(case: _Case, reading: Reading, there: _There, version: int | None) -> tuple[Receipt, list[Entry]]:
    """The receipt, and everything that is written with it."""
    message, former = case.message, there.former
    edition = reading.version
    settled = Settled(True, gone=list(reading.gone))
    name = documents.document_id(message.sender, edition, message.content) if edition is not None else ""
    document = f"DocumentReference/{name}" if name else ""
    binary = documents.original(_binary_id(case), message.content, message.media_type, document)
    trees: list[Resource] = [binary]
    if edition is not None:
        settled = documents.settle(reading, edition, former, there.over)
        trees.append(_document(case, reading, edition, name, binary, settled.counts))
    written = [documents.guarded(one, document) for one in reading.resources] if settled.counts else []
    whole = _latest([*trees, *written])
    entries = [_put(case.parsed(tree)) for tree in whole if tree["resourceType"] not in SHARED]
    entries += [
        entry
        for tree in whole
        if tree["resourceType"] in SHARED
        for entry in _registration(case, tree, there.known, reading)
    ]
    entries += [Entry("DELETE", type, id) for type, id in (one.split("/") for one in settled.gone)]
    if edition is not None:
        entries += _edition(case, reading, edition, document, settled, there)
    case.lap("map")
    reading.findings += settled.findings
    marks = told(reading.findings, case.rules)
    outcome = "warnings" if any(one.severity == "warning" for one in marks) else "accepted"
    receipt = _receipt(case, reading, outcome, settled.gone, original=reference(binary), document=document)
    receipt = replace(receipt, resources=tuple(dict.fromkeys(reference(one) for one in written)))
    for _ in settled.findings:
        reading.findings.pop()  # another try may find another edition
    return receipt, [*entries, _put(from_exact(to_task(receipt)), version)]


def _document(case: _Case, reading: Reading, edition: Version, id: str, binary: Resource, counts: bool) -> Resource:
    message = case.message
    told = {"sender": message.sender, "received": case.received}
    return documents.document(id, reading, edition, binary, message.content, **told, counts=counts)


def _edition(
    case: _Case, reading: Reading, edition: Version, document: str, settled: Settled, there: _There
) -> list[Entry]:
    """The List of its set, and what it takes the place of: named by the List of that set, too, so that what is replaced
    and comes later is older."""
    (_, name), *others = _lists(case, edition)
    entries: list[Entry] = []
    former = set[str]()
    if settled.counts:
        written = [reference(one) for one in reading.resources] + settled.kept
        made = documents.listed(name, edition, document, written, reading.patient)
        entries.append(_put(from_exact(made), there.former.version))
        former = {there.former.document} if edition.relation != "append" else former
    for _, other in others:
        made = documents.listed(other, edition._replace(set=edition.over), document, [], reading.patient)
        entries.append(_put(from_exact(made), there.over.version))
    return entries + [_superseding(one) for one in sorted(former | {there.over.document}) if one]


def _latest(trees: Sequence[Resource]) -> list[Resource]:
    """A message may say the same resource twice; what it says last counts."""
    return list({reference(tree): tree for tree in trees}.values())


def _receipt(
    case: _Case, reading: Reading, outcome: str, gone: Sequence[str], *, original: str = "", document: str = ""
) -> Receipt:
    return Receipt(
        id=case.id,
        door=case.message.door,
        sender=case.message.sender,
        outcome=outcome,
        received=case.received,
        kind=reading.kind,
        message=reading.message,
        name=case.message.name,
        findings=told(reading.findings, case.rules),
        gone=tuple(gone),
        patient=reading.patient,
        original=original,
        document=document,
        milliseconds=dict(case.milliseconds),
        happened=instant(reading.happened.astimezone(UTC)) if reading.happened is not None else "",
    )


def _put(parsed: Parsed, version: int | None = None) -> Entry:
    """`version`: the one that must be there still. Receipts and sets must be new when there is none."""
    tree = parsed.tree
    alone: Any = None
    if version is None and (tree["resourceType"] == "List" or "businessStatus" in tree):
        alone = "*"
    return Entry("PUT", tree["resourceType"], tree["id"], parsed=parsed, if_match=version, if_none_match=alone)


def _registration(case: _Case, tree: Resource, known: Mapping[str, bytes], reading: Reading) -> list[Entry]:
    """A laboratory's message may say no more of a patient than a name, or of a visit than its number: it must not
    take away the address and the relatives that the admission brought. What it says replaces, what it empties goes, the
    rest stays; where it says nothing new, nothing is written."""
    there = known.get(reference(tree))
    type: str = tree["resourceType"]
    if there is None:
        return [Entry("PUT", type, tree["id"], parsed=case.parsed(tree), if_none_match="*")]
    empty = [one for one in reading.cleared if one.reference == reference(tree)]
    yields = reading.yields.get(reference(tree))

    def anew(text: bytes) -> Resource:
        return documents.told_anew(exact(text), tree, empty, yields)

    if anew(there) == exact(there):
        return []
    return [Entry("PATCH", type, tree["id"], patch=lambda text: from_exact(anew(text)))]


def _superseding(document: str) -> Entry:
    type, id = document.split("/")
    return Entry("PATCH", type, id, patch=documents.superseded)
