"""POST /cda: a document or a ZIP of documents in, receipts out. POST /cda/$check: what is wrong with it, no more."""

from __future__ import annotations

from contextlib import suppress
from typing import Any, NamedTuple

import orjson

from minkang.fhir.problem import Busy, Incorrect, NotAllowed, Problem, TooLarge
from minkang.gateways.cda.mapping import DOOR, sender_of, understood
from minkang.gateways.cda.mapping.checking import Report, checked
from minkang.gateways.cda.wire import Element, is_archive, members, read
from minkang.kit.http import BodyTooLarge, Header, Receive, Scope, joined_headers, read_body
from minkang.platform.intake.reading import Reading
from minkang.platform.intake.receipt import Receipt
from minkang.platform.intake.taking import Intake, Message, apart

MEDIA_TYPE = "application/xml"
JSON = [(b"content-type", b"application/json; charset=utf-8")]

STATUS = {"accepted": 201, "warnings": 201, "quarantined": 202, "rejected": 400}
"""Of a single document. 202: kept, and somebody must correct it before it counts."""


class Answer(NamedTuple):
    status: int
    headers: list[Header]
    body: bytes


async def post(scope: Scope, receive: Receive, intake: Intake, limit: int) -> Answer:
    """Raises NotAllowed, TooLarge, Incorrect, Busy."""
    if scope["method"] != "POST":
        raise NotAllowed("POST")
    content = await _body(scope, receive, limit)
    if scope["path"].rstrip("/").endswith("$check"):
        return await apart(len(content), _checked, content)
    if is_archive(content):
        return await _many(intake, content)
    return _told(await taken(intake, content))


async def _body(scope: Scope, receive: Receive, limit: int) -> bytes:
    headers = joined_headers(scope["headers"])
    try:
        return await read_body(receive, limit, headers.get(b"content-length"))
    except BodyTooLarge:
        raise TooLarge(f"The document is longer than {limit} bytes. Send a ZIP in parts.") from None


async def taken(intake: Intake, content: bytes, *, sender: str = "", name: str = "") -> Receipt:
    """One document, kept or in quarantine. `sender`: its Organization's id where the line or token tells it; else it
    follows from the custodian. Raises Busy alone."""
    document: Element | None = None
    with suppress(Incorrect):  # intake meets the same error, and keeps the bytes with the reason
        document = await apart(len(content), read, content)
    who = sender or intake.sender or (sender_of(document) if document is not None else "")

    def reading(_: Message) -> Reading:
        return understood(content, who, document=document)

    return await intake.take(Message(DOOR, content, MEDIA_TYPE, who, name), reading)


def _told(receipt: Receipt) -> Answer:
    """Location: the DocumentReference, or the receipt of what waits in quarantine."""
    status = 200 if receipt.outcome == "duplicate" else STATUS[receipt.outcome]
    place = receipt.document or f"Task/{receipt.id}"
    return Answer(status, [*JSON, (b"location", f"/fhir/{place}".encode())], orjson.dumps(receipt.json()))


async def _many(intake: Intake, content: bytes) -> Answer:
    """Each document by itself: a bad one does not hold up the others. 207 unless all were taken."""
    found: list[dict[str, Any]] = []
    outcomes: dict[str, int] = {}
    good = True
    problem: Problem | None = None
    try:
        for member in members(content):
            receipt = await taken(intake, member.content, name=member.name)
            found.append(receipt.json())
            outcomes[receipt.outcome] = outcomes.get(receipt.outcome, 0) + 1
            good = good and receipt.is_taken
    except (Incorrect, Busy) as error:
        if not found:
            raise
        problem = error  # what went in before has its receipts; sending the whole again is harmless
    body: dict[str, Any] = {"documents": len(found), "outcomes": outcomes, "receipts": found}
    if problem is not None:
        body |= {"stopped": problem.text, "next": "Send the ZIP again: what is in stays as it is."}
    return Answer(201 if good and problem is None else 207, JSON, orjson.dumps(body))


def _checked(content: bytes) -> Answer:
    """200 whether or not something is wrong: the report says."""
    if is_archive(content):
        reports = [checked(one.content).json() | {"name": one.name} for one in members(content)]
        return Answer(200, JSON, orjson.dumps({"documents": len(reports), "reports": reports}))
    report: Report = checked(content)
    return Answer(200, JSON, orjson.dumps(report.json()))


def refused(problem: Problem) -> Answer:
    headers = [*JSON]
    if isinstance(problem, Busy):
        headers.append((b"retry-after", str(problem.retry_after).encode()))
    if isinstance(problem, NotAllowed):
        headers.append((b"allow", problem.allow.encode()))
    return Answer(problem.status, headers, orjson.dumps({"outcome": "refused", "error": problem.text}))
