"""What a county's scope costs: the same questions of one person's record with and without one, asked of the store."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence

import uvloop

from bench.city import HEART_RATE
from minkang.app.prepare import key_file
from minkang.fhir.search import grammar
from minkang.kit.folders import DataFolder
from minkang.store import keys
from minkang.store.scope import EVERYTHING, Actor, Scope
from minkang.store.store import Store

COUNTY = Scope(divisions=frozenset({0, 390101}), shards=frozenset())
"""Admits what the import wrote (division 0): every row is checked, none is left out."""

ROUNDS = 5


def ratios(url: str, folder: DataFolder, people: Sequence[str]) -> dict[str, float]:
    """Requests a second within a county's scope to those without, in turns, eight at a time: reads, searches."""
    return uvloop.run(_ratios(url, folder, people[:500]))


async def _ratios(url: str, folder: DataFolder, people: Sequence[str]) -> dict[str, float]:
    store = await Store.open(url, keys.load(key_file(folder)))
    seconds = {(name, bound): 0.0 for name in ("read", "search", "everything") for bound in (False, True)}
    try:
        for _ in range(ROUNDS):
            for name, bound in seconds:
                seconds[name, bound] += await _asked(store, COUNTY if bound else EVERYTHING, name, people)
    finally:
        await store.close()
    return {f"scoped.{name}_ratio": seconds[name, False] / seconds[name, True] for name, bound in seconds if bound}


async def _asked(store: Store, scope: Scope, name: str, people: Sequence[str]) -> float:
    repository = store.repository(Actor("Device/bench"), scope)
    turns = iter(people)

    async def work() -> None:
        for id in turns:
            if name == "read":
                await repository.read("Patient", id)
            elif name == "everything":
                await repository.everything(id)
            else:
                asked = [("patient", f"Patient/{id}"), ("code", HEART_RATE), ("_sort", "-date")]
                await repository.search(grammar.parse("Observation", asked, strict=True))

    began = time.perf_counter()
    await asyncio.gather(*(work() for _ in range(8)))
    return time.perf_counter() - began
