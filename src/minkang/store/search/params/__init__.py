"""What each kind of parameter puts into the index, one file per kind, all of one shape.

terms(value) -> texts                 what a row of this value carries
wanted_terms(wanted, modifier, parameter) -> texts | None
                                      one of which every matching row carries; None: the index cannot help
is_exact(wanted, modifier) -> bool    whether a row that carries one of them surely matches
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Protocol

from minkang.fhir.search.parameters import SearchParameter
from minkang.store.search.params import date, position, reference, string, token, unindexed, uri


class Kind(Protocol):
    """The shape of the modules here."""

    def terms(self, value: Any, parameter: SearchParameter) -> Iterable[str]: ...

    def wanted_terms(self, wanted: Any, modifier: str | None, parameter: SearchParameter) -> Iterable[str] | None: ...

    def is_exact(self, wanted: Any, modifier: str | None) -> bool: ...


_KINDS: dict[str, Any] = {
    "token": token,
    "reference": reference,
    "string": string,
    "date": date,
    "uri": uri,
    "position": position,
}


def kind_of(kind: str) -> Kind:
    """The index side of a kind; kinds without terms answer that the index cannot help."""
    return _KINDS.get(kind, unindexed)
