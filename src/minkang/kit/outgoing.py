"""Requests of our own, to targets that were allowed (`targets.py`): one request, one connection, the status is all.

Nothing of an answer but its status is looked at, redirects are not followed, and no proxy of the environment is asked:
what the target says must not lead us anywhere. Time and memory are bounded whatever it does (RFC 9112).
"""

from __future__ import annotations

import asyncio
import contextlib
import re
import socket
import ssl
from collections.abc import Sequence
from functools import lru_cache

from minkang.kit.targets import Target, reachable

_LONGEST_LINE = 16 * 1024
_STATUS = re.compile(rb"HTTP/1\.[01] ([1-5][0-9]{2})(?: [^\r\n]*)?\r?\n")
_INTERIM = range(100, 200)
_MOST_INTERIM = 10


class NoAnswer(Exception):
    """The target did not answer; the text says why without quoting what was sent."""


async def ask(target: Target, method: str, headers: Sequence[tuple[str, str]], body: bytes, *, within: float) -> int:
    """The status of the answer. `headers` are checked by whoever gives them; `within`: seconds for all of it. Raises
    NoAnswer."""
    try:
        async with asyncio.timeout(within):
            return await _ask(target, method, headers, body)
    except TimeoutError:
        raise NoAnswer(f"The target did not answer within {within:.0f} seconds.") from None
    except ssl.SSLError as error:
        raise NoAnswer(f"The target's certificate or TLS is not accepted: {error.reason}.") from None
    except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, ValueError) as error:
        raise NoAnswer(f"The target cannot be reached: {type(error).__name__}.") from None


async def _ask(target: Target, method: str, headers: Sequence[tuple[str, str]], body: bytes) -> int:
    context = _tls() if target.scheme == "https" else None
    reader, writer = await asyncio.open_connection(
        await _address(target),
        target.port,
        ssl=context,
        server_hostname=target.host if context is not None else None,
        limit=_LONGEST_LINE,
    )
    try:
        lines = [
            f"{method} {target.path} HTTP/1.1",
            f"Host: {target.authority}",
            "Connection: close",
            f"Content-Length: {len(body)}",
            *(f"{name}: {value}" for name, value in headers),
        ]
        writer.write("\r\n".join(lines).encode("ascii") + b"\r\n\r\n" + body)
        await writer.drain()
        return await _status(reader)
    finally:
        writer.transport.abort()  # nothing more is wanted, and a target must not keep us waiting by closing slowly
        with contextlib.suppress(OSError):
            await writer.wait_closed()


async def _address(target: Target) -> str:
    """The first address of the target's name that may be connected to."""
    found = await asyncio.get_running_loop().getaddrinfo(target.host, target.port, type=socket.SOCK_STREAM)
    addresses = [str(entry[4][0]) for entry in found]
    for address in addresses:
        if reachable(target, address):
            return address
    raise NoAnswer("The name of the target leads to an address that must not be asked.")


async def _status(reader: asyncio.StreamReader) -> int:
    for _ in range(_MOST_INTERIM):
        line = await reader.readuntil(b"\n")
        found = _STATUS.fullmatch(line)
        if found is None:
            raise NoAnswer("The target does not answer in HTTP.")
        status = int(found[1])
        if status not in _INTERIM:
            return status
        while (await reader.readuntil(b"\n")).strip():  # headers of an interim answer, 103 for instance
            pass
    raise NoAnswer("The target does not come to an answer.")


@lru_cache(maxsize=1)
def _tls() -> ssl.SSLContext:
    return ssl.create_default_context()
