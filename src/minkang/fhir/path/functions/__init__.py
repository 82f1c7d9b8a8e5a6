"""The functions of FHIRPath (http://hl7.org/fhirpath/N1/#functions) and FHIR's own (http://hl7.org/fhir/R4/fhirpath.html)."""

from minkang.fhir.path.functions import collections, conversions, fhir, math, strings, types
from minkang.fhir.path.functions.registry import FUNCTIONS

__all__ = ["FUNCTIONS", "collections", "conversions", "fhir", "math", "strings", "types"]
