"""Resource types as small integers: two bytes a row and in every index instead of a word.

The numbers are data (`types.json`, source: http://hl7.org/fhir/R4/resourcelist.html in alphabetical order) and are
written into every row, so they are only ever appended to, never changed.
"""

from __future__ import annotations

import json
from importlib import resources

NUMBERS: dict[str, int] = json.loads(resources.files("minkang.store").joinpath("types.json").read_text())["types"]
NAMES: dict[int, str] = {number: name for name, number in NUMBERS.items()}
