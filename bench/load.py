"""The load: wrk where it is installed, else a client in Python, which takes a good part of the same cores."""

from __future__ import annotations

import http.client
import shutil
import subprocess
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

LUA = Path(__file__).parent / "lua"
WRK = shutil.which("wrk")
JSON = {"content-type": "application/fhir+json", "prefer": "return=minimal"}


class Answers(NamedTuple):
    """`rate` in requests a second; times in milliseconds."""

    rate: float
    p50: float
    p95: float
    p99: float
    requests: int


def generator() -> str:
    """What makes the load."""
    return "wrk" if WRK else "a client in Python (wrk is not installed)"


def get(address: str, paths: Sequence[str], connections: int, seconds: float, work: Path) -> Answers:
    """GET the paths in turn for a while. Raises SystemExit when any answer is an error."""
    if not WRK:
        return _by_python(address, "GET", [(path, None) for path in paths], connections, seconds)
    file = work / "paths.txt"
    file.write_text("\n".join(paths))
    return _wrk(address, connections, seconds, "paths.lua", str(file))


def post(address: str, path: str, bodies: Sequence[bytes], connections: int, seconds: float, work: Path) -> Answers:
    """POST each body once, as many as the time allows; there must be enough of them."""
    if not WRK:
        return _by_python(address, "POST", [(path, body) for body in bodies], connections, seconds)
    file = work / "bodies.ndjson"
    file.write_bytes(b"\n".join(bodies))
    return _wrk(address, connections, seconds, "bodies.lua", str(file), path)


def _wrk(address: str, connections: int, seconds: float, script: str, *arguments: str) -> Answers:
    command = [str(WRK), "-t1", f"-c{connections}", f"-d{seconds:g}s", "--timeout", "30s"]
    command += ["-s", str(LUA / script), address, "--", *arguments]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    line = next((line for line in said.splitlines() if line.startswith("figures ")), "")
    requests, micros, p50, p95, p99, _, refused, broken, *left = map(int, line.split()[1:])
    if refused or broken:
        raise SystemExit(f"{script}: {refused} answers were errors, {broken} requests broke.\n{said}")
    if left and left[0] == 0:
        raise SystemExit(f"{script}: there were too few bodies for {seconds:g} s.")
    return Answers(requests / micros * 1e6, p50 / 1000, p95 / 1000, p99 / 1000, requests)


def _by_python(
    address: str, method: str, asked: list[tuple[str, bytes | None]], connections: int, seconds: float
) -> Answers:
    netloc, turns, times = urlsplit(address).netloc, iter(asked * (1 if method == "POST" else 100_000)), list[float]()
    began = time.perf_counter()

    def work(_: int) -> None:
        client = http.client.HTTPConnection(netloc, timeout=60)
        while (now := time.perf_counter()) - began < seconds:
            path, body = next(turns)
            client.request(method, path, body, JSON)
            answer = client.getresponse()
            told = answer.read()
            if answer.status >= 300:
                raise SystemExit(f"{method} {path}: {answer.status} {told[:300]!r}")
            times.append(time.perf_counter() - now)

    with ThreadPoolExecutor(connections) as pool:
        list(pool.map(work, range(connections)))
    times.sort()
    at = [times[min(int(len(times) * part), len(times) - 1)] * 1000 for part in (0.5, 0.95, 0.99)]
    return Answers(len(times) / (time.perf_counter() - began), *at, len(times))
