"""The application of one worker: which door answers which path, over one store.

/fhir      the FHIR door, /fhir/ws  /healthz   the process is alive
/hl7v2     HL7 v2 messages          (and by MLLP, where a port is set)
/cda       clinical documents       /readyz    the database answers
/files     tables (CSV, Excel)
/intake    receipts of what came
/jobs      jobs, for operators      /          the front page
                                    /metrics   Prometheus
"""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import Callable, Mapping
from importlib.metadata import version as version_of

import structlog

from minkang.app.bearer import carries, guarded, socket_at_home
from minkang.app.followers import house
from minkang.app.identities import identity_desk
from minkang.app.intake_doors import DOORS
from minkang.app.jobs import SCHEDULE, cancelled
from minkang.app.prepare import key_file
from minkang.app.senders import intake_for, is_senders
from minkang.app.warm import warm
from minkang.fhir.problem import Busy
from minkang.fhir.search.parameters import ADDING
from minkang.gateways.bulk import gateway as bulk_gateway
from minkang.gateways.cda import gateway as cda_gateway
from minkang.gateways.files import gateway as files_gateway
from minkang.gateways.hl7v2 import gateway as hl7v2_gateway
from minkang.gateways.hl7v2.endpoint.mllp import Lines
from minkang.gateways.identity import gateway as identity_gateway
from minkang.gateways.intake import gateway as intake_gateway
from minkang.gateways.jobs import gateway as jobs_gateway
from minkang.gateways.rest import gateway
from minkang.gateways.rest.request import Request
from minkang.gateways.rest.sockets import SOCKET
from minkang.gateways.rest.sockets import build as build_sockets
from minkang.kit import metrics
from minkang.kit.db import Unavailable
from minkang.kit.folders import DataFolder
from minkang.kit.http import App, Receive, Scope, Send, send_bytes
from minkang.kit.settings import Settings
from minkang.platform.subscriptions.desk import SubscriptionDesk
from minkang.platform.subscriptions.sockets import Sockets
from minkang.platform.workflow.queue import JobDesk
from minkang.store import keys, parameters
from minkang.store.contract import Repository
from minkang.store.scope import EVERYTHING, Actor
from minkang.store.store import Store
from minkang.web import front

log = structlog.get_logger(__name__)

OPEN = frozenset({"/healthz", "/readyz"})
"""Paths that need no token: a load balancer asks them, and they tell nothing but yes or no."""

OPERATOR = Actor("Device/operator")
"""Who acts before sign-in exists: whoever started the server, or holds its token."""

LEARN_PAUSE = 15.0
"""Seconds between two looks at PostgreSQL's statistics."""

FEED_PAUSE = 0.25
"""Seconds between two looks for new batches: what follows the feed is behind by about this much."""

TEXT = b"text/plain; charset=utf-8"


def create(settings: Settings) -> App:
    """The whole application. The store is opened by ASGI's lifespan and closed by it."""
    opened: list[Store] = []

    def store() -> Store:
        return opened[0]

    def repository_for(_: Request) -> Repository:
        return store().repository(OPERATOR, EVERYTHING)

    def subscriptions() -> SubscriptionDesk:
        return SubscriptionDesk(store().database, store().sealer)

    fhir = gateway.build(
        repository_for, base_url=settings.base_url, max_body=settings.max_body, subscriptions=subscriptions
    )
    portal = front.build(_sources(settings, store))

    def bulk_caller(_: Scope) -> bulk_gateway.Caller:
        folder = DataFolder(settings.data).bulk
        desk = store().desk(OPERATOR, EVERYTHING, folder, settings.import_from, settings.import_urls)
        return bulk_gateway.Caller(desk, store().repository(OPERATOR, EVERYTHING))

    bulk = bulk_gateway.build(
        bulk_caller, base_url=settings.base_url, max_body=settings.max_body, guarded=settings.token is not None
    )

    by_whom = intake_for(lambda: store().repository(OPERATOR, EVERYTHING))
    hl7v2 = hl7v2_gateway.build(by_whom, max_body=settings.max_body)

    cda = cda_gateway.build(by_whom, max_body=settings.max_body)

    files = files_gateway.build(by_whom, max_body=settings.max_body)
    intake = intake_gateway.build(lambda _: store().repository(OPERATOR, EVERYTHING), DOORS, max_body=settings.max_body)
    identity = identity_gateway.build(
        lambda: identity_desk(store()),
        lambda: store().repository(OPERATOR, EVERYTHING),
        base_url=settings.base_url,
        max_body=settings.max_body,
    )
    jobs = jobs_gateway.build(lambda: JobDesk(store().database, store().sealer, cancelled), SCHEDULE)

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        path: str = scope["path"]
        ADDING.set(store().parameters)
        if bulk_gateway.is_mine(path):
            await bulk(scope, receive, send)
        elif hl7v2_gateway.is_mine(path):
            await hl7v2(scope, receive, send)
        elif cda_gateway.is_mine(path):
            await cda(scope, receive, send)
        elif files_gateway.is_mine(path):
            await files(scope, receive, send)
        elif intake_gateway.is_mine(path):
            await intake(scope, receive, send)
        elif identity_gateway.is_mine(path):
            await identity(scope, receive, send)
        elif jobs_gateway.is_mine(path):
            await jobs(scope, receive, send)
        elif path.startswith("/fhir"):
            await fhir(scope, receive, send)
        elif front.is_mine(path):
            await portal(scope, receive, send)
        elif path == "/healthz":
            await send_bytes(send, 200, _headers(TEXT), b"alive\n")
        elif path == "/readyz":
            ready = await _answers(store())
            await send_bytes(
                send, 200 if ready else 503, _headers(TEXT), b"ready\n" if ready else b"the database does not answer\n"
            )
        elif path == "/metrics":
            body, media_type = metrics.exposition()
            await send_bytes(send, 200, _headers(media_type.encode()), body)
        else:
            await send_bytes(send, 404, _headers(TEXT), b"There is nothing here. The FHIR door is /fhir.\n")

    door = guarded(app, settings.token, _is_open, settings.base_url, is_senders)

    held: list[Sockets] = []

    def told() -> Sockets:
        if not held:
            held.append(Sockets(house(settings, store())))
        return held[0]

    sockets = socket_at_home(
        build_sockets(told, subscriptions, lambda scope: carries(scope, settings.token)),
        settings.token,
        settings.base_url,
    )

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            try:
                await door(scope, receive, send)
            except asyncio.CancelledError:
                # The worker ends and could not wait any longer: whether it was written is not known here.
                with contextlib.suppress(RuntimeError):  # the answer had begun
                    await send_bytes(send, 503, [*_headers(TEXT), (b"retry-after", b"2")], b"ending; send it again\n")
                raise
        elif scope["type"] == "websocket" and scope["path"].rstrip("/") == f"/fhir/{SOCKET}":
            ADDING.set(store().parameters)
            await sockets(scope, receive, send)
        elif scope["type"] == "websocket":
            await receive()
            await send({"type": "websocket.close", "code": 1000})
        elif scope["type"] == "lifespan":
            await _lifespan(settings, opened, receive, send)

    return application


