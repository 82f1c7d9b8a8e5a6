"""The door for HL7 v2 messages (2.3 to 2.6): bytes to message in `wire`, message to FHIR in `mapping`."""
