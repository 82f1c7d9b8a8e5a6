"""An application whose requests take as long as a test wants: what the supervisor does meanwhile is the question."""

from __future__ import annotations

import asyncio
import os

from minkang.kit.http import App, Receive, Scope, Send, send_bytes
from minkang.kit.settings import Settings


def create(settings: Settings) -> App:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            for step in ("startup", "shutdown"):
                await receive()
                await send({"type": f"lifespan.{step}.complete"})
            return
        if scope["path"] == "/slow":
            # Tells the test that the request is under way, then waits for its word.
            (settings.data / "under-way").touch()
            while not (settings.data / "go-on").exists():  # noqa: ASYNC110 - the word comes from another process
                await asyncio.sleep(0.01)
        await send_bytes(send, 200, [(b"content-type", b"text/plain")], str(os.getpid()).encode())

    return app


def broken(settings: Settings) -> App:
    """A worker that cannot start."""
    raise RuntimeError("no application")
