"""Subscription/$status, Subscription/[id]/$status and $events: how a Subscription stands, what it was told; and
$get-ws-binding-token, which lets a socket be told.

http://hl7.org/fhir/uv/subscriptions-backport/STU1.1/OperationDefinition-backport-subscription-status.html,
http://hl7.org/fhir/uv/subscriptions-backport/STU1.1/OperationDefinition-backport-subscription-events.html
"""

from __future__ import annotations

import re

import orjson

from minkang.fhir.problem import Incorrect, Unsupported
from minkang.fhir.resource import instant
from minkang.fhir.subscriptions.notification import notification, status
from minkang.fhir.subscriptions.wish import CONTENTS
from minkang.gateways.rest import bundle
from minkang.gateways.rest.operations.parameters import with_posted
from minkang.gateways.rest.request import Request, check_id, expect_only
from minkang.gateways.rest.response import Response
from minkang.gateways.rest.sockets import socket_url
from minkang.kit import clock
from minkang.platform.subscriptions.desk import SubscriptionDesk
from minkang.store.contract import Repository

MOST = 100
"""Subscriptions whose status is told at once."""

_LAST = 2**62


async def subscription_status(request: Request, repository: Repository) -> Response:
    """200 with a searchset of Parameters, one for each Subscription named; all of one request's are named by `id`."""
    await with_posted(request)
    expect_only(request, *(() if request.id else ("id", "status")))
    desk = _desk(request)
    wanted = {value for name, value in request.pairs if name == "status"}
    entries: list[bytes] = []
    for id in [request.id] if request.id else _ids(request):
        about = (await desk.standing(repository, id)).about
        if not wanted or about.status in wanted:
            told = status("query-status", about, request.base)
            entries.append(orjson.dumps({"resource": told, "search": {"mode": "match"}}))
    return Response(200, bundle.bundle("searchset", [], entries, len(entries)))


async def subscription_events(request: Request, repository: Repository) -> Response:
    """200 with a notification of the events asked for, as far as they are still known."""
    await with_posted(request)
    expect_only(request, "eventsSinceNumber", "eventsUntilNumber", "content")
    desk = _desk(request)
    standing = await desk.standing(repository, request.id)
    content = request.parameter("content") or standing.content
    if content not in CONTENTS:
        raise Incorrect(f"content takes {', '.join(CONTENTS)}, not {content[:64]!r}.")
    since, until = _number(request, "eventsSinceNumber", 1), _number(request, "eventsUntilNumber", _LAST)
    events = await desk.events(repository, request.id, since, until, content)
    return Response(200, notification("query-event", standing.about, events, content, request.base, clock.now()))


async def binding_token(request: Request, repository: Repository) -> Response:
    """200 with Parameters: a token that binds a socket, until when, the socket's address and the Subscriptions.

    http://hl7.org/fhir/uv/subscriptions-backport/STU1.1/OperationDefinition-backport-subscription-get-ws-binding-token.html
    """
    await with_posted(request)
    expect_only(request, *(() if request.id else ("id",)))
    ids = [request.id] if request.id else _ids(request)
    token, expires = await _desk(request).binding(repository, ids, clock.now())
    parts = [
        {"name": "token", "valueString": token},
        {"name": "expiration", "valueDateTime": instant(expires)},
        *({"name": "subscription", "valueString": id} for id in ids),
        {"name": "websocket-url", "valueUrl": socket_url(request.base)},
    ]
    return Response(200, orjson.dumps({"resourceType": "Parameters", "parameter": parts}))


def _desk(request: Request) -> SubscriptionDesk:
    desk = request.routes.subscriptions
    if desk is None:
        raise Unsupported("Subscriptions are not served here.")
    return desk


def _ids(request: Request) -> list[str]:
    ids = [check_id(one) for name, value in request.pairs if name == "id" for one in value.split(",") if one]
    if not ids:
        raise Incorrect("Name the Subscriptions by id=...")
    if len(ids) > MOST:
        raise Incorrect(f"More than {MOST} Subscriptions at once.")
    return list(dict.fromkeys(ids))


def _number(request: Request, name: str, default: int) -> int:
    value = request.parameter(name)
    if value is None:
        return default
    if not re.fullmatch(r"\d{1,18}", value, re.ASCII):
        raise Incorrect(f"{name} takes a whole number, not {value[:64]!r}.")
    return int(value)
