"""Compile ahead of the first caller what is compiled per resource type: its schema, its search parameters, its terms.

In steps, after the worker has begun to answer; other types are compiled when somebody sends one.
"""

from __future__ import annotations

import asyncio

from minkang.fhir.resource import Parsed
from minkang.fhir.search.parameters import parameters_of
from minkang.fhir.validation import surely_valid
from minkang.store.store import Store

COMMON = (
    "Patient",
    "Encounter",
    "Observation",
    "Condition",
    "MedicationRequest",
    "DiagnosticReport",
    "Procedure",
    "Immunization",
    "DocumentReference",
    "Organization",
    "Practitioner",
    "Bundle",
)
"""What a visit is made of."""


async def warm(store: Store) -> None:
    """One type after the other, letting requests in between."""
    for type in COMMON:
        surely_valid({"resourceType": type})
        parameters_of(type)
        store.indexer.index(type, "warm", Parsed({"resourceType": type}, b"{}"))
        await asyncio.sleep(0)
