"""One evaluation: the context items, the variables, and how much work is left."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from minkang.fhir.path.values import Node
from minkang.fhir.problem import Incorrect

MAX_STEPS = 300_000
"""Nodes looked at in one evaluation: some two seconds of work, far beyond what one resource has."""

Nodes = list[Node]


@dataclass(slots=True)
class Run:
    """`this`: the items that $this means; `index` and `total`: $index and $total where there are such.

    `strict`: an element that a type does not have is an error. `lenient_as`: `as` picks from several items, as the
    published search parameters mean it.
    """

    root: Nodes
    this: Nodes
    variables: Mapping[str, Nodes] = field(default_factory=dict)
    strict: bool = False
    lenient_as: bool = False
    started: datetime | None = None
    left: int = MAX_STEPS
    index: Nodes = field(default_factory=list)
    total: Nodes = field(default_factory=list)

    @property
    def now(self) -> datetime:
        """The same moment however often it is asked for."""
        if self.started is None:
            self.started = datetime.now(UTC).astimezone()
        return self.started

    def spend(self, steps: int) -> None:
        """Raises Incorrect when the evaluation has looked at too much."""
        self.left -= steps
        if self.left < 0:
            raise Incorrect(f"The FHIRPath expression looks at more than {MAX_STEPS} items; narrow it.")

    def each(self, items: Nodes, program: Program) -> list[Nodes]:
        """What a program gives for every item, with $this and $index set."""
        self.spend(len(items) + 1)
        kept = self.this, self.index
        found: list[Nodes] = []
        try:
            for place, item in enumerate(items):
                self.this, self.index = [item], [Node("System.Integer", place)]
                found.append(program(self, self.this))
        finally:
            self.this, self.index = kept
        return found


Program = Callable[[Run, Nodes], Nodes]
"""A compiled expression: from a run and the items it is asked of to the items it finds."""


class Failed(Exception):
    """An expression cannot be evaluated: said where the place in the text is not known yet."""


def single(items: Nodes, what: str) -> Any:
    """The only item, None for none. Raises Failed for several."""
    if len(items) > 1:
        raise Failed(f"{what} takes one item, there are {len(items)}")
    return items[0] if items else None
