"""The door for HL7 v2: POST /hl7v2 as one bare ASGI application, and the listener for MLLP.

gateway    wiring; problems become answers here
endpoint/  transport: HTTP, MLLP; both take a message the same way
mapping/   message to FHIR
wire/      bytes to message
"""

from __future__ import annotations

from collections.abc import Callable

import structlog

from minkang.fhir.problem import Fault, Problem
from minkang.gateways.hl7v2.endpoint import http
from minkang.gateways.hl7v2.endpoint.mllp import Lines
from minkang.gateways.hl7v2.endpoint.taking import DOOR
from minkang.kit.http import App, Disconnected, Receive, Scope, Send, send_bytes
from minkang.platform.intake.findings import rules_of
from minkang.platform.intake.taking import Intake, IntakeFor
from minkang.store.contract import Repository

MAX_MESSAGE = 16 * 1024 * 1024
"""Bytes of a message on a line: the longest that carry documents have a few megabytes."""

_GUARDED = [(b"cache-control", b"no-store"), (b"x-content-type-options", b"nosniff")]

log = structlog.get_logger(__name__)


def is_mine(path: str) -> bool:
    return path.rstrip("/") == "/hl7v2"


def build(intake_for: IntakeFor, *, max_body: int) -> App:
    """The application. `intake_for` may raise Unauthenticated or Forbidden."""
    rules = rules_of(__package__ or "")

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        try:
            status, headers, body = await http.post(scope, receive, await intake_for(scope, DOOR, rules), max_body)
        except Problem as problem:
            status, headers, body = http.refused(problem)
        except Disconnected:
            log.info("client left before its message had arrived")
            return
        except Exception:
            log.exception("unexpected", door="hl7v2")
            status, headers, body = http.refused(Fault("Something broke on our side; it was logged."))
        await send_bytes(send, status, [*headers, *_GUARDED], body, head=scope["method"] == "HEAD")

    return app


def lines(repository_for_line: Callable[[], Repository], *, limit: int = MAX_MESSAGE) -> Lines:
    """The listener; whoever starts it says where."""
    rules = rules_of(__package__ or "")
    return Lines(lambda: Intake(repository_for_line(), rules), limit)
