"""The door for clinical documents (CDA) as one bare ASGI application.

POST /cda                         take a document or a ZIP
POST /cda/$check                  tell what is wrong with it, and keep nothing
GET  /cda/Composition/{id}        the document that the record holds
GET  /cda/Encounter/{id}?kind=    a document made of a visit

gateway    wiring; problems become answers here
endpoint/  transport: HTTP, one document or a ZIP
mapping/   document to FHIR, what is wrong with it, and FHIR to document
wire/      bytes to document
"""

from __future__ import annotations

import structlog

from minkang.fhir.problem import Fault, Problem
from minkang.gateways.cda.endpoint import giving, taking
from minkang.gateways.cda.mapping import DOOR
from minkang.kit.http import App, Disconnected, Receive, Scope, Send, send_bytes
from minkang.platform.intake.findings import rules_of
from minkang.platform.intake.taking import IntakeFor

_GUARDED = [(b"cache-control", b"no-store"), (b"x-content-type-options", b"nosniff")]

log = structlog.get_logger(__name__)


def is_mine(path: str) -> bool:
    return path == "/cda" or path.startswith("/cda/")


def build(intake_for: IntakeFor, *, max_body: int) -> App:
    """The application. `intake_for` may raise Unauthenticated or Forbidden."""
    rules = rules_of(__package__ or "")

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        try:
            intake = await intake_for(scope, DOOR, rules)
            if scope["path"].rstrip("/") in ("/cda", "/cda/$check"):
                found = await taking.post(scope, receive, intake, max_body)
            else:
                found = await giving.get(scope, intake.records())
        except Problem as problem:
            found = taking.refused(problem)
        except Disconnected:
            log.info("client left before its document had arrived")
            return
        except Exception:
            log.exception("unexpected", door="cda")
            found = taking.refused(Fault("Something broke on our side; it was logged. Send it again."))
        headers = [*found.headers, *_GUARDED]
        await send_bytes(send, found.status, headers, found.body, head=scope["method"] == "HEAD")

    return app
