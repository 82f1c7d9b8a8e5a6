"""FHIRPath Patch: what the official cases do not cover."""

import json

import pytest

from minkang.fhir import fhirpath_patch
from minkang.fhir.problem import Incorrect, Unprocessable
from minkang.fhir.resource import parse

PATIENT = {
    "resourceType": "Patient",
    "name": [{"given": ["雷", "b", "c"], "_given": [None, {"id": "g"}, None]}, {"use": "usual"}],
    "deceasedBoolean": False,
    "birthDate": "1990-01-01",
    "contact": [{"gender": "male"}, {"name": {"text": "x"}}],
}


def patch(*operations: dict[str, object]) -> bytes:
    """Operations written short: a key of the operation with its value, or with a whole part."""
    parameters = [{"name": "operation", "part": [part(*item) for item in one.items()]} for one in operations]
    return json.dumps({"resourceType": "Parameters", "parameter": parameters}).encode()


def part(name: str, value: object) -> dict[str, object]:
    if isinstance(value, dict):
        return {"name": name, **value}
    kind = {str: "valueString", int: "valueInteger"}[type(value)]
    return {"name": name, kind: value}


def changed(tree: object, *operations: dict[str, object]) -> dict[str, object]:
    text = json.dumps(tree, ensure_ascii=False, separators=(",", ":")).encode()
    return fhirpath_patch.apply(text, fhirpath_patch.parse(parse(patch(*operations)))).tree


@pytest.mark.parametrize(
    ("operation", "found"),
    [
        ({"type": "delete", "path": "Patient.name[0].given[1]"}, {"name": [{"given": ["雷", "c"]}, {"use": "usual"}]}),
        (
            {"type": "move", "path": "Patient.name[0].given", "source": 1, "destination": 0},
            {"name": [{"given": ["b", "雷", "c"], "_given": [{"id": "g"}, None, None]}, {"use": "usual"}]},
        ),
        (
            {"type": "insert", "path": "Patient.name[0].given", "index": 3, "value": "d"},
            {"name": [{"given": ["雷", "b", "c", "d"], "_given": [None, {"id": "g"}, None, None]}, {"use": "usual"}]},
        ),
        (
            {"type": "add", "path": "Patient.name[1]", "name": "given", "value": "z"},
            {"name": [PATIENT["name"][0], {"use": "usual", "given": ["z"]}]},
        ),
        (
            {"type": "replace", "path": "Patient.deceased", "value": {"valueDateTime": "2024"}},
            {"deceasedBoolean": None, "deceasedDateTime": "2024"},
        ),
        (
            {"type": "replace", "path": "Patient.birthDate", "value": {"valueDateTime": "2024"}},
            {"birthDate": "2024"},
        ),
        (
            {
                "type": "add",
                "path": "Patient.birthDate",
                "name": "extension",
                "value": {"valueExtension": {"url": "u"}},
            },
            {"_birthDate": {"extension": [{"url": "u"}]}},
        ),
        (
            {"type": "add", "path": "Patient", "name": "multipleBirth", "value": {"valueInteger": 2}},
            {"multipleBirthInteger": 2},
        ),
        (
            {"type": "add", "path": "Patient", "name": "contained", "value": {"resource": {"resourceType": "Basic"}}},
            {"contained": [{"resourceType": "Basic"}]},
        ),
        ({"type": "delete", "path": "Patient.contact[1].name.text"}, {"contact": [{"gender": "male"}]}),
        ({"type": "delete", "path": "Patient.photo"}, {}),
        ({"type": "delete", "path": "Patient.contact.where(gender = 'male')"}, {"contact": [{"name": {"text": "x"}}]}),
    ],
)
def test_an_operation_changes_what_it_names(operation, found):
    expected = {key: value for key, value in (PATIENT | found).items() if value is not None}
    assert changed(PATIENT, operation) == expected


@pytest.mark.parametrize(
    ("operation", "kind", "says"),
    [
        ({"type": "add", "path": "Patient.photo", "name": "title", "value": "x"}, Unprocessable, "finds nothing"),
        ({"type": "add", "path": "Patient", "name": "birthDate", "value": "x"}, Unprocessable, "there already"),
        (
            {"type": "add", "path": "Patient", "name": "deceased", "value": {"valueDate": "2"}},
            Unprocessable,
            "of type Date",
        ),
        ({"type": "add", "path": "Patient", "name": "nick", "value": "x"}, Unprocessable, "no element 'nick'"),
        ({"type": "delete", "path": "Patient.name"}, Unprocessable, "finds 2 elements"),
        ({"type": "delete", "path": "Patient"}, Unprocessable, "names the resource"),
        ({"type": "replace", "path": "'x'", "value": "y"}, Unprocessable, "computed value"),
        ({"type": "insert", "path": "Patient.name", "index": 9, "value": "y"}, Unprocessable, "has 2 items"),
        ({"type": "insert", "path": "Patient.photo", "index": 0, "value": "y"}, Unprocessable, "use add"),
        ({"type": "move", "path": "Patient.name.given", "source": 0, "destination": 7}, Unprocessable, "has 3 items"),
        ({"type": "move", "path": "Patient.name[0]", "source": 0, "destination": 0}, Unprocessable, "whole list"),
        ({"type": "add", "path": "Patient.", "name": "x", "value": "y"}, Incorrect, "operation 0 .*character 9"),
        ({"type": "rename", "path": "Patient"}, Incorrect, "one of add, insert"),
        ({"type": "move", "path": "Patient.name"}, Incorrect, "needs source and destination"),
        ({"type": "insert", "path": "Patient.name", "index": -1, "value": "y"}, Incorrect, "integer, counted from 0"),
        ({"type": "replace", "path": "Patient.name", "value": {}}, Incorrect, "'value' has one value"),
    ],
)
def test_what_cannot_be_done_is_refused_with_its_place(operation, kind, says):
    with pytest.raises(kind, match=says):
        changed(PATIENT, operation)


@pytest.mark.parametrize(
    "parameters", [[{"name": "op"}], [{"name": "operation"}], [5], {}, [{"name": "operation", "part": [3]}]]
)
def test_parameters_that_are_no_patch_are_refused(parameters):
    text = json.dumps({"resourceType": "Parameters", "parameter": parameters}).encode()
    with pytest.raises(Incorrect):
        fhirpath_patch.parse(parse(text))


def test_later_operations_see_what_the_earlier_left_and_digits_stay():
    text = b'{"resourceType":"Observation","valueQuantity":{"value":6.10}}'
    operations = (
        b'{"resourceType":"Parameters","parameter":[{"name":"operation","part":[{"name":"type","valueCode":"add"},'
        b'{"name":"path","valueString":"Observation"},{"name":"name","valueString":"component"},'
        b'{"name":"value","part":[{"name":"value","valueQuantity":{"value":1.50}}]}]},'
        b'{"name":"operation","part":[{"name":"type","valueCode":"replace"},'
        b'{"name":"path","valueString":"Observation.component.value.value"},{"name":"value","valueDecimal":2.00}]}]}'
    )
    found = fhirpath_patch.apply(text, fhirpath_patch.parse(parse(operations)))
    assert found.text == (
        b'{"resourceType":"Observation","valueQuantity":{"value":6.10},"component":[{"valueQuantity":{"value":2.00}}]}'
    )
