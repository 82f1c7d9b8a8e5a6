"""The figures as a table, beside what was promised and what the best open peer does."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

_FIGURES: list[dict[str, Any]] = tomllib.loads((Path(__file__).parent / "figures.toml").read_text())["figure"]


def rows(figures: Mapping[str, float]) -> Iterator[tuple[str, str, str, str, str]]:
    """Title, figure, promise, peer, and whether the promise holds, for what was measured."""
    for one in _FIGURES:
        value = figures.get(one["name"])
        if value is None:
            continue
        promise, holds = "", ""
        if "least" in one:
            promise, holds = f"≥ {_number(one['least'])}", "yes" if value >= one["least"] else "no"
        elif "most" in one:
            promise, holds = f"≤ {_number(one['most'])}", "yes" if value <= one["most"] else "no"
        peer = f"{_number(one['peer'])} ({_ratio(one, value)})" if "peer" in one else ""
        yield one["title"], _number(value), promise, peer, holds


def show(figures: Mapping[str, float], about: str) -> None:
    table = Table(title=about, title_justify="left", title_style="")
    for head in ("what", "measured", "promised", "best open peer (ours to theirs)", "holds"):
        table.add_column(head, justify="left" if head == "what" else "right")
    for row in rows(figures):
        table.add_row(*row, style="" if row[-1] != "no" else "red")
    Console(width=150).print(table)


def markdown(figures: Mapping[str, float]) -> str:
    """The same as a table for the book."""
    lines = ["| what | measured | promised | best open peer (ours to theirs) |", "|---|---:|---:|---:|"]
    lines += [f"| {title} | {value} | {promise} | {peer} |" for title, value, promise, peer, _ in rows(figures)]
    return "\n".join(lines)


def _ratio(one: Mapping[str, Any], value: float) -> str:
    return f"{value / one['peer']:.1f} x" if "least" in one or "most" not in one else f"1/{one['peer'] / value:.0f}"


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.2f}" if value < 10 else f"{value:.1f}"
