"""The kinds of search parameter: one module each, all with the functions of `Kind`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from minkang.fhir.search.extraction import Elements
from minkang.fhir.search.kinds import (
    composite,
    date,
    listed,
    number,
    position,
    quantity,
    reference,
    string,
    text,
    token,
    uri,
)
from minkang.fhir.search.parameters import SearchParameter


class Kind(Protocol):
    """What every module here offers, beside its `Value` and its `Wanted` (hashable; both NamedTuples).

    `MODIFIERS` are understood; `NOT_YET` are in the standard and refused as unsupported. `parse` reads one value of an
    OR list, escapes still in it, and raises Incorrect. `values` makes what is compared out of extracted elements: no
    values means that the parameter is missing. `sort_key` is None for no values, else a str, an int or a Decimal.
    """

    @property
    def MODIFIERS(self) -> frozenset[str]: ...

    @property
    def NOT_YET(self) -> frozenset[str]: ...

    def parse(self, text: str, modifier: str | None, parameter: SearchParameter) -> Any: ...

    def values(self, elements: Elements) -> list[Any]: ...

    def matches(self, value: Any, wanted: Any, modifier: str | None) -> bool: ...

    def sort_key(self, values: list[Any], descending: bool) -> Any: ...


KINDS: Mapping[str, Kind] = {
    "token": token,
    "reference": reference,
    "string": string,
    "date": date,
    "uri": uri,
    "number": number,
    "quantity": quantity,
    "text": text,
    "position": position,
    "listed": listed,
    "composite": composite,
}
"""By the `kind` of a SearchParameter; special is not spoken. `has` is no kind: it looks at other resources."""

UNORDERED = frozenset({"text", "position", "listed", "composite"})
"""Kinds that no search is sorted by."""
