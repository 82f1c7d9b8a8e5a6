"""A progress bar for commands that take a while; nothing at all when nobody is watching."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    TaskProgressColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)


@contextmanager
def bar(title: str, total: int) -> Generator[Callable[[int], None]]:
    """Shows `title` and a bar on standard error; call what is given with the bytes done so far."""
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeElapsedColumn())
    console = Console(stderr=True)
    with Progress(*columns, console=console, disable=not console.is_terminal) as progress:
        task = progress.add_task(title, total=max(total, 1))
        yield lambda done: progress.update(task, completed=min(done, total))


@contextmanager
def counted(title: str, before: int = 0) -> Generator[Callable[[int, float], None]]:
    """Shows resources, resources a second and the time left; call what is given with the resources done so far (with
    those of an earlier run, `before`) and the part of the whole that is done, 0 to 1."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TextColumn("{task.fields[rows]:,} ({task.fields[rate]:,.0f}/s)"),
        TimeRemainingColumn(),
    )
    console = Console(stderr=True)
    began = time.monotonic()
    with Progress(*columns, console=console, disable=not console.is_terminal) as progress:
        task = progress.add_task(title, total=1.0, rows=before, rate=0.0)

        def told(rows: int, done: float) -> None:
            rate = (rows - before) / max(time.monotonic() - began, 0.001)
            progress.update(task, completed=done, rows=rows, rate=rate)

        yield told
