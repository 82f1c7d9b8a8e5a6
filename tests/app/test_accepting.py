"""A worker leaves some of those who come together to the others."""

from __future__ import annotations

import asyncio
import socket
from types import SimpleNamespace
from typing import Any

import pytest
import uvicorn

from minkang.app.accepting import Server
from minkang.app.protocol import Protocol

WAITING = 12


async def app(scope: Any, receive: Any, send: Any) -> None:
    """Is never asked anything."""


@pytest.mark.parametrize(("mine", "taken"), [(0, 1), (15, 1), (16, 2), (64, 5)])
def test_a_worker_takes_one_at_a_time_and_more_when_it_has_many(mine: int, taken: int):
    assert asyncio.run(_taken(mine)) == taken


async def _taken(mine: int) -> int:
    """How many of those who wait a worker with so many connections takes in one go."""
    server = Server(uvicorn.Config(app, http=Protocol, lifespan="off"))
    server.config.load()
    server.lifespan = SimpleNamespace(state={})  # type: ignore[assignment]
    server.server_state.connections.update(object() for _ in range(mine))  # type: ignore[arg-type]
    with socket.create_server(("127.0.0.1", 0), backlog=WAITING) as listener:
        listener.setblocking(False)
        clients = [socket.create_connection(listener.getsockname()) for _ in range(WAITING)]
        server._accept(asyncio.get_running_loop(), listener)
        await asyncio.gather(*server.server_state.tasks)
        asyncio.get_running_loop().remove_reader(listener)
        held = [one for one in server.server_state.connections if isinstance(one, Protocol)]
        for one in held:
            one.transport.close()
        for client in clients:
            client.close()
        return len(held)


def test_out_of_descriptors_a_worker_rests():
    async def run() -> bool:
        server = Server(uvicorn.Config(app, http=Protocol, lifespan="off"))
        loop = asyncio.get_running_loop()

        class Exhausted(socket.socket):
            def accept(self) -> Any:
                raise OSError(24, "Too many open files")

        with Exhausted() as listener:
            listener.bind(("127.0.0.1", 0))
            listener.listen()
            loop.add_reader(listener, lambda: None)
            server._accept(loop, listener)
            return loop.remove_reader(listener)

    assert asyncio.run(run()) is False, "it does not look again at once"
