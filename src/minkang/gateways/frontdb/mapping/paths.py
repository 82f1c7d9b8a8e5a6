"""Putting a value into a tree by the names of elements and the places in lists."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any


def put(tree: Any, path: Sequence[str | int], value: Any) -> None:
    """Makes what is missing on the way. A list that is not long enough gets one more member, at its end. Where an
    object stands already, the members of an object join it, to a list those of a list."""
    here, steps = tree, list(path)
    while len(steps) > 1:
        step, after = steps.pop(0), steps[0]
        here = _there(here, step, [] if isinstance(after, int) else {})
    last = steps[0]
    former = _there(here, last, None)
    if isinstance(former, dict) and isinstance(value, dict):
        former.update(value)
    elif isinstance(former, list) and isinstance(value, list):
        former.extend(value)
    elif isinstance(last, int):
        here[min(last, len(here) - 1)] = value
    else:
        here[last] = value


def _there(here: Any, step: str | int, empty: Any) -> Any:
    if isinstance(step, int):
        if step >= len(here):
            here.append(empty)
            return here[-1]
        return here[step]
    return here.setdefault(step, empty)
