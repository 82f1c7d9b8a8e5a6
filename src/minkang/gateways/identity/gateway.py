"""The master index over HTTP, beside the FHIR operations (`operations.py`).

GET  /identity/Patient/{id}          registrations of the same person, what they make together, what was done to them
POST /identity/Patient/{id}/$part    this registration is somebody else's                        {"reason": ...}
GET  /identity/reviews?state=&reason=&count=     pairs that a person has to look at, oldest first
POST /identity/reviews/{id}/{id}     what a person decided        {"decision": "linked" | "apart", "reason": ...}
POST /identity/events/{n}/$undo      take back what an event did                                  {"reason": ...}
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import asdict
from typing import Any
from urllib.parse import parse_qsl

import orjson
import structlog

from minkang.fhir.problem import Busy, Fault, Incorrect, NotAllowed, NotFound, Problem, TooLarge, outcome
from minkang.gateways.identity import operations
from minkang.kit.http import App, BodyTooLarge, Header, Receive, Scope, Send, joined_headers, read_body, send_bytes
from minkang.platform.identity.desk import SOME, IdentityDesk
from minkang.store.contract import Repository

FHIR = "/fhir/Patient/"
STATES = ("open", "linked", "apart")
MOST = 1_000

_NO_STORE = (b"cache-control", b"no-store")
_JSON = [(b"content-type", b"application/json; charset=utf-8"), _NO_STORE]
_FHIR_JSON = [(b"content-type", b"application/fhir+json; charset=utf-8"), _NO_STORE]

log = structlog.get_logger(__name__)


def is_mine(path: str) -> bool:
    if path.startswith(FHIR):
        return path.removeprefix(FHIR) in operations.OPERATIONS
    return path == "/identity" or path.startswith("/identity/")


def build(
    desk: Callable[[], IdentityDesk], repository: Callable[[], Repository], *, base_url: str | None, max_body: int
) -> App:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        is_fhir = scope["path"].startswith(FHIR)
        headers: list[Header] = [*(_FHIR_JSON if is_fhir else _JSON)]
        answer = _operation if is_fhir else _answer
        try:
            body = await _body(scope, receive, max_body)
            status, found = 200, await answer(scope, body, desk(), repository(), base_url or "/fhir")
        except Problem as problem:
            status, found = problem.status, outcome(problem) if is_fhir else {"error": problem.text}
            headers += _hints(problem)
        except Exception:
            log.exception("unexpected", door="identity")
            fault = Fault("Something broke on our side; it was logged.")
            status, found = fault.status, outcome(fault) if is_fhir else {"error": fault.text}
        await send_bytes(send, status, headers, orjson.dumps(found), head=scope["method"] == "HEAD")

    return app


async def _body(scope: Scope, receive: Receive, limit: int) -> bytes:
    try:
        return await read_body(receive, limit, joined_headers(scope["headers"]).get(b"content-length"))
    except BodyTooLarge:
        raise TooLarge(f"The body is longer than {limit} bytes.") from None


def _hints(problem: Problem) -> list[Header]:
    if isinstance(problem, Busy):
        return [(b"retry-after", str(problem.retry_after).encode())]
    return [(b"allow", problem.allow.encode())] if isinstance(problem, NotAllowed) else []


async def _operation(scope: Scope, body: bytes, desk: IdentityDesk, repository: Repository, base: str) -> Any:
    name = scope["path"].removeprefix(FHIR)
    if name == "$ihe-pix":
        _expect(scope, "GET")
        pairs = parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)
        return await operations.cross_reference(desk, repository, pairs)
    _expect(scope, "POST")
    if name == "$match":
        return await operations.match(desk, body, base)
    return await operations.merge(desk, repository, body)


async def _answer(scope: Scope, body: bytes, desk: IdentityDesk, _: Repository, base: str) -> dict[str, Any]:
    """Raises NotFound, NotAllowed, Incorrect, Conflict, Busy."""
    match scope["path"].strip("/").split("/")[1:]:
        case ["Patient", id]:
            _expect(scope, "GET")
            names = await desk.together(id)
            events = [asdict(one) for one in await desk.events(names)]
            return {"patient": id, "together": names, "person": await desk.person(id), "events": events}
        case ["Patient", id, "$part"]:
            _expect(scope, "POST")
            return {"event": await desk.part(id, _told(body, "reason"))}
        case ["reviews"]:
            _expect(scope, "GET")
            return {"reviews": [asdict(one) for one in await desk.reviews(*_asked(scope))]}
        case ["reviews", a, b]:
            _expect(scope, "POST")
            return asdict(await desk.decide(a, b, _told(body, "decision"), _told(body, "reason")))
        case ["events", number, "$undo"] if re.fullmatch(r"\d{1,18}", number, re.ASCII):
            _expect(scope, "POST")
            return {"event": await desk.undo(int(number), _told(body, "reason"))}
        case _:
            raise NotFound("The master index is at /identity/Patient/{id}, /identity/reviews and /identity/events.")


def _expect(scope: Scope, method: str) -> None:
    if scope["method"] != method and not (method == "GET" and scope["method"] == "HEAD"):
        raise NotAllowed(method)


def _told(body: bytes, name: str) -> str:
    try:
        tree = orjson.loads(body)
    except ValueError:
        tree = None
    found = tree.get(name) if isinstance(tree, dict) else None
    if not isinstance(found, str) or not found.strip():
        raise Incorrect(f'The body is JSON with "{name}": "...".')
    return found


def _asked(scope: Scope) -> tuple[str, str, int]:
    pairs = dict(parse_qsl(scope["query_string"].decode("latin-1")))
    state, count = pairs.get("state", "open"), pairs.get("count", str(SOME))
    if state not in STATES:
        raise Incorrect(f"state takes {', '.join(STATES)}, not {state[:64]!r}.")
    if not re.fullmatch(r"\d{1,6}", count, re.ASCII) or not 0 < int(count) <= MOST:
        raise Incorrect(f"count takes a number from 1 to {MOST}.")
    return state, pairs.get("reason", ""), int(count)
