"""Kind `string`: text, names and addresses (http://hl7.org/fhir/R4/search.html#string).

Case and accents do not count and a value matches from its beginning; names also match by pinyin and initials, and
regardless of spaces, hyphens and dots (`minkang.fhir.names`).
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import Any, NamedTuple

from minkang.fhir.names import fold, forms, squeeze, written
from minkang.fhir.problem import Incorrect
from minkang.fhir.search.escapes import unescape
from minkang.fhir.search.extraction import Elements
from minkang.fhir.search.parameters import SearchParameter

MODIFIERS = frozenset({"missing", "exact", "contains"})
NOT_YET = frozenset[str]()


class Value(NamedTuple):
    """One searchable text: `text` as written (for `:exact`), `forms` what it is found by, the folded text first."""

    text: str
    forms: tuple[str, ...]


class Wanted(NamedTuple):
    """`text` as typed; `folded` as it is compared with forms."""

    text: str
    folded: str


def parse(text: str, modifier: str | None, parameter: SearchParameter) -> Wanted:
    plain = unescape(text)
    folded = squeeze(plain) if parameter.spoken else fold(plain)
    if not folded and modifier != "exact":
        raise Incorrect(f"{parameter.code!r} takes a text, got only white space.")
    return Wanted(plain, folded)


def values(elements: Elements) -> list[Value]:
    found: list[Value] = []
    for kind, element in elements:
        if kind == "HumanName":
            found += map(_name, written(element))
        elif kind == "name":
            found.append(_name(element))
        elif kind == "Address":
            found += [Value(text, (fold(text),)) for text in dict.fromkeys(_address(element))]
        elif isinstance(element, str):
            found.append(Value(element, (fold(element),)))
    return found


def matches(value: Value, wanted: Wanted, modifier: str | None) -> bool:
    if modifier == "exact":
        return value.text == wanted.text
    if modifier == "contains":
        return any(wanted.folded in form for form in value.forms)
    return any(form.startswith(wanted.folded) for form in value.forms)


def sort_key(values: list[Value], descending: bool) -> str | None:
    """Names sort by pinyin (the second form of a Chinese text) and by the whole name, which comes first."""
    if not values:
        return None
    return next(iter(values[0].forms[1:2] or values[0].forms))


@lru_cache(maxsize=16384)
def _name(text: str) -> Value:
    return Value(text, forms(text).all)


def _address(address: dict[str, Any]) -> Iterable[str]:
    """Every part, and all of them in Chinese order (province to street) in case `text` is missing."""
    lines = [line for line in address.get("line") or () if line]
    places = [address.get(part) for part in ("state", "city", "district")]
    whole = "".join(place for place in [*places, *lines] if place)
    parts = [address.get("text"), *lines, *places, address.get("country"), address.get("postalCode"), whole]
    return (part for part in parts if part)
