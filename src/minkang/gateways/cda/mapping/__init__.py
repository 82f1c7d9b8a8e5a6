"""What a clinical document is. Pure; the mapping to FHIR resources comes here."""
