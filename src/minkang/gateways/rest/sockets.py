"""The socket below the FHIR door (/fhir/ws): a client binds it to its Subscriptions and is told what happens.

bind-with-token TOKEN  http://hl7.org/fhir/uv/subscriptions-backport/STU1.1/channels.html#websockets
bind ID                R4's own, http://hl7.org/fhir/R4/subscription.html#2.46.7.2; only for whoever holds the token of
                       the platform, or sits at its machine
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

import structlog

from minkang.fhir.problem import Busy, Forbidden, Incorrect, Problem
from minkang.gateways.rest.request import check_id
from minkang.kit import clock
from minkang.kit.http import App, Receive, Scope, Send
from minkang.platform.subscriptions.desk import SubscriptionDesk
from minkang.platform.subscriptions.sockets import Sockets

SOCKET = "ws"
"""Below the FHIR door."""

BIND_WITHIN = 30.0
"""Seconds until a socket must be bound."""

READ_WITHIN = 30.0
"""Seconds a client may take to read what it is sent."""

LONGEST = 4096
"""Characters of a message from a client."""

MOST_BINDINGS = 100
"""Messages that bind, of one socket."""

# https://www.rfc-editor.org/rfc/rfc6455#section-7.4.1
GOING, POLICY, TOO_BIG, BROKEN, LATER = 1001, 1008, 1009, 1011, 1013

log = structlog.get_logger(__name__)


def socket_url(base: str) -> str:
    """Of a FHIR door at `base`."""
    return f"ws{base.removeprefix('http')}/{SOCKET}"


def build(
    sockets: Callable[[], Sockets], desk: Callable[[], SubscriptionDesk], is_known: Callable[[Scope], bool]
) -> App:
    """`is_known`: whether whoever connects may bind by an id alone."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if (await receive())["type"] != "websocket.connect":
            return
        await send({"type": "websocket.accept"})
        line = _Line(receive, send, sockets(), desk(), is_known(scope))
        await line.serve()

    return app


class _Left(Exception):
    """The client is gone."""


class _Over(Exception):
    """Nothing is left to tell."""


class _Line:
    """One socket."""

    def __init__(self, receive: Receive, send: Send, sockets: Sockets, desk: SubscriptionDesk, known: bool) -> None:
        self._receive, self._send = receive, send
        self._sockets, self._desk, self._known = sockets, desk, known
        self._turn = asyncio.Lock()
        self._tellers = 0

    async def serve(self) -> None:
        """Until the client leaves, or what it does ends it."""
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._hear(group))
        except BaseExceptionGroup as found:
            await self._end(found.exceptions[0])

    async def _end(self, why: BaseException) -> None:
        match why:
            case _Left() | OSError():
                return
            case _Over():
                await self._close(GOING, "nothing is left to tell")
            case Busy():
                await self._close(LATER, "try again later")
            case Problem():
                await self._close(POLICY, why.text)
            case TimeoutError():
                await self._close(POLICY, "too slow")
            case _:
                log.error("unexpected", door="sockets", exc_info=why)
                await self._close(BROKEN, "something broke on our side")

    async def _hear(self, group: asyncio.TaskGroup) -> None:
        """Messages of the client. Raises _Left, Forbidden, Incorrect, TimeoutError."""
        bindings = 0
        while True:
            async with asyncio.timeout(None if bindings else BIND_WITHIN):
                message = await self._receive()
            if message["type"] == "websocket.disconnect":
                raise _Left
            text: str = message.get("text") or ""
            bindings += 1
            if bindings > MOST_BINDINGS or not text or len(text) > LONGEST:
                raise Incorrect("Send `bind-with-token TOKEN`, once for each token.")
            ids = self._named(*text.strip().partition(" ")[::2])
            self._tellers += 1
            group.create_task(self._tell(ids))

    def _named(self, verb: str, rest: str) -> list[str]:
        if verb == "bind-with-token" and rest:
            return self._desk.bound(rest.strip(), clock.now())
        if verb == "bind" and rest:
            if not self._known:
                raise Forbidden("Bind with a token: ask for one by $get-ws-binding-token.")
            return [check_id(one.strip()) for one in rest.split(",")]
        raise Incorrect("Send `bind-with-token TOKEN`.")

    async def _tell(self, ids: Sequence[str]) -> None:
        async for text in self._sockets.notifications(ids):
            async with self._turn, asyncio.timeout(READ_WITHIN):
                await self._send({"type": "websocket.send", "text": text.decode()})
        self._tellers -= 1
        if not self._tellers:
            raise _Over

    async def _close(self, code: int, reason: str) -> None:
        short = reason.encode()[:120].decode(errors="ignore")  # the frame holds 123 bytes
        try:
            async with asyncio.timeout(1):
                await self._send({"type": "websocket.close", "code": code, "reason": short})
        except (RuntimeError, OSError, TimeoutError):
            pass  # it is closed already
