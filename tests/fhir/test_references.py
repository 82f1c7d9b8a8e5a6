"""Reference texts, and which patients a resource is about."""

from __future__ import annotations

from time import perf_counter
from typing import Any

import pytest

from minkang.fhir.compartments import patient_paths
from minkang.fhir.references import Ref, conditional, parse, patient_of

FORMS = {
    "Patient/1": Ref("Patient", "1"),
    "Patient/1/_history/2": Ref("Patient", "1", "2"),
    "https://a.example/fhir/Patient/1": Ref("Patient", "1", None, "https://a.example/fhir"),
    "http://a.example/Patient/1/_history/2": Ref("Patient", "1", "2", "http://a.example"),
    "http://a.example/elsewhere": Ref(None, None),
    "#p1": Ref(None, None, fragment="p1"),
    "urn:uuid:61ebe359-bfdc-4613-8bf2-c5e300945f0a": Ref(None, None),
    "urn:oid:1.2.3": Ref(None, None),
}


@pytest.mark.parametrize("text", FORMS)
def test_a_reference_is_taken_apart(text: str) -> None:
    assert parse(text) == FORMS[text]


@pytest.mark.parametrize(
    "text", ["", "p1", "/Patient/1", "patient/1", "Patient/", "Patient/a_b", "Patient/1 ", "mailto:x"]
)
def test_what_has_no_form_of_a_reference_is_none(text: str) -> None:
    assert parse(text) is None


def test_a_conditional_reference_is_a_type_and_a_query() -> None:
    assert conditional("Patient?identifier=a|1&active=true") == ("Patient", "identifier=a|1&active=true")
    assert conditional("Patient/1") is None


ABOUT: list[tuple[dict[str, Any], list[str]]] = [
    ({"resourceType": "Patient", "id": "a", "link": [{"other": {"reference": "Patient/b"}}]}, ["a"]),
    ({"resourceType": "Patient"}, []),
    ({"resourceType": "Observation", "subject": {"reference": "Patient/a"}}, ["a"]),
    ({"resourceType": "Observation", "subject": {"reference": "Patient/a/_history/3"}}, ["a"]),
    ({"resourceType": "Observation", "subject": {"reference": "Group/a"}}, []),
    ({"resourceType": "Observation", "subject": {"reference": "https://a.example/Patient/a"}}, []),
    ({"resourceType": "Observation", "subject": {"display": "x"}}, []),
    (
        {
            "resourceType": "Observation",
            "performer": [{"reference": "Patient/b"}, {"reference": "Patient/a"}],
            "subject": {"reference": "Patient/a"},
        },
        ["a", "b"],
    ),
    (
        {
            "resourceType": "Appointment",
            "participant": [
                {"actor": {"reference": "Practitioner/d"}},
                {"status": "accepted"},
                {"actor": {"reference": "Patient/a"}},
            ],
        },
        ["a"],
    ),
    (
        {
            "resourceType": "Coverage",
            "policyHolder": {"reference": "Patient/mother"},
            "beneficiary": {"reference": "Patient/child"},
        },
        ["child", "mother"],
    ),
    ({"resourceType": "Group", "member": [{"entity": {"reference": f"Patient/{n}"}} for n in "ab"]}, ["a", "b"]),
    ({"resourceType": "Organization", "name": "x"}, []),
    ({"resourceType": "NoSuchType", "subject": {"reference": "Patient/a"}}, []),
]


@pytest.mark.parametrize(("tree", "patients"), ABOUT)
def test_the_patients_of_a_resource_come_with_whose_record_it_is_first(
    tree: dict[str, Any], patients: list[str]
) -> None:
    assert patient_of(tree) == patients


def test_the_paths_of_a_type_are_json_names() -> None:
    assert patient_paths("Observation") == (("subject",), ("performer",))
    assert patient_paths("SupplyRequest") == (("deliverTo",),)
    assert patient_paths("Organization") == ()


def test_a_long_text_is_read_in_linear_time() -> None:
    """Each "#" was once tried as the beginning of a fragment, each time to the end: minutes for a megabyte."""
    began = perf_counter()
    assert parse("http://x" + "/Aa/b#" * 50_000 + " ") is None
    assert perf_counter() - began < 1
