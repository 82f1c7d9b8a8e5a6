"""Ages and numbers as people write them, names as a list shows them."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from minkang.web.figures import age, age_text, number_text
from minkang.web.languages import texts
from minkang.web.people import person

TODAY = date(2026, 11, 22)


@pytest.mark.parametrize(
    ("born", "chinese", "english"),
    [
        ("2026-11-22", "0天", "0 d"),
        ("2026-11-10", "12天", "12 d"),
        ("2026-10-23", "30天", "30 d"),
        ("2026-10-22", "1月龄", "1 mo"),
        ("2026-03-15", "8月龄", "8 mo"),
        ("2023-11-23", "35月龄", "35 mo"),
        ("2023-11-22", "3岁", "3 y"),
        ("1981-11-23", "44岁", "44 y"),
        ("1981-11-22", "45岁", "45 y"),
        ("2004-02-29", "22岁", "22 y"),
        ("1981", "约45岁", "about 45 y"),
        ("1981-05", "约45岁", "about 45 y"),
        ("2026-11-23", "—", "—"),
        ("2031", "—", "—"),
        (None, "—", "—"),
    ],
)
def test_an_age_is_told_in_days_then_months_then_years(born: str | None, chinese: str, english: str) -> None:
    assert age_text(texts("zh"), age(born, TODAY)) == chinese
    assert age_text(texts("en"), age(born, TODAY)) == english


@pytest.mark.parametrize(
    ("number", "chinese", "english"),
    [
        (0, "0", "0"),
        (99_999, "99,999", "99,999"),
        (128_000, "12.8万", "128,000"),
        (250_000_000, "2.50亿", "250,000,000"),
    ],
)
def test_a_large_number_is_told_as_each_language_counts(number: int, chinese: str, english: str) -> None:
    assert number_text(texts("zh"), number) == chinese
    assert number_text(texts("en"), number) == english


@pytest.mark.parametrize(
    ("names", "shown"),
    [
        ([{"text": "张丽", "family": "张", "given": ["丽"]}], "张丽"),
        ([{"family": "欧阳", "given": ["𬍛"]}], "欧阳𬍛"),
        ([{"family": "Smith", "given": ["Anna", "Maria"]}], "Anna Maria Smith"),
        ([{"use": "nickname", "text": "小丽"}, {"use": "official", "text": "张丽"}], "张丽"),
        ([{"given": [None, "丽"]}], "丽"),
        ([{"family": "张"}], "张"),
        ([{"_family": {"extension": []}}], ""),
        ([], ""),
    ],
)
def test_a_name_is_shown_as_its_language_writes_it(names: list[dict[str, Any]], shown: str) -> None:
    assert person({"id": "1", "name": names}, TODAY).name == shown


def test_the_dead_keep_the_age_they_reached() -> None:
    seen = person({"id": "1", "birthDate": "1950-01-01", "deceasedDateTime": "2010-06-01T08:00:00+08:00"}, TODAY)
    assert (seen.died, seen.age) == (True, (60, "years"))


@pytest.mark.parametrize("death", [{"deceasedBoolean": True}, {"deceasedDateTime": "2010"}])
def test_the_dead_of_whom_the_day_is_not_known_grow_no_older(death: dict[str, Any]) -> None:
    seen = person({"id": "1", "birthDate": "1950-01-01", **death}, TODAY)
    assert (seen.died, seen.age.unit) == (True, "unknown")


def test_who_is_said_to_be_alive_has_an_age() -> None:
    seen = person({"id": "1", "birthDate": "1950-01-01", "deceasedBoolean": False}, TODAY)
    assert (seen.died, seen.age.unit) == (False, "years")
