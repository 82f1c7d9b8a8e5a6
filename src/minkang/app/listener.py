"""The listening socket, made once in the supervisor and shared by all workers, and a look whether it answers."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import socket
from collections.abc import Generator
from contextlib import contextmanager

from minkang.kit.trouble import Trouble

LISTEN_FD = "MINKANG_LISTEN_FD"
"""The variable that tells a worker the number of the listening socket."""

DRAIN = 8
"""Seconds that requests under way get to finish when a worker stops."""


@contextmanager
def listening(host: str, port: int) -> Generator[socket.socket]:
    """A socket bound to the address. Raises Trouble when the port is taken or the address is not ours.

    It is bound before anything else is started, so that a taken port is told at once; clients are refused, not kept
    waiting, until the first worker listens.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    made = socket.socket(family, socket.SOCK_STREAM)
    try:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            made.bind((host.strip("[]"), port))
        except OSError as error:
            raise Trouble(_why(error, host, port)) from error
        made.setblocking(False)
        yield made
    finally:
        made.close()


def address_of(listener: socket.socket) -> str:
    """`http://host:port` as a browser on this machine reaches it."""
    host, port = _target(listener)
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


async def answers(listener: socket.socket, path: str) -> bool:
    """Whether a GET of the path, from this machine, is answered with 200 within two seconds."""
    with contextlib.suppress(OSError, TimeoutError):
        async with asyncio.timeout(2):
            reader, writer = await asyncio.open_connection(*_target(listener))
            try:
                writer.write(f"GET {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n".encode())
                return b" 200 " in await reader.readline()
            finally:
                writer.close()
    return False


def _target(listener: socket.socket) -> tuple[str, int]:
    name: tuple[str, int] = listener.getsockname()
    host, port = name[:2]
    return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host), port  # noqa: S104 - compared, not bound


def _why(error: OSError, host: str, port: int) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"Port {port} on {host} is taken by another program. Choose another with --port (0 takes a free one)."
    if error.errno == errno.EACCES:
        return f"Port {port} needs more rights than this account has. Choose one above 1023 with --port."
    return f"Cannot listen on {host} port {port}: {error.strerror or error}."
