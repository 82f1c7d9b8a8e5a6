"""Dates as ranges of microseconds: precision, zones, bad dates."""

from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from minkang.fhir import dates

BEIJING = timezone(timedelta(hours=8))
NIGHT = datetime(2024, 2, 29, 23, 30, tzinfo=BEIJING)


@pytest.mark.parametrize(
    ("text", "low", "high"),
    [
        ("2024", datetime(2024, 1, 1, tzinfo=BEIJING), datetime(2025, 1, 1, tzinfo=BEIJING)),
        ("2024-12", datetime(2024, 12, 1, tzinfo=BEIJING), datetime(2025, 1, 1, tzinfo=BEIJING)),
        ("2024-02", datetime(2024, 2, 1, tzinfo=BEIJING), datetime(2024, 3, 1, tzinfo=BEIJING)),
        ("2024-02-29", datetime(2024, 2, 29, tzinfo=BEIJING), datetime(2024, 3, 1, tzinfo=BEIJING)),
        ("2024-02-29T23:30", NIGHT, NIGHT + timedelta(minutes=1)),
        ("2024-02-29T23:30:00", NIGHT, NIGHT + timedelta(seconds=1)),
        ("2024-02-29T15:30:00Z", NIGHT, NIGHT + timedelta(seconds=1)),
        ("2024-02-29T10:30:00-05:00", NIGHT, NIGHT + timedelta(seconds=1)),
        ("2024-02-29T15:30:00.0Z", NIGHT, NIGHT + timedelta(milliseconds=100)),
        ("2024-02-29T15:30:00.000000000Z", NIGHT, NIGHT + timedelta(microseconds=1)),
    ],
)
def test_a_date_is_the_range_its_precision_says(text, low, high):
    assert dates.parse(text) == (dates.micros(low), dates.micros(high))


def test_a_leap_second_is_the_last_second_of_its_minute():
    assert dates.parse("2016-12-31T23:59:60Z") == dates.parse("2016-12-31T23:59:59Z")


def test_the_last_year_ends_where_the_year_ten_thousand_would_begin():
    low, high = dates.parse("9999")
    assert high - low == 365 * dates.DAY
    assert dates.parse("9999-12").high == dates.parse("9999-12-31").high == high


NO_DATES = [
    *("", "24", "2024-1", "2024-13", "2024-13-01", "2024-02-30", "2023-02-29", "0000", "2024/01/01", "today", " 2024"),
    *(
        "2024-01-01Z",
        "2024-01-01T10",
        "2024-01-01T24:00",
        "2024-01-01T10:60",
        "2024-01-01T10:00:61",
        "2024-01-01 10:00",
    ),
    *("2024-01-01T10:00+15:00", "2024-01-01T10:00:00.", "２０２４"),
]


@pytest.mark.parametrize("text", NO_DATES)
def test_what_is_no_date_is_refused_with_a_reason(text):
    with pytest.raises(ValueError, match=r"\w+"):
        dates.parse(text)


@given(st.dates(), st.integers(0, 86_399))
def test_a_moment_lies_in_its_second_minute_day_month_and_year(day: date, second: int):
    clock = f"{second // 3600:02d}:{second // 60 % 60:02d}"
    inner = dates.parse(f"{day:%Y-%m-%d}".rjust(10, "0") + f"T{clock}:{second % 60:02d}+08:00")
    text = f"{day.year:04d}-{day:%m-%d}"
    for outer in (f"{text}T{clock}+08:00", text, text[:7], text[:4]):
        wider = dates.parse(outer)
        assert wider.low <= inner.low < inner.high <= wider.high
        inner = wider


def test_micros_and_moment_are_each_others_inverse():
    assert dates.moment(dates.micros(NIGHT)) == NIGHT
    assert dates.moment(dates.MAX) == datetime.max.replace(tzinfo=UTC)
