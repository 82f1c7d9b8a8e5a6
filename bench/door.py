"""How fast the FHIR door writes and reads: a platform of its own, records of the invented city, several connections.

Usage: python -m bench.door [--residents 300] [--connections 8] [--seconds 5]

The client runs on the same machine and takes a good part of it, so the figures are lower bounds of the server's.
"""

from __future__ import annotations

import argparse
import http.client
import json
import random
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from urllib.parse import urlsplit

import orjson

from synth import bundles as city
from tests.lib.demo import served

SEED = 23
"""Not the demo's: these residents are new to the platform."""


def main() -> None:
    chosen = _chosen()
    bodies = [orjson.dumps(bundle) for bundle in city.bundles(chosen.residents, SEED)]
    ids = [f"r{SEED}-{number}" for number in range(chosen.residents)]
    with served(residents=1) as address:
        results = {"resources written a second": _written(address, bodies, chosen.connections, chosen.residents)}
        for name, path in {
            "reads by id a second": "/fhir/Patient/{id}",
            "observations of one person a second": "/fhir/Observation?subject=Patient/{id}&_count=10",
            "$everything a second": "/fhir/Patient/{id}/$everything",
        }.items():
            results[name] = _repeated(address, path, ids, chosen.connections, chosen.seconds)
    for name, figure in results.items():
        print(f"{name:40} {figure:10,.0f}")
    target = Path(__file__).parents[1] / "build" / "bench"
    target.mkdir(parents=True, exist_ok=True)
    (target / "door.json").write_text(json.dumps(results, indent=2), encoding="utf-8")


def _chosen() -> argparse.Namespace:
    reader = argparse.ArgumentParser(description=__doc__)
    reader.add_argument("--residents", type=int, default=300)
    reader.add_argument("--connections", type=int, default=8)
    reader.add_argument("--seconds", type=float, default=5.0)
    return reader.parse_args()


def _written(address: str, bodies: list[bytes], connections: int, residents: int) -> float:
    """Resources a second, sent as one transaction a visit."""
    turns = iter(bodies)

    def work(client: http.client.HTTPConnection) -> None:
        for body in turns:
            _ask(client, "POST", "/fhir", body)

    # A first visit writes the patient that the later ones name, but references need not resolve: any order will do.
    began = time.perf_counter()
    _together(address, connections, work)
    return residents * city.PER_RESIDENT / (time.perf_counter() - began)


def _repeated(address: str, path: str, ids: list[str], connections: int, seconds: float) -> float:
    """Requests a second for a while, each for somebody else; from two processes, or one would be the limit."""
    with get_context("spawn").Pool(2) as pool:
        each = max(connections // 2, 1)
        done = pool.starmap(_client, [(address, path, ids, each, seconds, number) for number in range(2)])
    return sum(done) / seconds


def _client(address: str, path: str, ids: list[str], connections: int, seconds: float, number: int) -> int:
    dice = random.Random(number)
    end = time.perf_counter() + seconds
    counts: list[int] = []

    def work(client: http.client.HTTPConnection) -> None:
        done = 0
        while time.perf_counter() < end:
            _ask(client, "GET", path.format(id=dice.choice(ids)), None)
            done += 1
        counts.append(done)

    _together(address, connections, work)
    return sum(counts)


def _together(address: str, connections: int, work: Callable[[http.client.HTTPConnection], None]) -> None:
    netloc = urlsplit(address).netloc
    with ThreadPoolExecutor(connections) as pool:
        list(pool.map(work, _clients(netloc, connections)))


def _clients(netloc: str, count: int) -> Iterator[http.client.HTTPConnection]:
    return (http.client.HTTPConnection(netloc, timeout=60) for _ in range(count))


def _ask(client: http.client.HTTPConnection, method: str, path: str, body: bytes | None) -> None:
    client.request(method, path, body, {"content-type": "application/fhir+json"})
    response = client.getresponse()
    answer = response.read()
    if response.status >= 300:
        raise SystemExit(f"{method} {path}: {response.status} {answer[:300]!r}")


if __name__ == "__main__":
    main()
