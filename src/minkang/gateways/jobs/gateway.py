"""What waits, what is being carried out, what failed: for operators' tools, beside `minkang jobs`.

GET  /jobs?status=&count=   newest first, with the schedule
GET  /jobs/{id}             one, with its result or its trouble
POST /jobs/{id}/$retry      let one that failed be tried again
POST /jobs/{id}/$cancel     end one
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import parse_qs

import orjson
import structlog

from minkang.fhir.problem import Busy, Fault, Incorrect, NotAllowed, NotFound, Problem
from minkang.kit.http import App, Header, Receive, Scope, Send, send_bytes
from minkang.platform.workflow.queue import OVER, JobDesk

MOST = 1_000
USUAL = 100
"""Jobs in one answer."""

_JSON = [(b"content-type", b"application/json; charset=utf-8"), (b"cache-control", b"no-store")]

log = structlog.get_logger(__name__)


def is_mine(path: str) -> bool:
    return path == "/jobs" or path.startswith("/jobs/")


def build(desk: Callable[[], JobDesk], schedule: Mapping[str, str]) -> App:
    """`schedule`: name of a job to its cron line, in UTC."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        headers: list[Header] = [*_JSON]
        try:
            status, found = 200, await _answer(scope, desk(), schedule)
        except Problem as problem:
            status, found = problem.status, {"error": problem.text}
            headers += _hints(problem)
        except Exception:
            log.exception("unexpected", door="jobs")
            status, found = Fault.status, {"error": "Something broke on our side; it was logged."}
        await send_bytes(send, status, headers, orjson.dumps(found), head=scope["method"] == "HEAD")

    return app


def _hints(problem: Problem) -> list[Header]:
    if isinstance(problem, Busy):
        return [(b"retry-after", b"5")]
    return [(b"allow", problem.allow.encode())] if isinstance(problem, NotAllowed) else []


async def _answer(scope: Scope, desk: JobDesk, schedule: Mapping[str, str]) -> dict[str, Any]:
    """Raises NotFound, NotAllowed, Incorrect, Conflict, Busy."""
    parts = scope["path"].strip("/").split("/")[1:]
    if len(parts) > 2 or (len(parts) == 2 and parts[1] not in ("$retry", "$cancel")):
        raise NotFound("Jobs are at /jobs and /jobs/{id}; POST /jobs/{id}/$retry and /jobs/{id}/$cancel change one.")
    wanted = "POST" if len(parts) == 2 else "GET"
    if scope["method"] != wanted and not (wanted == "GET" and scope["method"] == "HEAD"):
        raise NotAllowed(wanted)
    if not parts:
        status, count = _asked(scope)
        return {"jobs": [one.json() for one in await desk.listed(status, count)], "schedule": dict(schedule)}
    if not re.fullmatch(r"\d{1,18}", parts[0], re.ASCII):
        raise NotFound(f"There is no job {parts[0][:64]!r}.")
    id = int(parts[0])
    if len(parts) == 1:
        return (await desk.one(id)).json()
    return (await (desk.again(id) if parts[1] == "$retry" else desk.cancel(id))).json()


def _asked(scope: Scope) -> tuple[str | None, int]:
    pairs = parse_qs(scope["query_string"].decode("latin-1"), keep_blank_values=True)
    status, count = pairs.get("status", [None])[0], pairs.get("count", [str(USUAL)])[0]
    known = ("todo", "doing", *OVER)
    if status is not None and status not in known:
        raise Incorrect(f"status takes {', '.join(known)}, not {status[:64]!r}.")
    if not re.fullmatch(r"\d{1,6}", count, re.ASCII) or not 0 < int(count) <= MOST:
        raise Incorrect(f"count takes a number from 1 to {MOST}.")
    return status, int(count)
