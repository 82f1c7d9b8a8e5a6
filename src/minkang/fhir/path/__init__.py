"""FHIRPath (http://hl7.org/fhirpath/N1, http://hl7.org/fhir/R4/fhirpath.html), compiled, typed by FHIR's definitions.

`evaluate` gives JSON values, `nodes` what they are and where they stand. No state outside a call, bounded time and
memory, decimals exact when the tree has them exact (`fhir/resource.py`).
"""

from minkang.fhir.path.evaluation import evaluate, nodes
from minkang.fhir.path.parameters import path_elements
from minkang.fhir.path.values import Node

__all__ = ["Node", "evaluate", "nodes", "path_elements"]
