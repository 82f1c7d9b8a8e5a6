"""One process of an import: takes chunks from its pipe, loads them, answers what became of each.

Spawned by `importing.py`. What it needs to know comes through the pipe too: a command line is open to everybody.
"""

from __future__ import annotations

import asyncio
import gc
import time
from multiprocessing.connection import Connection as Pipe
from pathlib import Path
from typing import Any, NamedTuple

import asyncpg

from minkang.app.prepare import told
from minkang.fhir.problem import Problem
from minkang.kit.db import UNAVAILABLE
from minkang.store import keys
from minkang.store.bulk.lines import Chunk
from minkang.store.bulk.loading import Counts, Loader, Place
from minkang.store.index import Indexer
from minkang.store.parameters import Parameters
from minkang.store.scope import Actor
from minkang.store.seal import Sealer
from minkang.store.store import SETTINGS

COLLECT = 32
"""Chunks after which garbage is collected: each may leave its megabyte in a cycle."""

PATIENCE = 60.0
"""Seconds a database that went away is waited for."""


class Hello(NamedTuple):
    """What a process must know: `key_file` is the path of the store's keys."""

    url: str
    key_file: Path
    actor: Actor
    source: str


class Loaded(NamedTuple):
    """The answer to one chunk."""

    file: int
    begin: int
    counts: Counts
    trouble: str | None = None


def serve(pipe: Pipe) -> None:
    """The process's main function; ends when the pipe does."""
    try:
        asyncio.run(_serve(pipe))
    except (EOFError, ConnectionError, KeyboardInterrupt):
        return


async def _serve(pipe: Pipe) -> None:
    hello: Hello = pipe.recv()
    found = keys.load(hello.key_file)
    loader = Loader(Sealer(found), Parameters(Indexer(found)), hello.actor, hello.source)
    gc.collect()
    gc.freeze()
    gc.disable()  # nearly everything of a chunk is freed without it; what refers to itself waits a little
    connection: Any = None
    loaded = 0
    while (sent := pipe.recv()) is not None:
        place, chunk = sent
        loaded += 1
        if loaded % COLLECT == 0:
            gc.collect()
        connection, answer = await _load(connection, hello.url, loader, place, chunk)
        pipe.send(answer)


async def _load(connection: Any, url: str, loader: Loader, place: Place, chunk: Chunk) -> tuple[Any, Loaded]:
    """The connection to go on with, and what became of the chunk."""
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            if connection is None or connection.is_closed():
                connection = await asyncpg.connect(url, server_settings=SETTINGS)
            return connection, Loaded(place.file, chunk.begin, await loader.load(connection, place, chunk))
        except asyncpg.DiskFullError:
            return connection, Loaded(place.file, chunk.begin, Counts(), "The database's disk is full.")
        except Problem as problem:
            return connection, Loaded(place.file, chunk.begin, Counts(), str(problem))
        except UNAVAILABLE as error:
            if time.monotonic() > deadline:
                words = f"The database does not answer ({type(error).__name__})."
                return connection, Loaded(place.file, chunk.begin, Counts(), words)
            if connection is not None:
                connection.terminate()
            await asyncio.sleep(0.5)
        except asyncpg.PostgresError as error:
            return connection, Loaded(place.file, chunk.begin, Counts(), f"The database refuses: {told(error)}.")
