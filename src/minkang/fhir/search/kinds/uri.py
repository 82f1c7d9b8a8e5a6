"""Kind `uri`: exact, or by the left part of a url (http://hl7.org/fhir/R4/search.html#uri).

`:below` and `:above` compare whole path segments: http://a.org/fhir is above http://a.org/fhir/x, not http://a.org/fhirs.
"""

from __future__ import annotations

from typing import NamedTuple

from minkang.fhir.problem import Incorrect
from minkang.fhir.search.escapes import unescape
from minkang.fhir.search.extraction import Elements
from minkang.fhir.search.parameters import SearchParameter

MODIFIERS = frozenset({"missing", "below", "above"})
NOT_YET = frozenset[str]()


class Value(NamedTuple):
    """`uri` as written; `unversioned`: a canonical without its |version, else None."""

    uri: str
    unversioned: str | None = None


class Wanted(NamedTuple):
    uri: str


def parse(text: str, modifier: str | None, parameter: SearchParameter) -> Wanted:
    uri = unescape(text)
    if modifier in ("below", "above") and uri.startswith("urn:"):
        raise Incorrect(f"{parameter.code}:{modifier} is for urls; a urn has no parts.")
    return Wanted(uri)


def values(elements: Elements) -> list[Value]:
    found: list[Value] = []
    for kind, element in elements:
        url, bar, _ = element.partition("|")
        found.append(Value(element, url) if bar and kind == "canonical" else Value(element))
    return found


def matches(value: Value, wanted: Wanted, modifier: str | None) -> bool:
    if modifier == "below":
        return _starts(value.uri, wanted.uri)
    if modifier == "above":
        return _starts(wanted.uri, value.unversioned or value.uri)
    return wanted.uri in (value.uri, value.unversioned)


def sort_key(values: list[Value], descending: bool) -> str | None:
    uris = [value.uri for value in values]
    return (max(uris) if descending else min(uris)) if uris else None


def _starts(longer: str, shorter: str) -> bool:
    if not longer.startswith(shorter):
        return False
    return len(longer) == len(shorter) or shorter.endswith(("/", "#")) or longer[len(shorter)] in "/?#|"
