"""Pages of a sorted list: a cursor remembers the key of the last row shown, so a page starts right behind it.

Whatever is written between two pages, no row that was there throughout is repeated or dropped.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import total_ordering
from typing import Any

from minkang.store.memory.rows import Row, Rows


@total_ordering
class Descending:
    """A key that sorts the other way round."""

    def __init__(self, value: Any) -> None:
        self.value = value

    def __lt__(self, other: Descending) -> bool:
        return other.value < self.value

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Descending) and self.value == other.value

    __hash__ = None  # type: ignore[assignment]


def one_page(
    rows: Rows, question: Any, found: Iterable[Row], key: Callable[[Row], Any], count: int, cursor: str | None
) -> tuple[list[Row], str | None]:
    """At most `count` of what was found, in the order of its keys (no two equal), and the cursor of the rest."""
    ordered = sorted(((key(row), row) for row in found), key=lambda pair: pair[0])
    if cursor is not None:
        last = rows.resume(question, cursor)
        ordered = [pair for pair in ordered if last < pair[0]]
    shown = ordered[:count]
    more = rows.pause(question, shown[-1][0]) if shown and len(shown) < len(ordered) else None
    return [row for _key, row in shown], more
