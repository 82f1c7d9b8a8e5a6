"""Terms of dates: the day, and for births the month and the year; and what a clause says about the `date` column.

Days, months and years are those of `dates.DEFAULT_ZONE`. A value that is not inside one day carries the term `wide`.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from functools import lru_cache

from minkang.fhir import dates
from minkang.fhir.search.kinds.date import Value, Wanted
from minkang.fhir.search.parameters import SearchParameter
from minkang.fhir.search.query import Clause
from minkang.store.index_rules import counts_days

_MOST_DAYS = 62
_YEARS = (1850, 2100)
"""Years of birth with a term of their own; the few others share one."""

_OFFSET = int(dates.DEFAULT_ZONE.utcoffset(None).total_seconds()) * dates.SECOND
_FIRST, _LAST = dates.micros(datetime(2, 1, 1, tzinfo=UTC)), dates.micros(datetime(9998, 1, 1, tzinfo=UTC))

_DAY_0 = date(1970, 1, 1)

STRETCH = 2 * dates.DAY
"""Longer values carry the flag `long`: a search for what still lasted then must not stop at its own beginning."""


def terms(value: Value, parameter: SearchParameter) -> list[str]:
    if not _ordinary(value.low, value.high):
        return ["wide", "y|odd"] if counts_days(parameter) else ["wide"]
    first, last = (value.low + _OFFSET) // dates.DAY, (value.high - 1 + _OFFSET) // dates.DAY
    return _terms_of_days(first, last, counts_days(parameter))


@lru_cache(maxsize=16_384)
def _terms_of_days(first_day: int, last_day: int, birth: bool) -> list[str]:
    """Days since 1970. There are few, so they are remembered; nobody changes the list."""
    first, last = _DAY_0 + timedelta(first_day), _DAY_0 + timedelta(last_day)
    found = [f"d|{first}"] if first == last else ["wide"]
    if birth:
        if (first.year, first.month) == (last.year, last.month):
            found.append(f"m|{first:%Y-%m}")
        known = first.year == last.year and _YEARS[0] <= first.year < _YEARS[1]
        found.append(f"y|{first.year}" if known else "y|odd")
    return found


def wanted_terms(wanted: Wanted, modifier: str | None, parameter: SearchParameter) -> list[str] | None:
    if wanted.prefix == "ne" or not _ordinary(wanted.low, wanted.high):
        return None
    if counts_days(parameter):
        return _birth_terms(wanted)
    days = (wanted.high - 1 + _OFFSET) // dates.DAY - (wanted.low + _OFFSET) // dates.DAY + 1
    if wanted.prefix != "eq" or days > _MOST_DAYS:
        return None
    found = [f"d|{_local(wanted.low + day * dates.DAY).date()}" for day in range(days)]
    return found if days == 1 else [*found, "wide"]


def is_exact(wanted: Wanted, modifier: str | None) -> bool:
    return False


def _birth_terms(wanted: Wanted) -> list[str]:
    """Births are points or at most a year, so the narrowest bucket that holds the range holds all its matches."""
    first, last = _local(wanted.low), _local(wanted.high - 1)
    if wanted.prefix == "eq":
        if first.date() == last.date():
            return [f"d|{first.date()}"]
        if (first.year, first.month) == (last.year, last.month):
            return [f"m|{first:%Y-%m}"]
    start, end = first.year, last.year
    if wanted.prefix in ("gt", "ge", "sa"):
        end = _YEARS[1]
    elif wanted.prefix in ("lt", "le", "eb"):
        start = _YEARS[0]
    years = range(max(start, _YEARS[0]), min(end + 1, _YEARS[1]))
    return [*(f"y|{year}" for year in years), "y|odd"]


def column_bounds(clause: Clause) -> tuple[int | None, int | None, bool]:
    """(low, high, whether rows flagged `long` may begin before low) for a superset of the clause's matches."""
    bounds = [_bounds(wanted) for wanted in clause.wanted]
    lows = [low for low, _, _ in bounds if low is not None]
    highs = [high for _, high, _ in bounds if high is not None]
    low = min(lows) if len(lows) == len(bounds) else None
    high = max(highs) if len(highs) == len(bounds) else None
    return low, high, any(stretches for _, _, stretches in bounds)


def _bounds(wanted: Wanted) -> tuple[int | None, int | None, bool]:
    match wanted.prefix:
        case "eq":
            return wanted.low, wanted.high, False
        case "gt" | "ge":
            return wanted.low - STRETCH, None, True
        case "lt" | "le":
            return None, wanted.high, False
        case "sa":
            return wanted.high, None, False
        case "eb":
            return None, wanted.low, False
        case "ap":
            return wanted.low - STRETCH, wanted.high, True
        case _:
            return None, None, False  # ne: anything


def moment_bounds(clause: Clause) -> tuple[datetime | None, datetime | None]:
    """Bounds on the `updated` column, generous by a second (its moments are finer than those of meta)."""
    low, high, _ = column_bounds(clause)
    since = None if low is None else dates.moment(low - dates.SECOND)
    until = None if high is None else dates.moment(high + dates.SECOND)
    return since, until


def _ordinary(low: int, high: int) -> bool:
    return low > _FIRST and high < _LAST and low < high


def _local(moment: int) -> datetime:
    return dates.moment(moment + _OFFSET)
