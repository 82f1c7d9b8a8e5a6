"""Moments and dates that stand in parameters of the address, such as `_since`."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from minkang.fhir.dates import parse
from minkang.fhir.problem import Incorrect

_SPACE_FOR_PLUS = re.compile(r"(?<=[0-9]) (?=[0-9]{2}:[0-9]{2}$)")


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def moment(name: str, text: str) -> datetime:
    """The first moment of a date, dateTime or instant. A "+08:00" whose plus arrived as a space is understood."""
    try:
        return _EPOCH + timedelta(microseconds=parse(_SPACE_FOR_PLUS.sub("+", text)).low)
    except (ValueError, OverflowError) as error:
        raise Incorrect(f"{name}={text[:64]} is not a date: {error}.") from None


def check_date(name: str, text: str | None) -> str | None:
    """A date as it came, once it is known to be one."""
    if text is not None:
        moment(name, text)
    return text
