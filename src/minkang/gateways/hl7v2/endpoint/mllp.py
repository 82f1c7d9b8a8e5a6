"""Messages over a line by MLLP, with or without TLS.

A line's messages are taken one after the other, in the order they came, each acknowledged before the next is read: so a
sender that uses one line keeps its order, and one that sends faster than we write is slowed by TCP. What is no whole
message is answered once and does not end the line; a line that is silent in the middle of a message is closed.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable
from contextlib import suppress

import structlog

from minkang.gateways.hl7v2.endpoint.taking import taken
from minkang.gateways.hl7v2.wire import Cut, Fault, Frames, answer, framed
from minkang.kit import clock, ids
from minkang.platform.intake.taking import Intake

READ = 64 * 1024
"""Bytes read at once."""

IDLE = 600.0
"""Seconds a line may be silent between messages."""

STALLED = 60.0
"""Seconds a line may be silent in the middle of one."""

LINES = 200
"""Lines of one process at once; one more is closed at once."""

_TOO_LARGE, _BROKEN = "102", "100"
"""Table 0357: data type error, segment sequence error; the nearest there are."""

log = structlog.get_logger(__name__)


class Lines:
    """A listener. `intake_for` gives each line one of its own."""

    def __init__(self, intake_for: Callable[[], Intake], limit: int, *, idle: float = IDLE, stalled: float = STALLED):
        self._intake_for = intake_for
        self._limit = limit
        self._idle = idle
        self._stalled = stalled
        self._open: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None

    async def listen(self, host: str, port: int, tls: ssl.SSLContext | None = None, *, shared: bool = False) -> int:
        """Returns the port. `shared`: other processes listen on it, too."""
        self._server = await asyncio.start_server(
            self._line, host, port, ssl=tls, reuse_port=shared or None, limit=READ
        )
        return self._server.sockets[0].getsockname()[1]

    async def close(self) -> None:
        """Nothing is acknowledged that was not kept, so a line may end anywhere."""
        if self._server is not None:
            self._server.close()
        for task in list(self._open):
            task.cancel()
        await asyncio.gather(*self._open, return_exceptions=True)

    async def _line(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 - asyncio runs each line as a task
        self._open.add(task)
        try:
            if len(self._open) <= LINES:
                await self._serve(reader, writer)
            else:
                log.warning("too many MLLP lines", lines=LINES)
        except (ConnectionError, TimeoutError, ssl.SSLError):
            pass  # the other side is gone or silent: it has no answer and sends again
        except Exception:
            log.exception("an MLLP line broke")
        finally:
            self._open.discard(task)
            writer.close()
            with suppress(Exception):
                await writer.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        frames, intake = Frames(self._limit), self._intake_for()
        while True:
            async with asyncio.timeout(self._stalled if frames.waiting else self._idle):
                data = await reader.read(READ)
            for found in frames.feed(data) if data else frames.end():
                said = _no_message(found) if isinstance(found, Cut) else (await taken(intake, found)).answer
                if said is not None:
                    writer.write(framed(said))
                    await writer.drain()
            if not data:
                return


def _no_message(cut: Cut) -> bytes | None:
    """A refusal for what was no whole message, as far as it can have been meant as one."""
    log.warning("no whole message on an MLLP line", reason=cut.reason, size=cut.size)
    words = {
        "never-ended": "消息没有结束符 0x1C 0x0D，请重发。 The block never ended with 0x1C 0x0D; send it again.",
        "too-large": f"消息过大（{cut.size} 字节）。 The message is too large ({cut.size} bytes).",
        "garbage": "消息须以 0x0B 开始。 A block begins with 0x0B.",
    }
    code = _TOO_LARGE if cut.reason == "too-large" else _BROKEN
    return answer(None, "rejected", clock.now(), ids.random(), [Fault(code, words[cut.reason])])
