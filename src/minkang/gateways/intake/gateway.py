"""Receipts, quarantine, replay and reconciliation over HTTP, beside `minkang intake`.

GET  /intake?outcome=&door=&sender=&since=&day=&count=&after=   receipts, newest first, with counts by outcome
GET  /intake/{id}                        one
GET  /intake/{id}/original               the bytes as they came
POST /intake/{id}/$replay                read it once more; a body is the corrected message
PUT  /intake/declared                    {"sender", "day", "counts": {kind: number}}: what a sender had
GET  /intake/reconciliation?sender=&from=&to=   declared, come in time, come late, in quarantine, missing
POST /intake/reconciliation/$ask?sender=&day=   ask the sender for what is missing
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple
from urllib.parse import parse_qs, urlencode

import orjson
import structlog

from minkang.fhir.problem import Busy, Fault, Incorrect, NotAllowed, NotFound, Problem, TooLarge
from minkang.kit.http import (
    App,
    BodyTooLarge,
    Disconnected,
    Header,
    Receive,
    Scope,
    Send,
    joined_headers,
    read_body,
    send_bytes,
)
from minkang.platform.intake.desk import MOST, Asked, Door, IntakeDesk
from minkang.platform.intake.reconciling import Reconciling
from minkang.store.contract import Repository

USUAL = 100
_ASKED = ("outcome", "door", "sender", "since", "day")
_GUARDED = [(b"cache-control", b"no-store"), (b"x-content-type-options", b"nosniff")]
_JSON = (b"content-type", b"application/json; charset=utf-8")

log = structlog.get_logger(__name__)


class Answer(NamedTuple):
    status: int
    headers: list[Header]
    body: bytes


def is_mine(path: str) -> bool:
    return path == "/intake" or path.startswith("/intake/")


def build(repository_for: Callable[[Scope], Repository], doors: Mapping[str, Door], *, max_body: int) -> App:
    """`doors`: those whose messages can be replayed. `repository_for` may raise Unauthenticated or Forbidden."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        try:
            found = await _Request(scope, receive, repository_for(scope), doors, max_body).answer()
        except Problem as problem:
            found = _refused(problem)
        except Disconnected:
            return
        except Exception:
            log.exception("unexpected", door="intake")
            found = _refused(Fault("Something broke on our side; it was logged."))
        headers = [*found.headers, *_GUARDED]
        await send_bytes(send, found.status, headers, found.body, head=scope["method"] == "HEAD")

    return app


def _refused(problem: Problem) -> Answer:
    headers: list[Header] = [_JSON]
    if isinstance(problem, Busy):
        headers.append((b"retry-after", b"5"))
    if isinstance(problem, NotAllowed):
        headers.append((b"allow", problem.allow.encode()))
    return Answer(problem.status, headers, orjson.dumps({"error": problem.text}))


def _told(found: Any, status: int = 200) -> Answer:
    return Answer(status, [_JSON], orjson.dumps(found))


class _Request:
    """One, on its way."""

    def __init__(
        self, scope: Scope, receive: Receive, repository: Repository, doors: Mapping[str, Door], limit: int
    ) -> None:
        self._scope, self._receive, self._limit = scope, receive, limit
        self._desk, self._books = IntakeDesk(repository, doors), Reconciling(repository)
        pairs = parse_qs(scope["query_string"].decode("latin-1"), keep_blank_values=True)
        self._named = {name: values[0] for name, values in pairs.items()}

    async def answer(self) -> Answer:
        """Raises what the desk and the books raise, NotFound, NotAllowed, Incorrect, TooLarge."""
        match self._scope["path"].strip("/").split("/")[1:]:
            case []:
                self._must("GET")
                return await self._list()
            case ["declared"]:
                self._must("PUT")
                return await self._declare()
            case ["reconciliation"]:
                self._must("GET")
                rows = await self._books.rows(self._need("sender"), self._need("from"), self._need("to"))
                return _told({"rows": [row.json() for row in rows]})
            case ["reconciliation", "$ask"]:
                self._must("POST")
                found = await self._books.ask_for_missing(self._need("sender"), self._need("day"))
                return _told(found or {"missing": {}}, 201 if found else 200)
            case [id]:
                self._must("GET")
                return _told((await self._desk.one(id)).json())
            case [id, "original"]:
                self._must("GET")
                content, media_type = await self._desk.original(id)
                # Whatever somebody sent is data here, never a page of ours.
                headers = [(b"content-type", media_type.encode()), (b"content-disposition", b"attachment")]
                return Answer(200, [*headers, (b"content-security-policy", b"sandbox")], content)
            case [id, "$replay"]:
                self._must("POST")
                return _told((await self._desk.replay(id, await self._body() or None)).json())
            case _:
                raise NotFound("Receipts are at /intake and /intake/{id}.")

    def _must(self, method: str) -> None:
        if self._scope["method"] != method and (self._scope["method"], method) != ("HEAD", "GET"):
            raise NotAllowed(method)

    def _need(self, name: str) -> str:
        if not self._named.get(name):
            raise Incorrect(f"Name the {name}: ?{name}=...")
        return self._named[name]

    async def _body(self) -> bytes:
        declared = joined_headers(self._scope["headers"]).get(b"content-length")
        try:
            return await read_body(self._receive, self._limit, declared)
        except BodyTooLarge:
            raise TooLarge(f"The message is longer than {self._limit} bytes.") from None

    async def _list(self) -> Answer:
        count = self._named.get("count", str(USUAL))
        if not re.fullmatch(r"\d{1,6}", count, re.ASCII) or not 0 < int(count) <= MOST:
            raise Incorrect(f"count takes a number from 1 to {MOST}.")
        asked = Asked(**{name: self._named.get(name, "") for name in _ASKED})
        receipts, after = await self._desk.listed(asked, int(count), self._named.get("after", ""))
        found: dict[str, Any] = {
            "counts": await self._desk.counts(asked),
            "receipts": [one.json() for one in receipts],
        }
        if after:
            found["next"] = f"/intake?{urlencode({**self._named, 'after': after})}"
        return _told(found)

    async def _declare(self) -> Answer:
        try:
            told = orjson.loads(await self._body())
            sender, day, counts = told["sender"], told["day"], told["counts"]
        except (orjson.JSONDecodeError, KeyError, TypeError):
            raise Incorrect('Send {"sender": "...", "day": "2026-11-25", "counts": {"C0002": 120}}.') from None
        if not isinstance(sender, str) or not isinstance(day, str) or not isinstance(counts, dict):
            raise Incorrect("sender and day are texts, counts an object of numbers.")
        await self._books.declare(sender, day, counts)
        return _told({"sender": sender, "day": day, "declared": sum(counts.values())})
