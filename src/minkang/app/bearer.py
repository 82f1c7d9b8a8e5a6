"""The bearer token before sign-in exists: whoever starts the server with a token must send it. RFC 6750."""

from __future__ import annotations

import hmac
from collections.abc import Callable

import orjson

from minkang.fhir.problem import Unauthenticated, outcome
from minkang.kit.http import App, Receive, Scope, Send, send_bytes

_REFUSAL = orjson.dumps(outcome(Unauthenticated()))


def guarded(app: App, token: str | None, is_open: Callable[[str], bool]) -> App:
    """The app behind the token. Paths that `is_open` says yes to need none; without a token nothing does."""
    if token is None:
        return app
    expected = token.encode()

    async def guard(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or is_open(scope["path"]) or _carries(scope, expected):
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


def _carries(scope: Scope, expected: bytes) -> bool:
    """Exactly one Authorization header with the token; compared in a time that tells nothing about it."""
    given = [value for name, value in scope["headers"] if name == b"authorization"]
    if len(given) != 1:
        return False
    scheme, _, token = given[0].partition(b" ")
    return scheme.lower() == b"bearer" and hmac.compare_digest(token.strip(), expected)
