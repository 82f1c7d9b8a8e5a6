"""Limits to hold our figures against: the same rows by a bare driver, and a bare answer by the same HTTP server."""

from __future__ import annotations

import asyncio
import random
import sys
import time
from collections.abc import Sequence
from multiprocessing import get_context

import asyncpg
import uvloop

from minkang.kit.http import App, Receive, Scope, Send, send_bytes
from minkang.kit.settings import Settings
from minkang.store import shards
from minkang.store.types import NUMBERS

_BODY = b'{"resourceType":"Observation","note":[{"text":"' + b"x" * 900 + b'"}]}'


def create(settings: Settings) -> App:
    """An application that answers the same kilobyte to everything."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            for step in ("startup", "shutdown"):
                await receive()
                await send({"type": f"lifespan.{step}.complete"})
            return
        await send_bytes(send, 200, [(b"content-type", b"application/json")], _BODY)

    return app


def selects(url: str, patients: Sequence[str], connections: int = 32, seconds: float = 4.0) -> float:
    """Point selects a second by primary key, from two processes."""
    with get_context("spawn").Pool(2) as pool:
        each = [(url, list(patients), connections // 2, seconds)] * 2
        return sum(pool.starmap(_selecting, each)) / seconds


def _selecting(url: str, patients: list[str], connections: int, seconds: float) -> int:
    return uvloop.run(_select(url, patients, connections, seconds))


async def _select(url: str, patients: list[str], connections: int, seconds: float) -> int:
    text = "SELECT version, updated, content FROM resource WHERE shard = $1 AND type = $2 AND id = $3"
    keys = [(shards.of_patient(id), NUMBERS["Patient"], id) for id in patients]

    async def one(number: int) -> int:
        connection = await asyncpg.connect(url)
        try:
            statement, done, dice = await connection.prepare(text), 0, random.Random(number)
            end = time.perf_counter() + seconds
            while time.perf_counter() < end:
                if await statement.fetchrow(*dice.choice(keys)) is None:
                    sys.exit("a row is missing")
                done += 1
            return done
        finally:
            await connection.close()

    return sum(await asyncio.gather(*(one(number) for number in range(connections))))
