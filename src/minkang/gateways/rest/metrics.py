"""What the door counts: interactions by kind of type and status, and how long they took.

Labels are bounded by the code: a caller cannot make new series by inventing paths.
"""

from __future__ import annotations

from functools import lru_cache

from prometheus_client import Counter, Histogram

from minkang.fhir.compartments import in_compartment

_requests = Counter("minkang_fhir_requests_total", "FHIR interactions answered.", ("interaction", "kind", "status"))
_seconds = Histogram(
    "minkang_fhir_request_seconds",
    "Time from the request's head to its answer.",
    ("interaction",),
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10),
)


def observe(interaction: str, type_name: str, status: int, seconds: float) -> None:
    """Counts one answered request."""
    counter, histogram = _series(interaction, type_name, status)
    counter.inc()
    histogram.observe(seconds)


@lru_cache(maxsize=4096)
def _series(interaction: str, type_name: str, status: int) -> tuple[Counter, Histogram]:
    # Looking a child up by its labels takes longer than counting.
    counter = _requests.labels(interaction, kind_of(type_name), str(status))
    return counter, _seconds.labels(interaction)


def kind_of(type_name: str) -> str:
    """`patient` for types that belong to a person's record, `other` for the rest, `system` when no type is named."""
    if not type_name:
        return "system"
    return "patient" if type_name == "Patient" or type_name in in_compartment("Patient") else "other"
