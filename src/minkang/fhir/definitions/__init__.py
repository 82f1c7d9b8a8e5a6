"""Facts of FHIR R4 as data files, each with its source, and the small functions that read them."""
