"""Units of measure by UCUM (https://ucum.org/ucum): which codes are units, and amounts from one unit to another."""

from minkang.fhir.ucum.conversion import canonical, comparable, convert, decimal, to_canonical
from minkang.fhir.ucum.units import Unit, display, is_unit, unit

__all__ = ["Unit", "canonical", "comparable", "convert", "decimal", "display", "is_unit", "to_canonical", "unit"]
