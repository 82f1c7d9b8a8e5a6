"""make bench: one platform with its real settings, a city in it, and every figure that was promised.

    python -m bench [--size 200000] [--only import,read,search] [--seconds 4] [--keep DIR]

Prints the table and writes build/bench.json, one flat object of names and numbers. Load, server and database share the
machine, so anything else that runs on it shows in the figures.
"""

from __future__ import annotations

import argparse
import json
import socket
import time
from collections.abc import Callable
from pathlib import Path

from rich.console import Console

from bench import city, documents, importing, limits, lines, load, machine, plans, scoped, serving, table
from minkang.kit.postgres.cluster import Cluster
from tests.lib.serving import Platform, platform

ROOT = Path(__file__).parents[1]
SIZE = 200_000
say = Console(stderr=True, highlight=False).print


def main() -> None:
    chosen = _chosen()
    wanted = chosen.only.split(",") if chosen.only else None
    figures: dict[str, float] = {"size": chosen.size}
    work = ROOT / "build" / "bench"
    work.mkdir(parents=True, exist_ok=True)
    mllp = _free_port()
    with platform(environment={"MINKANG_MLLP_PORT": str(mllp)}) as running:
        began = time.perf_counter()
        running.start()
        figures["start.s"] = time.perf_counter() - began
        _fill(running, chosen.size, wanted, figures, work)
        bench = serving.Bench(running, int(figures.pop("residents")), work, chosen.seconds)
        for name, step in _steps(bench, mllp).items():
            if wanted is None or name in wanted:
                say(f"{name} …")
                figures |= step()
        figures["worker.rss_mb"] = max(map(machine.memory_of, running.workers))
    if wanted is None or "limits" in wanted:
        figures["limit.answers_per_s"] = _bare(work)
    about = f"{chosen.size:,} resources; {machine.described()}; load by {load.generator()}"
    table.show(figures, about)
    if wanted is None or "plans" in wanted:
        print("\n".join(plans.shown(figures)))
    (ROOT / "build" / "bench.json").write_text(json.dumps(figures, indent=1))


def _chosen() -> argparse.Namespace:
    reader = argparse.ArgumentParser(prog="python -m bench", description=__doc__.splitlines()[0])
    reader.add_argument("--size", type=int, default=SIZE, help="resources in the store before anything is measured")
    reader.add_argument(
        "--only", help=f"some of: import, limits, plans, scoped, hl7v2, cda, {', '.join(serving.STEPS)}"
    )
    reader.add_argument("--seconds", type=float, default=4.0, help="for each figure")
    return reader.parse_args()


def _fill(running: Platform, size: int, wanted: list[str] | None, figures: dict[str, float], work: Path) -> None:
    """The city goes in by import, which is a figure in itself."""
    say(f"import of {size:,} resources …")
    file = work / "city.ndjson"
    figures["residents"] = city.write(file, size)
    figures |= importing.imported(running, file)
    file.unlink()
    figures |= importing.disk(running)
    if wanted is None or "import" in wanted:
        say("COPY of the same rows …")
        figures |= importing.copied(running, work)
        figures["import.copy_ratio"] = figures["import.resources_per_s"] / figures["copy.resources_per_s"]


def _steps(bench: serving.Bench, mllp: int) -> dict[str, Callable[[], dict[str, float]]]:
    steps: dict[str, Callable[[], dict[str, float]]] = {
        name: (lambda step=step: step(bench)) for name, step in serving.STEPS.items()
    }
    url = Cluster(bench.running.folder).url
    people = [city.resident_of(number) for number in bench.people()]
    return {
        "scoped": lambda: scoped.ratios(url, bench.running.folder, people),
        "limits": lambda: {"limit.selects_per_s": limits.selects(url, people)},
        **steps,
        "cda": lambda: documents.documents(bench.running, bench.seconds, bench.residents),
        "hl7v2": lambda: lines.lines(bench.running, mllp, bench.seconds, bench.residents),
        "plans": lambda: plans.plans(bench),
    }


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return taken.getsockname()[1]


def _bare(work: Path) -> float:
    with platform(app="bench.limits:create") as running:
        running.start()
        return load.get(running.address, ["/"], 32, 4.0, work).rate


if __name__ == "__main__":
    main()
