"""One clause of a search against one resource: take the values out by FHIRPath, compare each with each wanted one.

http://hl7.org/fhir/R4/search.html. Clauses are ANDed, the wanted values of a clause ORed; `:not` and `:missing` speak
of the resource as a whole: `:not=a,b` (and `:not-in`) finds what has neither, also what has no value at all.
"""

from __future__ import annotations

from typing import Any

from minkang.fhir.compartments import in_compartment
from minkang.fhir.path import path_elements
from minkang.fhir.search.kinds import KINDS, reference
from minkang.fhir.search.parameters import SearchParameter, parameters_of
from minkang.fhir.search.query import Clause, Query
from minkang.store.memory.rows import Row


def values_of(row: Row, parameter: SearchParameter) -> list[Any]:
    """The values of one parameter in one resource, in the shape of the parameter's kind."""
    if parameter.stem not in row.values and row.tree is not None:
        # `_text` and `_content` look at the whole resource, by no path.
        by_path = parameter.expression and not parameter.components
        elements = path_elements(parameter, row.tree) if by_path else parameter.elements(row.tree)
        row.values[parameter.stem] = KINDS[parameter.kind].values(elements)
    return row.values[parameter.stem]


def matches(query: Query, row: Row) -> bool:
    """Type, compartment and every clause."""
    return (
        (query.type is None or row.stored.type == query.type)
        and (not query.types or row.stored.type in query.types)
        and (query.compartment is None or in_this_compartment(row, *query.compartment))
        and all(clause_matches(clause, row) for clause in query.clauses)
    )


def clause_matches(clause: Clause, row: Row) -> bool:
    values = values_of(row, clause.parameter)
    if clause.modifier == "missing":
        return (not values) == clause.wanted[0]
    kind = KINDS[clause.parameter.kind]
    if clause.modifier in ("not", "not-in"):
        return not any(kind.matches(value, wanted, None) for value in values for wanted in clause.wanted)
    return any(kind.matches(value, wanted, clause.modifier) for value in values for wanted in clause.wanted)


def in_this_compartment(row: Row, compartment: str, id: str) -> bool:
    """Itself, or what refers to it by a listed parameter (http://hl7.org/fhir/R4/compartmentdefinition.html)."""
    if (row.stored.type, row.stored.id) == (compartment, id):
        return True
    known = parameters_of(row.stored.type)
    return any(
        refers_to(row, known[code], compartment, id)
        for code in in_compartment(compartment).get(row.stored.type, ())
        if code in known
    )


def refers_to(row: Row, parameter: SearchParameter, type: str, id: str) -> bool:
    wanted = reference.parse(f"{type}/{id}", None, parameter)
    return any(reference.matches(value, wanted, None) for value in values_of(row, parameter))
