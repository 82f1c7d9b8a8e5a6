"""Numbers and ages the way people write them: 1,280 and 12.8万; 45岁, 8月龄, 12天."""

from __future__ import annotations

import re
from datetime import date
from typing import NamedTuple

from minkang.web.languages import Texts


class Age(NamedTuple):
    """`unit` is years, months, days, about (only the year of birth is known) or unknown."""

    number: int
    unit: str


UNKNOWN = Age(0, "unknown")
_BIRTH_DATE = re.compile(r"(\d{4})(?:-(\d\d)(?:-(\d\d))?)?")


def age(birth_date: str | None, on: date) -> Age:
    """From a FHIR date, which may stop at the year or the month: days in the first month of life, then months up to
    three years, as child-health records count them, then years."""
    found = _BIRTH_DATE.fullmatch(birth_date or "")
    if found is None or (born_year := int(found[1])) > on.year:
        return UNKNOWN
    if found[3] is None:
        return Age(on.year - born_year, "about")
    born = date(born_year, int(found[2]), int(found[3]))
    if born > on:
        return UNKNOWN
    months = (on.year - born.year) * 12 + on.month - born.month - (on.day < born.day)
    if months < 1:
        return Age((on - born).days, "days")
    return Age(months, "months") if months < 36 else Age(months // 12, "years")


def age_text(texts: Texts, found: Age) -> str:
    return texts(f"age.{found.unit}", count=found.number)


def number_text(texts: Texts, number: int) -> str:
    """1,280; from a hundred thousand on, Chinese counts in 万 and 亿."""
    if texts.language == "zh" and number >= 100_000_000:
        return f"{number / 100_000_000:,.2f}亿"
    if texts.language == "zh" and number >= 100_000:
        return f"{number / 10_000:,.1f}万"
    return f"{number:,}"
