"""Numbers of identity cards: https://openstd.samr.gov.cn GB 11643-1999 and its published example 11010519491231002X."""

from __future__ import annotations

from datetime import date

import pytest

from minkang.fhir.resident_id import check_digit, resident_id


def test_the_published_example() -> None:
    found = resident_id("11010519491231002x")
    assert found is not None
    assert (found.number, found.birth, found.gender) == ("11010519491231002X", date(1949, 12, 31), "female")


def test_fifteen_digits_are_upgraded() -> None:
    found = resident_id("380102800101123")
    assert found is not None
    assert found.number == f"38010219800101123{check_digit('38010219800101123')}"
    assert found.gender == "male"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "110105194912310021",
        "11010519491331002X",
        "1101051949123100X2",
        "010105194912310020",
        "38010280010112",
        "１" * 18,
    ],
)
def test_what_is_none(text: str) -> None:
    assert resident_id(text) is None
