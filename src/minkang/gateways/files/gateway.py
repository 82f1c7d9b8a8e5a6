"""The door for tables (CSV, Excel) as one bare ASGI application.

POST /files?dataset=&sender=&rows=good|all&answer=csv&columns=   take a table
POST /files/$preview                                             tell what would become of it
GET, PUT /files/columns?dataset=&sender=                         which headings of a sender are which columns
GET  /files/templates, /files/templates/{dataset}                what columns there are; an empty table

gateway   wiring; problems become answers here
endpoint  transport: HTTP
mapping/  rows to FHIR
wire/     bytes to table, table to bytes
"""

from __future__ import annotations

import structlog

from minkang.fhir.problem import Fault, Problem
from minkang.gateways.files import endpoint
from minkang.kit.http import App, Disconnected, Receive, Scope, Send, send_bytes
from minkang.platform.intake.findings import rules_of
from minkang.platform.intake.taking import IntakeFor

_GUARDED = [(b"cache-control", b"no-store"), (b"x-content-type-options", b"nosniff")]

log = structlog.get_logger(__name__)


def is_mine(path: str) -> bool:
    return path == "/files" or path.startswith("/files/")


def build(intake_for: IntakeFor, *, max_body: int) -> App:
    """The application. `intake_for` may raise Unauthenticated or Forbidden."""
    rules = rules_of(__package__ or "")

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        try:
            intake = await intake_for(scope, endpoint.DOOR, rules)
            found = await endpoint.answer(scope, receive, intake, rules, max_body)
        except Problem as problem:
            found = endpoint.refused(problem)
        except Disconnected:
            return
        except Exception:
            log.exception("unexpected", door="files")
            found = endpoint.refused(Fault("Something broke on our side; it was logged. Send it again."))
        await send_bytes(send, found.status, [*found.headers, *_GUARDED], found.body, head=scope["method"] == "HEAD")

    return app
