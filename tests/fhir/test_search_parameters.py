"""The table of search parameters and its compiled extractors."""

import pickle

import pytest

from minkang.fhir.search.parameters import extract, parameter, parameters_of, resource_types

TABLE = [
    (("Patient", "birthdate"), {"birthDate": "1990"}, [("date", "1990")]),
    (("Patient", "given"), {"name": [{"given": ["a", None]}, {"text": "b"}]}, [("name", "a")]),
    (("Patient", "phone"), {"telecom": [{"system": "email", "value": "e"}]}, []),
    (("Patient", "deceased"), {}, [("boolean", False)]),
    (("Patient", "deceased"), {"deceasedBoolean": False}, [("boolean", False)]),
    (("Patient", "deceased"), {"deceasedDateTime": "2024"}, [("boolean", True)]),
    (("Patient", "_tag"), {"meta": {"tag": [{"code": "t"}]}}, [("Coding", {"code": "t"})]),
    (("Observation", "date"), {"effectivePeriod": {"start": "2024"}}, [("Period", {"start": "2024"})]),
    (("Observation", "value-string"), {"valueCodeableConcept": {"text": "x"}}, [("string", "x")]),
    (("Condition", "onset-age"), {"onsetAge": {"value": 3}}, [("Age", {"value": 3})]),
    (
        ("Bundle", "composition"),
        {"entry": [{"resource": {"id": "c"}}, {"resource": {"id": "d"}}]},
        [("Resource", {"id": "c"})],
    ),
    (("Library", "depends-on"), {"relatedArtifact": [{"type": "depends-on", "resource": "u"}]}, [("canonical", "u")]),
    (("Library", "depends-on"), {"relatedArtifact": [{"type": "successor", "resource": "u"}]}, []),
    (("InsurancePlan", "name"), {"name": "a", "alias": ["b"]}, [("name", "a"), ("name", "b")]),
]


@pytest.mark.parametrize(("which", "members", "found"), TABLE)
def test_an_extractor_finds_its_elements(which, members, found):
    tree = {"resourceType": which[0], **members}
    assert parameter(*which).elements(tree) == found
    assert [(kind, value) for one, all_ in extract(tree) if one.code == which[1] for kind, value in all_] == found


def test_every_type_has_the_parameters_of_resource_and_all_compile():
    common = set(parameters_of(None))
    assert {"_id", "_lastUpdated", "_tag", "_profile", "_security", "_source", "_text", "_content"} <= common
    for type_ in resource_types():
        known = parameters_of(type_)
        assert common <= set(known)
        for one in known.values():
            assert one.kind in ("special", "text", "position", "listed", "has") or (
                one.expression and (one.components or one.types)
            ), one
    assert len(resource_types()) == 147


def test_only_special_parameters_have_no_path():
    known = [one for type_ in resource_types() for one in parameters_of(type_).values()]
    found = {one.code: one.kind for one in known if one.code in ("_query", "near", "_content", "_text", "_list")}
    assert found == {"_query": "special", "_list": "listed", "near": "position", "_content": "text", "_text": "text"}
    assert {one.code for one in known if one.kind in ("special", "position", "text", "listed")} == set(found)


def test_a_component_of_a_composite_reads_the_shared_element():
    tree = {"resourceType": "Observation", "component": [{"code": {"text": "a"}, "valueQuantity": {"value": 1}}]}
    one = parameter("Observation", "component-code-value-quantity")
    code, value = ("token", [("CodeableConcept", {"text": "a"})]), ("quantity", [("Quantity", {"value": 1})])
    assert one.elements(tree) == [("BackboneElement", [code, value])]


def test_a_component_may_start_at_the_resource():
    tree = {
        "resourceType": "MolecularSequence",
        "referenceSeq": {"chromosome": {"text": "1"}},
        "variant": [{"start": 5}],
    }
    one = parameter("MolecularSequence", "chromosome-variant-coordinate")
    [(_, parts)] = one.elements(tree)
    assert parts == [
        ("token", [("CodeableConcept", {"text": "1"})]),
        ("number", [("integer", 5)]),
        ("number", []),
    ]


def test_parameters_are_shared_hashable_and_survive_pickling():
    one = parameter("Patient", "name")
    assert parameter("Patient", "_id") is parameter("Observation", "_id")
    assert pickle.loads(pickle.dumps(one)) is one  # noqa: S301
    assert {one: 1}[parameter("Patient", "name")] == 1
    assert parameter("Patient", "no-such") is None
