"""Who may come in before sign-in exists: whoever has the token (RFC 6750), or without a token, only this machine.

The server listens on loopback when there is no token, but a page of any web site that is open in a browser here can
name a host that resolves to 127.0.0.1 (DNS rebinding). It cannot choose the Host header, so that is what is looked at.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable
from urllib.parse import urlsplit

import orjson

from minkang.fhir.problem import Forbidden, Unauthenticated, outcome
from minkang.kit.http import App, Receive, Scope, Send, send_bytes

_ELSEWHERE = orjson.dumps(
    outcome(
        Forbidden(
            "Without a token this server answers only to localhost; start it with --token, or name its public address"
            " in MINKANG_BASE_URL."
        )
    )
)
_REFUSAL = orjson.dumps(outcome(Unauthenticated()))


def guarded(
    app: App,
    token: str | None,
    is_open: Callable[[str], bool],
    base_url: str | None = None,
    proves_itself: Callable[[Scope], bool] = lambda _: False,
) -> App:
    """The app behind the token. Paths that `is_open` says yes to need none, nor do requests that bring a proof of their
    own to whoever looks at it (`proves_itself`).

    Without a token nothing does, but only hosts of this machine (and that of `base_url`) may be named.
    """
    if token is None:
        return _at_home(app, base_url)
    expected = token.encode()

    async def guard(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or is_open(scope["path"]) or proves_itself(scope) or _carries(scope, expected):
            await app(scope, receive, send)
            return
        headers = [
            (b"content-type", b"application/fhir+json; charset=utf-8"),
            (b"www-authenticate", b'Bearer realm="minkang"'),
            (b"cache-control", b"no-store"),
            (b"x-content-type-options", b"nosniff"),
        ]
        await send_bytes(send, Unauthenticated.status, headers, _REFUSAL, head=scope["method"] == "HEAD")

    return guard


def _at_home(app: App, base_url: str | None) -> App:
    names = _names(base_url)

    async def guard(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or all(_name(host) in names for host in _hosts(scope)):
            await app(scope, receive, send)
            return
        headers = [(b"content-type", b"application/fhir+json; charset=utf-8"), (b"cache-control", b"no-store")]
        await send_bytes(send, 421, headers, _ELSEWHERE, head=scope["method"] == "HEAD")

    return guard


def carries(scope: Scope, token: str | None) -> bool:
    """Whether whoever connects needs no further proof: with the token, or at this machine while there is none."""
    return token is None or _carries(scope, token.encode())


def socket_at_home(app: App, token: str | None, base_url: str | None) -> App:
    """A socket's app behind the same walls as its door: pages of other sites may open sockets to any host, too, so
    while there is no token the Host and the Origin must be this machine's (https://www.rfc-editor.org/rfc/rfc6455#section-10.2).
    With one, a socket proves itself by what it says."""
    names = _names(base_url)

    async def guard(scope: Scope, receive: Receive, send: Send) -> None:
        if token is not None or all(_name(host) in names for host in _hosts(scope)):
            await app(scope, receive, send)
            return
        await receive()
        await send({"type": "websocket.close", "code": 1008})

    return guard


def _names(base_url: str | None) -> set[bytes]:
    names = {b"localhost", b"127.0.0.1", b"[::1]"}
    if base_url is not None:
        names.add((urlsplit(base_url).hostname or "").encode())
    return names


def _hosts(scope: Scope) -> list[bytes]:
    """A foreign page may also send, unread, what needs no leave of ours (a form, plain text): its Origin tells."""
    return [
        value.removeprefix(b"https://").removeprefix(b"http://")
        for name, value in scope.get("headers", ())
        if name in (b"host", b"origin")
    ]


def _name(host: bytes) -> bytes:
    """A Host header without its port."""
    return host[: host.index(b"]") + 1] if host.startswith(b"[") and b"]" in host else host.partition(b":")[0].lower()


def _carries(scope: Scope, expected: bytes) -> bool:
    """Exactly one Authorization header with the token; compared in a time that tells nothing about it."""
    given = [value for name, value in scope["headers"] if name == b"authorization"]
    if len(given) != 1:
        return False
    scheme, _, token = given[0].partition(b" ")
    return scheme.lower() == b"bearer" and hmac.compare_digest(token.strip(), expected)
