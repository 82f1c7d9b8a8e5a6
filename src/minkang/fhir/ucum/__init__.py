"""Units of measure by UCUM (https://ucum.org/ucum): which codes are units, and amounts from one unit to another."""

from minkang.fhir.ucum.conversion import canonical, comparable, convert, to_canonical
from minkang.fhir.ucum.units import Unit, is_unit, unit

__all__ = ["Unit", "canonical", "comparable", "convert", "is_unit", "to_canonical", "unit"]
