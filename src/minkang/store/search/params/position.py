"""Terms of places: the cell of a grid that a place lies in, for three sizes of cells."""

from __future__ import annotations

import math

from minkang.fhir.search.kinds.position import EARTH, Value, Wanted
from minkang.fhir.search.parameters import SearchParameter

_FINENESS = (100, 10, 1)
"""Cells to a degree: of about 1, 11 and 111 km from south to north."""

_MOST_CELLS = 40
_SLACK = 1e-6
"""Degrees by which a circle is drawn larger, so that rounding loses nothing at its edge."""


def terms(value: Value, parameter: SearchParameter) -> list[str]:
    return [
        f"{fine}|{math.floor(value.latitude * fine)}|{math.floor(value.longitude * fine) % (360 * fine)}"
        for fine in _FINENESS
    ]


def wanted_terms(wanted: Wanted, modifier: str | None, parameter: SearchParameter) -> list[str] | None:
    """Cells that the circle touches, of the finest size of which there are not too many."""
    north = math.degrees(wanted.metres / EARTH) + _SLACK
    if abs(wanted.latitude) + north >= 90:
        return None  # around a pole every longitude is near
    east = math.degrees(math.asin(min(1.0, math.sin(math.radians(north)) / math.cos(math.radians(wanted.latitude)))))
    for fine in _FINENESS:
        rows = _cells(wanted.latitude, north, fine)
        columns = _cells(wanted.longitude, east + _SLACK, fine)
        if len(rows) * len(columns) <= _MOST_CELLS:
            return [f"{fine}|{row}|{column % (360 * fine)}" for row in rows for column in columns]
    return None


def is_exact(wanted: Wanted, modifier: str | None) -> bool:
    return False


def _cells(middle: float, reach: float, fine: int) -> range:
    return range(math.floor((middle - reach) * fine), math.floor((middle + reach) * fine) + 1)
