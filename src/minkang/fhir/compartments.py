"""Compartments: which resources belong to a patient, encounter, practitioner, related person or device.

Read from definitions/compartments.json (made by scripts/definitions.py from the CompartmentDefinitions and search
parameters of hl7.fhir.r4.core 4.0.1, http://hl7.org/fhir/R4/compartmentdefinition.html).
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib import resources
from types import MappingProxyType
from typing import Any

import orjson


@cache
def compartments() -> tuple[str, ...]:
    """Types that have a compartment."""
    return tuple(_table()["parameters"])


@cache
def in_compartment(compartment: str) -> Mapping[str, tuple[str, ...]]:
    """Resource type -> codes of the search parameters that put it into the compartment. KeyError if there is none.

    `{def}` among the codes means the resource that the compartment is of.
    """
    members = _table()["parameters"][compartment]
    return MappingProxyType({name: tuple(codes) for name, codes in members.items()})


def patient_references(resource_type: str) -> tuple[str, ...]:
    """Codes of the search parameters of a type that lead to the patients it belongs to; empty if none do."""
    return in_compartment("Patient").get(resource_type, ())


def patient_paths(resource_type: str) -> tuple[tuple[str, ...], ...]:
    """Those references as paths of JSON names: `(("subject",), ("performer",))`; whose record it is comes first."""
    return _patient_paths().get(resource_type, ())


@cache
def _patient_paths() -> dict[str, tuple[tuple[str, ...], ...]]:
    return {name: tuple(map(tuple, paths)) for name, paths in _table()["patientPaths"].items()}


@cache
def _table() -> dict[str, Any]:
    return orjson.loads(resources.files("minkang.fhir.definitions").joinpath("compartments.json").read_bytes())
