"""The FHIR door as one bare ASGI application: http://hl7.org/fhir/R4/http.html.

gateway     one request in, one answer out; problems become OperationOutcomes here and nowhere else
router      method and path → interaction
request     what was asked, decoded on demand
interactions/, operations/   one file each
response, bundle, binary     what goes out, as bytes
"""

from __future__ import annotations

from collections.abc import Callable
from time import perf_counter

import structlog

from minkang.fhir.problem import Fault, NotFound, Problem
from minkang.gateways.rest import metrics, negotiation, response
from minkang.gateways.rest.binary import wants_content
from minkang.gateways.rest.interactions.batch import fault
from minkang.gateways.rest.request import Request
from minkang.gateways.rest.response import FHIR_JSON, Response
from minkang.gateways.rest.router import PUBLIC, Router, find
from minkang.kit import log as logs
from minkang.kit.http import App, Disconnected, Receive, Scope, Send, host_of, send_bytes
from minkang.platform.subscriptions.desk import SubscriptionDesk
from minkang.store.contract import Repository

log = structlog.get_logger(__name__)

MAX_BODY = 32 * 1024 * 1024
"""Bytes: a transaction of some 30,000 resources; the largest published example has 1.6 MB."""


def build(
    repository_for: Callable[[Request], Repository],
    *,
    base_url: str | None = None,
    max_body: int = MAX_BODY,
    mount: str = "/fhir",
    subscriptions: Callable[[], SubscriptionDesk] | None = None,
) -> App:
    """The application. It answers below `mount`; `base_url` is that place as clients see it (None: taken from the Host
    header). `repository_for` may raise Unauthenticated or Forbidden; /metadata is answered without it.
    `subscriptions`: where one asks how Subscriptions stand, called when somebody does."""
    place = mount.rstrip("/")
    prefix = place.encode()
    fixed = None if base_url is None else base_url.rstrip("/")
    routes = Router(subscriptions)

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await _decline(scope, receive, send)
            return
        started = perf_counter()
        request_id = logs.request_id_of(scope["headers"])
        token = logs.request_id.set(request_id)
        path: bytes = scope.get("raw_path") or scope["path"].encode()
        base = fixed or f"{scope['scheme']}://{host_of(scope).decode()}{place}"
        request = Request(
            scope,
            receive,
            raw_path=path.removeprefix(prefix),
            base=base,
            limit=max_body,
            request_id=request_id,
            routes=routes,
        )
        try:
            name, media, answer = await _answered(request, repository_for, inside=_is_below(path, prefix))
            pretty = request.query_string and b"_pretty=true" in request.query_string
            status, headers, body = response.finished(answer, media, bool(pretty))
            headers.append((b"x-request-id", request_id.encode()))
            metrics.observe(name, request.type, status, perf_counter() - started)
            await send_bytes(send, status, headers, body, head=request.method == "HEAD")
        except Disconnected:
            log.info("client left before its request had arrived")
        finally:
            logs.request_id.reset(token)

    return app


def _is_below(path: bytes, prefix: bytes) -> bool:
    return path.startswith(prefix) and path[len(prefix) : len(prefix) + 1] in (b"", b"/")


async def _answered(
    request: Request, repository_for: Callable[[Request], Repository], *, inside: bool
) -> tuple[str, bytes, Response]:
    """Name of the interaction, flavour of JSON and the answer, whatever happens (but a vanished client)."""
    name, media = "none", FHIR_JSON
    try:
        if not inside:
            raise NotFound("There is nothing at this address.")
        interaction = find(request)
        name = interaction.name
        if request.type != "Binary" or not wants_content(request) or name not in ("read", "vread"):
            media = negotiation.answer_type(request)
        repository = None if name in PUBLIC else repository_for(request)
        return name, media, await interaction.handler(request, repository)  # type: ignore[arg-type]
    except Problem as problem:
        if isinstance(problem, Fault):
            log.error("fault", interaction=name, text=problem.text)
        return name, media, response.of_problem(problem)
    except Disconnected:
        raise
    except Exception:
        log.exception("unexpected", interaction=name, type=request.type)
        return name, media, response.of_problem(fault(request))


async def _decline(scope: Scope, receive: Receive, send: Send) -> None:
    """The door has nothing to start or stop, and speaks no WebSocket."""
    if scope["type"] == "websocket":
        await send({"type": "websocket.close", "code": 1003})
        return
    while True:
        message = await receive()
        await send({"type": message["type"] + ".complete"})
        if message["type"] == "lifespan.shutdown":
            return
