"""Distances, and that the grid of cells loses no place of a circle."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from minkang.fhir.search.kinds.position import Value, Wanted, distance, matches
from minkang.fhir.search.parameters import parameter
from minkang.store.search.params import position as index

NEAR = parameter("Location", "near")
assert NEAR is not None
values = st.builds(Value, st.floats(-90, 90), st.floats(-180, 180))


@pytest.mark.parametrize(
    ("one", "other", "metres"),
    [
        ((0, 0), (0, 180), 20_015_115),
        ((0, 0), (1, 0), 111_195),
        ((90, 0), (90, 120), 0),
        ((39.9042, 116.4074), (31.2304, 121.4737), 1_067_311),
    ],
)
def test_distances(one: tuple[float, float], other: tuple[float, float], metres: float) -> None:
    assert distance(Value(*one), Value(*other)) == pytest.approx(metres, abs=1)


@given(values, st.floats(-1, 1), st.floats(-1, 1), st.floats(0, 1.1))
@example(Value(0.0, 179.9999999), 0.0, 1.0, 1.0)
@example(Value(-0.0000001, -180.0), 1.0, -1.0, 1.0)
def test_every_place_of_a_circle_lies_in_one_of_its_cells(
    place: Value, north: float, east: float, slack: float
) -> None:
    """A circle around a place up to a degree away, about as large as the distance between them."""
    longitude = (place.longitude + east + 180) % 360 - 180
    middle = Value(max(-90.0, min(90.0, place.latitude + north)), longitude)
    wanted = Wanted(*middle, distance(place, middle) * slack)
    cells = index.wanted_terms(wanted, None, NEAR)
    if cells is not None and matches(place, wanted, None):
        assert set(cells) & set(index.terms(place, NEAR))
        assert len(cells) <= 40
