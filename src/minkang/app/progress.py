"""A progress bar for commands that take a while; nothing at all when nobody is watching."""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeElapsedColumn


@contextmanager
def bar(title: str, total: int) -> Generator[Callable[[int], None]]:
    """Shows `title` and a bar on standard error; call what is given with the bytes done so far."""
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeElapsedColumn())
    console = Console(stderr=True)
    with Progress(*columns, console=console, disable=not console.is_terminal) as progress:
        task = progress.add_task(title, total=max(total, 1))
        yield lambda done: progress.update(task, completed=min(done, total))
