"""Floor 1: the language. FHIR R4 as plain dicts and pure functions: no input, no output, no clock."""
