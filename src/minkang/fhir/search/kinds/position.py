"""Kind `position`: `near` of a Location (http://hl7.org/fhir/R4/location.html#search, "near").

`latitude|longitude|distance|units`: within that distance along the surface of the earth, taken as a sphere. Without
units kilometres; without a distance ten of them.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from minkang.fhir.problem import Incorrect
from minkang.fhir.search.escapes import split, unescape
from minkang.fhir.search.extraction import Elements
from minkang.fhir.search.parameters import SearchParameter

MODIFIERS = frozenset({"missing"})
NOT_YET = frozenset[str]()
EARTH = 6_371_008.8
"""Mean radius in metres (IUGG)."""

DISTANCE = 10_000.0
"""Metres, where the search names none."""

_METRES: Mapping[str, float] = {"km": 1000, "m": 1, "mi": 1609.344, "[mi_i]": 1609.344}
_NUMBER = re.compile(r"[+-]?\d{1,9}(?:\.\d{1,20})?", re.ASCII)
_FARTHEST = math.pi * EARTH


class Value(NamedTuple):
    """Degrees, WGS84."""

    latitude: float
    longitude: float


class Wanted(NamedTuple):
    """A circle: degrees, and metres."""

    latitude: float
    longitude: float
    metres: float


def parse(text: str, modifier: str | None, parameter: SearchParameter) -> Wanted:
    parts = [unescape(part).strip() for part in split(text, "|")]
    if not 2 <= len(parts) <= 4:
        raise Incorrect(f"{parameter.code!r} takes latitude|longitude|distance|units, such as 30.5|114.3|5|km.")
    latitude, longitude = _degrees(parts[0], 90, parameter), _degrees(parts[1], 180, parameter)
    unit = parts[3] if len(parts) == 4 and parts[3] else "km"
    if unit not in _METRES:
        raise Incorrect(f"{parameter.code!r}: {unit[:16]!r} is no unit of distance known here: km, m, mi, [mi_i].")
    if len(parts) < 3 or not parts[2]:
        return Wanted(latitude, longitude, DISTANCE)
    if not _NUMBER.fullmatch(parts[2]) or parts[2].startswith("-"):
        raise Incorrect(f"{parameter.code!r}: {parts[2][:32]!r} is no distance.")
    return Wanted(latitude, longitude, min(float(parts[2]) * _METRES[unit], _FARTHEST))


def _degrees(text: str, most: int, parameter: SearchParameter) -> float:
    if not _NUMBER.fullmatch(text) or abs(float(text)) > most:
        name = "latitude" if most == 90 else "longitude"
        raise Incorrect(f"{parameter.code!r}: {text[:32]!r} is no {name}: degrees from -{most} to {most}.")
    return float(text)


def values(elements: Elements) -> list[Value]:
    found: list[Value] = []
    for _, position in elements:
        latitude, longitude = position.get("latitude"), position.get("longitude")
        if _is_degrees(latitude, 90) and _is_degrees(longitude, 180):
            found.append(Value(float(latitude), float(longitude)))
    return found


def _is_degrees(value: Any, most: int) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) <= most


def matches(value: Value, wanted: Wanted, modifier: str | None) -> bool:
    return distance(value, Value(wanted.latitude, wanted.longitude)) <= wanted.metres


def distance(one: Value, other: Value) -> float:
    """Metres along the surface (haversine)."""
    north, south = math.radians(one.latitude), math.radians(other.latitude)
    across = math.radians(other.longitude - one.longitude)
    half = math.sin((south - north) / 2) ** 2 + math.cos(north) * math.cos(south) * math.sin(across / 2) ** 2
    return 2 * EARTH * math.asin(min(1.0, math.sqrt(half)))


def sort_key(values: list[Value], descending: bool) -> None:
    """Places have no order; the grammar refuses to sort by them."""
    return