def _is_open(path: str) -> bool:
    # The front page shows its status and nothing of the records while there is a token.
    return path in OPEN or front.is_mine(path)


def _sources(settings: Settings, store: Callable[[], Store]) -> front.Sources:
    """What the front page may know: nothing of the records while there is a token and no sign-in."""

    async def counts() -> Mapping[str, int]:
        try:
            return await store().counts()
        except Unavailable as error:
            raise Busy from error

    async def answers() -> bool:
        return await _answers(store())

    return front.Sources(
        repository=lambda: store().repository(OPERATOR, EVERYTHING),
        counts=counts,
        answers=answers,
        version=version_of("minkang"),
        guarded=settings.token is not None,
    )


async def _lifespan(settings: Settings, opened: list[Store], receive: Receive, send: Send) -> None:
    """https://asgi.readthedocs.io/en/latest/specs/lifespan.html"""
    await receive()  # startup
    try:
        opened.append(await _open(settings))
    except Exception as error:
        log.exception("the store cannot be opened")
        await send({"type": "lifespan.startup.failed", "message": type(error).__name__})
        return
    numbering = asyncio.create_task(_number_the_feed(opened[0]))
    warming = asyncio.create_task(warm(opened[0]))
    learning = asyncio.create_task(_learn(opened[0]))
    knowing = asyncio.create_task(_know_parameters(opened[0]))
    lines = await _lines(settings, opened[0])
    await send({"type": "lifespan.startup.complete"})
    await receive()  # shutdown
    if lines is not None:
        await lines.close()
    tasks = (numbering, warming, learning, knowing)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    await opened.pop().close()
    await send({"type": "lifespan.shutdown.complete"})


async def _lines(settings: Settings, store: Store) -> Lines | None:
    """Listen for HL7 v2 over MLLP, all workers on one port, where one is set."""
    if not settings.mllp_port:
        return None
    tls = None
    if settings.mllp_certificate is not None:
        tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        tls.load_cert_chain(settings.mllp_certificate, settings.mllp_key)

    def repository() -> Repository:
        ADDING.set(store.parameters)
        return store.repository(OPERATOR, EVERYTHING)

    lines = hl7v2_gateway.lines(repository)
    await lines.listen(settings.host, settings.mllp_port, tls, shared=True)
    return lines


async def _number_the_feed(store: Store) -> None:
    """Give committed batches their place in the feed, a few times a second. Workers take turns by a lock."""
    while True:
        try:
            await store.sequence()
        except Unavailable:
            log.warning("the feed waits for the database")
        except Exception:
            log.exception("the feed could not be numbered")
        await asyncio.sleep(FEED_PAUSE)


async def _learn(store: Store) -> None:
    """Know how common terms are, as PostgreSQL's statistics have it."""
    while True:
        try:
            await store.learn()
        except Unavailable:
            log.warning("statistics wait for the database")
        except Exception:
            log.exception("statistics could not be read")
        await asyncio.sleep(LEARN_PAUSE)


async def _know_parameters(store: Store) -> None:
    """Notice search parameters that somebody added, and when they may be searched by."""
    while True:
        try:
            await store.read_parameters()
        except Unavailable:
            pass  # the next look will do, and a write looks before it writes
        except Exception:
            log.exception("added search parameters could not be read")
        await asyncio.sleep(parameters.PAUSE)


async def _open(settings: Settings) -> Store:
    if settings.database_url is None:
        raise ValueError("A worker needs MINKANG_DATABASE_URL; the supervisor sets it.")
    found = keys.load(key_file(DataFolder(settings.data)))
    chosen = {"connections": settings.connections, "slow_search_ms": settings.slow_search_ms}
    return await Store.open(settings.database_url, found, **chosen)


async def _answers(store: Store) -> bool:
    """Whether the database answers within two seconds; a load balancer waits no longer either."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(2):
            return await store.answers()
    return False


def _headers(media_type: bytes) -> list[tuple[bytes, bytes]]:
    return [(b"content-type", media_type), (b"cache-control", b"no-store"), (b"x-content-type-options", b"nosniff")]
