"""The five compartments as R4 publishes them."""

from __future__ import annotations

import pytest

from minkang.fhir.compartments import compartments, in_compartment, patient_paths, patient_references
from minkang.fhir.definitions.structures import elements, json_members, resource_types

# Members with parameters, counted in the published CompartmentDefinitions.
SIZES = {"Patient": 66, "Encounter": 25, "Practitioner": 59, "RelatedPerson": 32, "Device": 32}


def test_five_types_have_compartments() -> None:
    assert set(compartments()) == {"Patient", "Encounter", "Practitioner", "RelatedPerson", "Device"}


@pytest.mark.parametrize("name", SIZES)
def test_members_of_a_compartment_are_resource_types(name: str) -> None:
    members = in_compartment(name)
    assert members.keys() <= resource_types()
    assert all(members.values())
    assert len(members) == SIZES[name]


def test_search_codes_of_the_patient_compartment() -> None:
    assert patient_references("Observation") == ("subject", "performer")
    assert patient_references("Appointment") == ("actor",)
    assert patient_references("Organization") == ()
    assert in_compartment("Encounter")["Encounter"] == ("{def}",)


def test_every_member_of_the_patient_compartment_has_paths_that_lead_to_references() -> None:
    for name in in_compartment("Patient"):
        paths = patient_paths(name)
        assert paths, name
        for path in paths:
            owner = name
            for step in path:
                owner = json_members(owner)[step][1]
            assert owner == "Reference"


def test_no_compartment_but_those_five() -> None:
    with pytest.raises(KeyError):
        in_compartment("Organization")


def test_structures_say_what_the_standard_says() -> None:
    status = elements("Observation")["status"]
    assert (status.min, status.max, status.types) == (1, 1, ("code",))
    assert status.codes is not None
    assert "entered-in-error" in status.codes
    assert elements("Observation")["subject"].targets == {"Patient", "Group", "Device", "Location"}
    assert elements("Observation")["focus"].targets is None
    assert elements("Questionnaire.item")["item"].types == ("Questionnaire.item",)
    assert list(elements("Patient"))[:5] == ["id", "meta", "implicitRules", "language", "text"]
    assert "valueQuantity" in json_members("Observation")
