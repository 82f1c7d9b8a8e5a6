"""Clinical documents over HTTP: new ones of eight kilobytes and some eight resources, over eight connections at once;
then reports of thirty kilobytes."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Iterator
from urllib.parse import urlsplit

from bench.machine import used
from minkang.gateways.cda.mapping import understood
from minkang.gateways.cda.wire import read
from synth.documents import document
from tests.lib.serving import Platform

CONNECTIONS = 8
KINDS = ("C0052", "C0022", "C0031", "HSDC00.02", "HSDB04.04", "C0040", "C0004", "HSDB01.02")
"""Kinds of some eight resources."""

SMALL, LARGE = 8_000, 30_000
REPORT = "C0033"
"""The front page of an inpatient: 43 resources."""

RATE = 500
"""Documents a second that are made beforehand, more than the door takes."""

_TEXT = b"<text/>"
_WORDS = "患者一般情况可，神志清楚，精神可，饮食睡眠可。".encode()


def documents(running: Platform, seconds: float, seed: int) -> dict[str, float]:
    """Documents a second, times from sending to the receipt, and the milliseconds that receipts tell. Raises SystemExit
    when one is not taken."""
    runs = {
        "cda": _measured(running, KINDS, SMALL, seconds, seed, CONNECTIONS),
        "cda1": _measured(running, KINDS, SMALL, seconds, seed + 1, 1),
        "cda30": _measured(running, (REPORT,), LARGE, seconds, seed + 2, CONNECTIONS),
    }
    runs["cda30"]["map_ms"] = _mapping(seed + 3)
    return {f"{run}.{name}": value for run, found in runs.items() for name, value in found.items()}


def _mapping(seed: int) -> float:
    """Milliseconds of mapping alone, of a large document that has been parsed: the best of five rounds."""
    pool = [(content, read(content)) for content in _made((REPORT,), LARGE, 100, seed)]

    def once() -> float:
        began = time.perf_counter()
        for content, parsed in pool:
            understood(content, document=parsed)
        return (time.perf_counter() - began) / len(pool)

    return min(once() for _ in range(5)) * 1e3


def padded(content: bytes, size: int) -> bytes:
    """With words in its first section, as documents have that people read."""
    lacking = size - len(content)
    if lacking <= 0:
        return content
    words = _WORDS * (lacking // len(_WORDS))
    return content.replace(_TEXT, b"<text>" + words + b"</text>", 1)


def _made(kinds: tuple[str, ...], size: int, count: int, seed: int) -> list[bytes]:
    return [padded(document(kinds[number % len(kinds)], number, seed), size) for number in range(count)]


def _measured(
    running: Platform, kinds: tuple[str, ...], size: int, seconds: float, seed: int, connections: int
) -> dict[str, float]:
    pool = _made(kinds, size, int(RATE * seconds), seed)
    before = used(running)
    times, stages, took = asyncio.run(_all(running.address, iter(pool), seconds, connections))
    after = used(running)
    times.sort()
    return {
        "documents_per_s": len(times) / took,
        "mean_ms": sum(times) / len(times) * 1e3,
        "p95_ms": times[int(len(times) * 0.95)] * 1e3,
        "read_ms": sum(stages) / len(stages),
        "bytes": sum(map(len, pool)) / len(pool),
        "worker_cpu_ms": (after.workers - before.workers) / len(times) * 1e3,
        "postgres_cpu_ms": (after.postgres - before.postgres) / len(times) * 1e3,
    }


async def _all(
    address: str, pool: Iterator[bytes], seconds: float, connections: int
) -> tuple[list[float], list[float], float]:
    times: list[float] = []
    stages: list[float] = []
    began = time.perf_counter()
    until = began + seconds
    await asyncio.gather(*(_connection(address, pool, until, times, stages) for _ in range(connections)))
    return times, stages, time.perf_counter() - began


async def _connection(
    address: str, pool: Iterator[bytes], until: float, times: list[float], stages: list[float]
) -> None:
    where = urlsplit(address)
    reader, writer = await asyncio.open_connection(where.hostname, where.port)
    for content in pool:
        now = time.perf_counter()
        if now > until:
            break
        head = f"POST /cda HTTP/1.1\r\nhost: {where.netloc}\r\ncontent-length: {len(content)}\r\n\r\n"
        writer.write(head.encode() + content)
        status, body = await _answer(reader)
        if status != 201:
            raise SystemExit(f"not taken: {status} {body.decode(errors='replace')[:500]}")
        times.append(time.perf_counter() - now)
        stages.append(json.loads(body)["milliseconds"]["read"])
    writer.close()


async def _answer(reader: asyncio.StreamReader) -> tuple[int, bytes]:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
    length = next(int(line.split(":")[1]) for line in head.split("\r\n") if line.startswith("content-length:"))
    return int(head.split(" ", 2)[1]), await reader.readexactly(length)
