"""The clock: one place that knows what time it is, so that rules can be given the time as an argument."""

from __future__ import annotations

from datetime import UTC, datetime


def now() -> datetime:
    """The current time, in UTC, with its zone."""
    return datetime.now(UTC)
