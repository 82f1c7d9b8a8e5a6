"""Operations of the FHIR door, one file each: http://hl7.org/fhir/R4/operations.html."""
