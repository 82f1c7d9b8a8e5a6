"""Kind `listed`: `_list=[id]`, the resources that a stored List names (http://hl7.org/fhir/R4/search.html#list).

What the list holds is looked up before the search (`search/resolving.py`). The functional lists of the standard
(`$current-problems` ...) are computed by nobody here, and refused.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from minkang.fhir.problem import Fault, Incorrect, Unsupported
from minkang.fhir.search.escapes import unescape
from minkang.fhir.search.extraction import Elements
from minkang.fhir.search.parameters import SearchParameter

MODIFIERS = frozenset[str]()
NOT_YET = frozenset[str]()
_NAME = re.compile(r"(?:List/)?([A-Za-z0-9.\-]{1,64})")


class Value(NamedTuple):
    """The resource itself."""

    type: str | None
    id: str | None


class Wanted(NamedTuple):
    """A List's id; `among`: type and id of what it was found to hold."""

    list: str
    among: frozenset[tuple[str | None, str | None]] | None = None


def parse(text: str, modifier: str | None, parameter: SearchParameter) -> Wanted:
    name = unescape(text).strip()
    if name.startswith("$"):
        raise Unsupported(f"_list: functional lists such as {name[:32]!r} are not supported; name a stored List.")
    found = _NAME.fullmatch(name)
    if found is None:
        raise Incorrect(f"_list takes the id of a List, not {name[:64]!r}.")
    return Wanted(found[1])


def values(elements: Elements) -> list[Value]:
    return [Value(resource.get("resourceType"), resource.get("id")) for _, resource in elements]


def matches(value: Value, wanted: Wanted, modifier: str | None) -> bool:
    if wanted.among is None:
        raise Fault(f"Nobody has looked up what List/{wanted.list} holds.")
    return value in wanted.among


def sort_key(values: list[Value], descending: bool) -> None:
    """The grammar refuses to sort by it."""
    return
