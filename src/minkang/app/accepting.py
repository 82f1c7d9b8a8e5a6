"""How a worker takes its connections: a few at a time and then a pause, so that the workers share them.

asyncio's server empties the queue of new connections in one go. Of eight clients that come together one worker then
has all, and the other cores stand idle: transactions over eight connections ran on one core of two. Here the pause
grows with the connections a worker has, so whoever has fewer takes the next ones.
"""

from __future__ import annotations

import asyncio
import socket
from typing import Any

import structlog
import uvicorn

log = structlog.get_logger(__name__)

_PAUSE = 0.001
"""Seconds of pause, and as much again for each connection a worker has."""

_LONGEST = 0.02

_SHARE = 16
"""Connections for each of which one more is taken at a time: thousands who come together must not wait for long."""


class Server(uvicorn.Server):
    """uvicorn's server over sockets that are already bound."""

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets=[])
        for listener in sockets or []:
            listener.setblocking(False)
            listener.listen(self.config.backlog)
            self._look(listener)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        for listener in sockets or []:
            asyncio.get_running_loop().remove_reader(listener)
        await super().shutdown(sockets)

    def _look(self, listener: socket.socket) -> None:
        if not self.should_exit:
            loop = asyncio.get_running_loop()
            loop.add_reader(listener, self._accept, loop, listener)

    def _accept(self, loop: asyncio.AbstractEventLoop, listener: socket.socket) -> None:
        mine = len(self.server_state.connections)
        pause = min(_PAUSE * (1 + mine), _LONGEST)
        try:
            for _ in range(1 + mine // _SHARE):
                taken, _ = listener.accept()
                task = loop.create_task(self._attach(loop, taken))
                self.server_state.tasks.add(task)
                task.add_done_callback(self.server_state.tasks.discard)
        except (BlockingIOError, ConnectionAbortedError, InterruptedError):
            pass  # another worker was quicker, or the client has gone
        except OSError as error:  # out of file descriptors: what waits would wake us all the time
            log.warning("a connection could not be taken", error=type(error).__name__)
            pause = 1.0
        loop.remove_reader(listener)
        loop.call_later(pause, self._look, listener)

    async def _attach(self, loop: asyncio.AbstractEventLoop, taken: socket.socket) -> None:
        taken.setblocking(False)
        try:
            await loop.connect_accepted_socket(self._protocol, taken)
        except OSError:  # it went away between the two calls
            taken.close()

    def _protocol(self) -> asyncio.Protocol:
        make: Any = self.config.http_protocol_class
        return make(config=self.config, server_state=self.server_state, app_state=self.lifespan.state)
