"""Connections to PostgreSQL: a pool that costs nothing per use, and the translation of driver errors.

asyncpg's own pool sends a reset to the server at every release and wraps each connection in a proxy: a point read took
189 µs with it and 70 µs with ours (docs/decisions/0008-asyncpg.md). Our connections carry no state between uses, so a
list of free ones is enough.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg

Connection = asyncpg.Connection


class Unavailable(Exception):
    """The database does not answer."""


UNAVAILABLE = (
    OSError,
    asyncpg.InterfaceError,
    asyncpg.PostgresConnectionError,
    asyncpg.CannotConnectNowError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.TooManyConnectionsError,
    # What asyncpg says when the server dies between two messages and the connection is not yet known to be closed.
    asyncpg.InternalClientError,
)


class Database:
    """A pool of at most `size` connections, made as they are needed."""

    def __init__(self, dsn: str, size: int = 8, *, settings: dict[str, str] | None = None):
        self._dsn = dsn
        self._size = size
        self._settings = settings or {}
        self._free: deque[Connection[Any]] = deque()
        self._made = 0
        self._closed = False
        self._making: set[asyncio.Future[Connection[Any]]] = set()
        self._waiting: deque[asyncio.Future[None]] = deque()

    def use(self, settings: dict[str, str]) -> None:
        """Other settings for the connections made from now on."""
        self._settings = settings

    async def acquire(self) -> Connection[Any]:
        """A connection of one's own until `release`. Raises Unavailable."""
        while True:
            while self._free:
                connection = self._free.pop()
                if not connection.is_closed():
                    return connection
                self._made -= 1
            if self._made < self._size:
                return await self._connect()
            await self._wait()

    async def _connect(self) -> Connection[Any]:
        """Shielded: a caller who goes away in the middle must not leave half a connection to the driver."""
        self._made += 1
        making = asyncio.ensure_future(self._make())
        self._making.add(making)
        making.add_done_callback(self._making.discard)
        try:
            return await asyncio.shield(making)
        except asyncio.CancelledError:
            making.add_done_callback(self._keep)
            raise

    async def _make(self) -> Connection[Any]:
        try:
            return await asyncpg.connect(
                self._dsn, statement_cache_size=500, max_cached_statement_lifetime=0, server_settings=self._settings
            )
        except UNAVAILABLE as error:
            self._gone()
            raise Unavailable(str(error)) from error
        except BaseException:
            self._gone()
            raise

    def _keep(self, made: asyncio.Future[Connection[Any]]) -> None:
        """A connection whose caller has gone serves the next one."""
        if not made.cancelled() and made.exception() is None:
            self.release(made.result())

    async def _wait(self) -> None:
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self._wake()  # our turn had come: pass it on
            raise

    def release(self, connection: Connection[Any]) -> None:
        if self._closed or connection.is_closed() or connection.is_in_transaction():
            # Given back in the middle of something (a cancelled request): nobody must inherit that.
            connection.terminate()
            self._gone()
            return
        self._free.append(connection)
        self._wake()

    def _gone(self) -> None:
        self._made -= 1
        self._wake()

    def _wake(self) -> None:
        while self._waiting:
            turn = self._waiting.popleft()
            if not turn.done():
                turn.set_result(None)
                return

    @asynccontextmanager
    async def connection(self) -> AsyncGenerator[Connection[Any]]:
        """Raises Unavailable when the server goes away meanwhile."""
        connection = await self.acquire()
        try:
            yield connection
        except UNAVAILABLE as error:
            connection.terminate()
            raise Unavailable(str(error)) from error
        finally:
            self.release(connection)

    @asynccontextmanager
    async def transaction(self) -> AsyncGenerator[Connection[Any]]:
        """One transaction, committed at the end of the block, rolled back when it raises."""
        async with self.connection() as connection, connection.transaction():
            yield connection

    async def close(self) -> None:
        """Those in use are closed when they are given back; one that is being made for somebody who left, now."""
        self._closed = True
        await asyncio.gather(*self._making, return_exceptions=True)
        while self._free:
            await self._free.pop().close()
            self._made -= 1
