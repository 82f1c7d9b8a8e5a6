"""What one resource costs in Python on its way into the store, step by step, without a database.

Usage: python -m bench.costs [--residents 150]

One process, records of the invented city, best of three passes: for finding out which step is worth making quicker.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

import orjson

from minkang.fhir.resource import Parsed, parse, stamped
from minkang.fhir.validation import check
from minkang.store import keys
from minkang.store.index import Indexer
from minkang.store.seal import Sealer
from synth.bundles import bundles

SEED = 1
PASSES = 3


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--residents", type=int, default=150)
    texts = resources(arguments.parse_args().residents)
    made = keys.generate()
    indexer, sealer = Indexer(made), Sealer(made)
    now = datetime.now(UTC)
    trees = [parse(text) for text in texts]

    def index(one: Parsed) -> Any:
        return indexer.index(one.tree["resourceType"], "x", one)

    print(f"{len(texts)} resources of {sum(map(len, texts)) / len(texts):.0f} bytes; microseconds each")
    show("parse", parse, texts)
    show("check", lambda one: check(one.tree), trees)
    show("stamp", lambda one: stamped(one, "x", 1, now), trees)
    show("index", index, trees)
    show("seal", lambda text: sealer.seal(text, b"x"), texts)
    for type in dict.fromkeys(one.tree["resourceType"] for one in trees):
        of_type = [one for one in trees if one.tree["resourceType"] == type]
        terms = sum(len(index(one).keys) for one in of_type) / len(of_type)
        show(f"index {type} ({terms:.0f} keys)", index, of_type)


def resources(residents: int) -> list[bytes]:
    """JSON texts of the records of so many residents."""
    return [orjson.dumps(entry["resource"]) for bundle in bundles(residents, SEED) for entry in bundle["entry"]]


def show(name: str, step: Callable[[Any], Any], over: Sequence[Any]) -> None:
    seconds = min(once(step, over) for _ in range(PASSES))
    print(f"{name:36} {seconds / len(over) * 1e6:7.1f}")


def once(step: Callable[[Any], Any], over: Sequence[Any]) -> float:
    start = time.perf_counter()
    for one in over:
        step(one)
    return time.perf_counter() - start


if __name__ == "__main__":
    main()
