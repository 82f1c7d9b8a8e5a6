"""How a function is entered: its name, how many arguments it takes, and what it does."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from minkang.fhir.path.context import Failed, Nodes, Program, Run
from minkang.fhir.path.values import plain


@dataclass(frozen=True, slots=True)
class Function:
    """`run(run, items, *arguments)`: arguments come unevaluated."""

    run: Callable[..., Nodes]
    fewest: int
    most: int

    @property
    def arity(self) -> str:
        if self.fewest == self.most:
            return ("no argument", "one argument")[self.most] if self.most < 2 else f"{self.most} arguments"
        return f"{self.fewest} to {self.most} arguments"


FUNCTIONS: dict[str, Function] = {}


def function(
    name: str, fewest: int = 0, most: int | None = None
) -> Callable[[Callable[..., Nodes]], Callable[..., Nodes]]:
    """Enters what it decorates under the FHIRPath name."""

    def enter(run: Callable[..., Nodes]) -> Callable[..., Nodes]:
        FUNCTIONS[name] = Function(run, fewest, fewest if most is None else most)
        return run

    return enter


def argument(run: Run, program: Program) -> Any:
    """The System value of an argument that is one item, asked of the context; None for an empty one."""
    found = program(run, run.this)
    if len(found) > 1:
        raise Failed(f"an argument is one item, there are {len(found)}")
    return plain(found[0]) if found else None


def value(items: Nodes, *types: type) -> Any:
    """The System value of the only input item, None for an empty input. Raises Failed for several or other types."""
    if len(items) > 1:
        raise Failed(f"it takes one item, there are {len(items)}")
    found = plain(items[0]) if items else None
    if found is None or not types or (isinstance(found, types) and (bool in types or not isinstance(found, bool))):
        return found
    raise Failed("its input is of another type")


def condition(items: Nodes) -> bool:
    """Whether what a criterion gave counts as true."""
    if len(items) > 1:
        raise Failed(f"a condition takes one item, there are {len(items)}")
    found = plain(items[0]) if items else False
    return found if isinstance(found, bool) else True
