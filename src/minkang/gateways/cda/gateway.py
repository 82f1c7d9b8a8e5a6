"""The door for clinical documents (CDA): POST /cda and POST /cda/$check as one bare ASGI application.

gateway    wiring; problems become answers here
endpoint   transport: HTTP, one document or a ZIP
mapping/   document to FHIR, and what is wrong with it
wire/      bytes to document
"""

from __future__ import annotations

from collections.abc import Callable

import structlog

from minkang.fhir.problem import Fault, Problem
from minkang.gateways.cda import endpoint
from minkang.kit.http import App, Disconnected, Receive, Scope, Send, send_bytes
from minkang.platform.intake.findings import rules_of
from minkang.platform.intake.taking import Intake
from minkang.store.contract import Repository

_GUARDED = [(b"cache-control", b"no-store"), (b"x-content-type-options", b"nosniff")]

log = structlog.get_logger(__name__)


def is_mine(path: str) -> bool:
    return path == "/cda" or path.startswith("/cda/")


def build(repository_for: Callable[[Scope], Repository], *, max_body: int) -> App:
    """The application. `repository_for` may raise Unauthenticated or Forbidden."""
    rules = rules_of(__package__ or "")

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        try:
            found = await endpoint.answer(scope, receive, Intake(repository_for(scope), rules), max_body)
        except Problem as problem:
            found = endpoint.refused(problem)
        except Disconnected:
            log.info("client left before its document had arrived")
            return
        except Exception:
            log.exception("unexpected", door="cda")
            found = endpoint.refused(Fault("Something broke on our side; it was logged. Send it again."))
        headers = [*found.headers, *_GUARDED]
        await send_bytes(send, found.status, headers, found.body, head=scope["method"] == "HEAD")

    return app
