"""Search as the standard has it: parameter definitions, the query grammar, and what a value matches.

http://hl7.org/fhir/R4/search.html. One file per kind of parameter under `kinds/`, all of one shape.
"""
