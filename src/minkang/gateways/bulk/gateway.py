"""The bulk door as one bare ASGI application: http://hl7.org/fhir/R4/async.html.

gateway    one request in, one answer out; problems become OperationOutcomes here
asking     what was asked, decoded on demand; what is answered
kickoff    orders: $export, $bulk-delete
status     how a job stands; cancelling it
download   the files an export leaves
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from typing import NamedTuple

import structlog

from minkang.fhir.problem import Fault, NotAllowed, NotFound, Problem
from minkang.gateways.bulk import kickoff, status
from minkang.gateways.bulk.asking import Answer, Asked, refused
from minkang.gateways.bulk.download import download
from minkang.gateways.bulk.importing import bulk_import
from minkang.gateways.bulk.kickoff import Kickoff
from minkang.kit import log as logs
from minkang.kit.http import App, Disconnected, Receive, Scope, Send, host_of, send_bytes
from minkang.store.bulk.desk import Desk
from minkang.store.contract import Repository

log = structlog.get_logger(__name__)

KICKOFFS: dict[str, tuple[Kickoff, tuple[str, ...]]] = {
    "$export": (kickoff.export, ("GET", "POST")),
    "$bulk-delete": (kickoff.bulk_delete, ("POST",)),
    "$import": (bulk_import, ("POST",)),
}
"""By the last segment of the path: the order, and by which methods it is given."""

FOLDERS = ("bulk-status", "bulk-files")

_GUARDED = [(b"cache-control", b"no-store"), (b"x-content-type-options", b"nosniff")]


class Caller(NamedTuple):
    """Both bound to the same actor and scope."""

    desk: Desk
    repository: Repository


def is_mine(path: str, mount: str = "/fhir") -> bool:
    """Whether a path below the FHIR door is answered here."""
    segments = path.removeprefix(mount).strip("/").split("/")
    return path.startswith(mount) and (segments[0] in FOLDERS or (len(segments) <= 3 and segments[-1] in KICKOFFS))


def build(
    caller_for: Callable[[Scope], Caller],
    *,
    base_url: str | None = None,
    max_body: int,
    guarded: bool = False,
    mount: str = "/fhir",
) -> App:
    """The application. `guarded`: requests need a token, and so do those for files. `caller_for` may raise
    Unauthenticated or Forbidden."""
    prefix = mount.encode()
    fixed = None if base_url is None else base_url.rstrip("/")

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        number = logs.request_id_of(scope["headers"])
        token = logs.request_id.set(number)
        path: bytes = scope.get("raw_path") or scope["path"].encode()
        base = fixed or f"{scope['scheme']}://{host_of(scope).decode()}{mount}"
        try:
            asked = Asked(scope, receive, path.removeprefix(prefix), base, max_body)
            answer = await _answered(asked, caller_for, guarded=guarded)
            answer.headers += [*_GUARDED, (b"x-request-id", number.encode())]
            await _send(send, answer, head=scope["method"] == "HEAD")
        except Disconnected:
            log.info("client left before its request had arrived")
        finally:
            logs.request_id.reset(token)

    return app


async def _answered(asked: Asked, caller_for: Callable[[Scope], Caller], *, guarded: bool) -> Answer:
    try:
        return await _perform(asked, caller_for(asked.scope), guarded=guarded)
    except Problem as problem:
        if isinstance(problem, Fault):
            log.error("fault", text=problem.text)
        return refused(problem)
    except Disconnected:
        raise
    except Exception:
        log.exception("unexpected", door="bulk")
        return refused(Fault(f"Something broke on our side; it was logged under {logs.request_id.get()}."))


async def _perform(asked: Asked, caller: Caller, *, guarded: bool) -> Answer:
    segments = asked.segments
    match segments:
        case ["bulk-status", id]:
            _expect(asked, "GET", "DELETE")
            if asked.method == "DELETE":
                return await status.cancel(caller.desk, id)
            return await status.look(asked, caller.desk, id, guarded=guarded)
        case ["bulk-files", id, name]:
            _expect(asked, "GET")
            return await download(asked, caller.desk, id, name)
    order, methods = KICKOFFS.get(segments[-1], (None, ()))
    if order is None or not _is_place_of(segments):
        raise NotFound("There is nothing at this address.")
    _expect(asked, *methods)
    return await order(asked, caller.desk, caller.repository)


def _is_place_of(segments: list[str]) -> bool:
    """Whether the order at the end of a path is taken at its beginning."""
    match segments:
        case [_] | ["Patient", "$export"] | ["Group", _, "$export"]:
            return True
        case _:
            return False


def _expect(asked: Asked, *methods: str) -> None:
    if asked.method not in methods:
        raise NotAllowed(", ".join([*methods, "HEAD"] if "GET" in methods else methods))


async def _send(send: Send, answer: Answer, *, head: bool) -> None:
    """A long body goes as fast as the client takes it, one frame in memory."""
    if not isinstance(answer.body, Iterator):
        await send_bytes(send, answer.status, answer.headers, answer.body, head=head)
        return
    await send({"type": "http.response.start", "status": answer.status, "headers": answer.headers})
    if not head:
        for piece in answer.body:
            await send({"type": "http.response.body", "body": piece, "more_body": True})
            await asyncio.sleep(0)  # others' turn, even when the client has left and nothing is waited for
    await send({"type": "http.response.body", "body": b""})
