"""What is made of statements and of groups of data elements, a module for each family of resources."""

from minkang.gateways.cda.mapping.targets import (
    allergies,
    clinical,
    medications,
    observations,
    problems,
    procedures,
    requests,
)

__all__ = ["allergies", "clinical", "medications", "observations", "problems", "procedures", "requests"]
