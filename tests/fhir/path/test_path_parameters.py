"""Expressions asked of a resource, and search parameters found by theirs."""

import pytest

from minkang.fhir.path import evaluate, path_elements
from minkang.fhir.problem import Incorrect
from minkang.fhir.search.parameters import parameter

OBSERVATION = {
    "resourceType": "Observation",
    "id": "o",
    "status": "final",
    "meta": {"lastUpdated": "2024-01-01T00:00:00Z"},
    "subject": {"reference": "Patient/p"},
    "valueQuantity": {"value": 6.0, "unit": "kg"},
    "component": [{"valueQuantity": {"value": 1}}, {"valueString": "x"}],
}


@pytest.mark.parametrize(
    ("expression", "found"),
    [
        ("Observation.status", ["final"]),
        ("Observation.value.unit", ["kg"]),
        ("component.count()", [2]),
        ("Observation.subject.where(reference = 'Patient/p').exists()", [True]),
        ("Observation.issued", []),
    ],
)
def test_an_expression_gives_the_collection_it_describes(expression, found):
    assert evaluate(expression, OBSERVATION) == found


def test_what_is_no_fhirpath_is_refused_with_the_place():
    with pytest.raises(Incorrect, match=r"not FHIRPath at character 13, '.status \('"):
        evaluate("Observation..status (", OBSERVATION)


@pytest.mark.parametrize(
    ("code", "found"),
    [
        ("_id", [("id", "o")]),
        ("_lastUpdated", [("instant", "2024-01-01T00:00:00Z")]),
        ("patient", [("Reference", {"reference": "Patient/p"})]),
        ("combo-value-quantity", [("Quantity", {"value": 6.0, "unit": "kg"}), ("Quantity", {"value": 1})]),
        ("performer", []),
    ],
)
def test_search_elements_by_fhirpath_carry_their_types(code, found):
    assert path_elements(parameter("Observation", code), OBSERVATION) == found


@pytest.mark.parametrize(
    ("subject", "kept"),
    [
        ({"reference": "Patient/p"}, True),
        ({"reference": "http://a.example/fhir/Patient/p/_history/2"}, True),
        ({"reference": "Group/g"}, False),
        ({"reference": "#c"}, True),
        ({"reference": "#d"}, False),
        ({"reference": "urn:uuid:0c3151bd-1cbf-4d64-b04d-cd9187a4c6e0"}, True),
        ({"reference": "urn:uuid:0c3151bd-1cbf-4d64-b04d-cd9187a4c6e0", "type": "Group"}, False),
        ({"identifier": {"value": "1"}}, True),
    ],
)
def test_both_extractors_keep_the_same_references_for_patient(subject, kept):
    contained = [{"resourceType": "Patient", "id": "c"}, {"resourceType": "Group", "id": "d"}]
    tree = {"resourceType": "Observation", "id": "o", "contained": contained, "subject": subject}
    one = parameter("Observation", "patient")
    assert one.elements(tree) == path_elements(one, tree) == ([("Reference", subject)] if kept else [])
