"""The smallest example that still shows a difference: what can be left out is left out.

Hypothesis' own shrinking tries thousands of variants, at some 50 ms each with a database behind it; leaving out is
what makes an example readable, and takes dozens.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

Item = TypeVar("Item")


def smallest(items: Sequence[Item], differs: Callable[[list[Item]], bool]) -> list[Item]:
    """A part of the items for which it still differs, and none of which can be left out. `differs(items)` holds."""
    kept = list(items)
    for place in reversed(range(len(kept))):
        fewer = kept[:place] + kept[place + 1 :]
        if differs(fewer):
            kept = fewer
    return kept


def smallest_search(search: str, differs: Callable[[str], bool]) -> str:
    """The same for the parts of a query string."""
    path, _, asked = search.partition("?")
    parts = asked.split("&") if asked else []
    kept = smallest(parts, lambda fewer: differs(path + "?" + "&".join(fewer)))
    return path + "?" + "&".join(kept)
