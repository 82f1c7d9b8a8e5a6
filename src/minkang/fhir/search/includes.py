"""`_include` and `_revinclude` (http://hl7.org/fhir/R4/search.html#revinclude)."""

from __future__ import annotations

from minkang.fhir.problem import Incorrect
from minkang.fhir.search.parameters import parameters_of, resource_types
from minkang.fhir.search.query import Include

ALL = "*"


def parse_include(value: str, *, iterate: bool) -> Include | str:
    """`Source:code[:Target]`, `Source:*` or `*`; a sentence where it names a parameter that does not exist."""
    if value == ALL:
        return Include(ALL, ALL, None, iterate)
    parts = value.split(":")
    if len(parts) not in (2, 3) or not all(parts):
        raise Incorrect(f"An include is Type:parameter or Type:parameter:Target, not {value[:64]!r}.")
    source, code, target = parts[0], parts[1], parts[2] if len(parts) == 3 else None
    for name in filter(None, (source, target)):
        if name not in resource_types():
            raise Incorrect(f"{name[:64]!r} in the include {value[:64]!r} is no resource type.")
    if code == ALL:
        return Include(source, ALL, target, iterate)
    parameter = parameters_of(source).get(code)
    if parameter is None or parameter.kind != "reference":
        known = sorted(name for name, one in parameters_of(source).items() if one.kind == "reference")
        return f"{source} has no reference parameter {code[:64]!r}; known: {', '.join(known)}."
    if target and parameter.targets and target not in parameter.targets:
        raise Incorrect(f"{source}:{code} refers to {', '.join(parameter.targets)}, never to {target}.")
    return Include(source, code, target, iterate)
