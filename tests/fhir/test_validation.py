"""What a resource may look like: one row per rule, each with the fault's code and FHIRPath."""

from __future__ import annotations

import json
from typing import Any

import pytest

from minkang.fhir.definitions import structures
from minkang.fhir.problem import Incorrect
from minkang.fhir.validation import check, faults, schema, surely_valid

CODE = {"coding": [{"system": "http://loinc.org", "code": "8867-4"}]}
OBSERVATION = {"resourceType": "Observation", "status": "final", "code": CODE}
PATIENT = {"resourceType": "Patient", "name": [{"family": "单", "given": ["丽"]}]}
UUID = "urn:uuid:61ebe359-bfdc-4613-8bf2-c5e300945f0a"
DIV = '<div xmlns="http://www.w3.org/1999/xhtml">'


def observation(**members: Any) -> dict[str, Any]:
    return OBSERVATION | members


def patient(**members: Any) -> dict[str, Any]:
    return PATIENT | members


def narrative(div: str) -> dict[str, Any]:
    return patient(text={"status": "generated", "div": div})


VALID = {
    "the least observation": OBSERVATION,
    "a decimal without fraction": observation(valueQuantity={"value": 6, "unit": "mmol/L"}),
    "a primitive with an extension beside it": patient(
        birthDate="1990-02-28", _birthDate={"extension": [{"url": "http://x.org/t", "valueDateTime": "1990"}]}
    ),
    "a required primitive replaced by an extension": {
        "resourceType": "Observation",
        "_status": {"extension": [{"url": "http://x.org/why", "valueCode": "masked"}]},
        "code": CODE,
    },
    "a choice that is only an extension": observation(_valueString={"extension": [{"url": "u", "valueCode": "x"}]}),
    "nulls that line up with extensions": patient(
        name=[{"given": ["丽", None], "_given": [None, {"id": "a"}]}],
    ),
    "the 29th of February of a leap year": patient(birthDate="2024-02-29"),
    "a leap second": observation(issued="2016-12-31T23:59:60Z"),
    "a code with a blank inside": observation(valueCodeableConcept={"coding": [{"code": "a b"}]}),
    "base64 in lines": {"resourceType": "Binary", "contentType": "text/plain", "data": "QUJD\nREVG"},
    "a reference to anything": observation(focus=[{"reference": "Claim/1"}]),
    "a versioned reference": observation(subject={"reference": "Patient/1/_history/2"}),
    "an absolute reference of whatever type": observation(subject={"reference": "https://a.example/fhir/Claim/1"}),
    "a urn": observation(subject={"reference": UUID}),
    "an identifier in place of a reference": observation(subject={"identifier": {"value": "1"}}),
    "a reference with its type": observation(subject={"reference": "Patient/1", "type": "Patient"}),
    "a reference into the resource": observation(
        contained=[{"resourceType": "Patient", "id": "p"}], subject={"reference": "#p"}
    ),
    "an extension of a rare type": patient(extension=[{"url": "http://x.org/a", "valueAnnotation": {"text": "t"}}]),
    "an extension of extensions": patient(
        extension=[{"id": "e", "url": "http://x.org/a", "extension": [{"url": "b", "valueBoolean": True}]}]
    ),
    "nested backbone elements of the same kind": {
        "resourceType": "Questionnaire",
        "status": "draft",
        "item": [{"linkId": "1", "type": "group", "item": [{"linkId": "1.1", "type": "string"}]}],
    },
    "a narrative": narrative(f'{DIV}<p style="color: red">单<br/>&amp; <a href="#x">x</a></p></div>'),
    "a bundle of resources": {
        "resourceType": "Bundle",
        "type": "batch-response",
        "entry": [
            {"resource": OBSERVATION},
            {"response": {"status": "400", "outcome": {"resourceType": "OperationOutcome", "issue": [
                {"severity": "error", "code": "invalid"}]}}},
        ],
    },
    "parameters with parts": {
        "resourceType": "Parameters",
        "parameter": [
            {"name": "a", "part": [{"name": "b", "resource": PATIENT}, {"name": "c", "valueCount": {"value": 1}}]}
        ],
    },
    "empty parameters": {"resourceType": "Parameters"},
}  # fmt: skip


@pytest.mark.parametrize("tree", VALID.values(), ids=VALID)
def test_a_valid_resource_has_no_faults(tree: dict[str, Any]) -> None:
    assert faults(tree) == []
    check(tree, tree["resourceType"])


NESTED = {"resourceType": "Patient", "id": "p", "contained": [{"resourceType": "Patient", "id": "q"}]}
INVALID = {
    "an unknown type": ({"resourceType": "Patiant"}, "structure", "Patiant"),
    "an abstract type": ({"resourceType": "DomainResource"}, "structure", "DomainResource"),
    "a type that is no text": ({"resourceType": ["Patient"]}, "structure", "Resource"),
    "no type": ({"id": "a"}, "structure", "Resource"),
    "an unknown element": (patient(unknownElement=1), "structure", "Patient.unknownElement"),
    "an unknown element inside": (patient(name=[{"surname": "x"}]), "structure", "Patient.name[0].surname"),
    "comments": (patient(fhir_comments=["x"]), "structure", "Patient.fhir_comments"),
    "a scalar for an array": (patient(name={"family": "x"}), "structure", "Patient.name"),
    "an array for a scalar": (patient(birthDate=["2000"]), "structure", "Patient.birthDate"),
    "a string for an object": (observation(code="8867-4"), "structure", "Observation.code"),
    "an object for a string": (observation(status={}), "structure", "Observation.status"),
    "a string for a number": (observation(valueQuantity={"value": "6.0"}), "structure", "Observation.value.value"),
    "a boolean for a number": (observation(valueQuantity={"value": True}), "structure", "Observation.value.value"),
    "a string for a boolean": (patient(active="true"), "structure", "Patient.active"),
    "a fraction for an integer": (observation(valueInteger=1.0), "structure", "Observation.value"),
    "an integer beyond 32 bits": (observation(valueInteger=2**31), "value", "Observation.value"),
    "a positive integer of zero": (patient(telecom=[{"rank": 0}]), "value", "Patient.telecom[0].rank"),
    "null": (patient(birthDate=None), "structure", "Patient.birthDate"),
    "an empty string": (patient(name=[{"family": ""}]), "value", "Patient.name[0].family"),
    "an empty array": (patient(name=[]), "structure", "Patient.name"),
    "an empty object": (patient(name=[{}]), "structure", "Patient.name[0]"),
    "a required element left out": ({"resourceType": "Observation", "status": "final"}, "required", "Observation.code"),
    "a required choice left out": (
        {"resourceType": "MedicationRequest", "status": "active", "intent": "order", "subject": {"display": "x"}},
        "required",
        "MedicationRequest.medication",
    ),
    "two of a choice": (observation(valueString="a", valueInteger=1), "structure", "Observation.value"),
    "a choice and the other's extension": (
        observation(valueString="a", _valueInteger={"id": "b"}), "structure", "Observation.value"),
    "a type the choice has not": (observation(valueDecimal=1.5), "structure", "Observation.valueDecimal"),
    "null without an extension": (
        patient(name=[{"given": ["a", None], "_given": [{"id": "x"}]}]), "structure", "Patient.name[0].given[1]"),
    "null in both arrays": (
        patient(name=[{"given": [None], "_given": [None]}]), "structure", "Patient.name[0].given[0]"),
    "a month of 13": (patient(birthDate="2024-13-01"), "value", "Patient.birthDate"),
    "the 30th of February": (patient(birthDate="2024-02-30"), "value", "Patient.birthDate"),
    "the 29th of February of a common year": (patient(birthDate="2023-02-29"), "value", "Patient.birthDate"),
    "the 31st of April": (patient(birthDate="2024-04-31"), "value", "Patient.birthDate"),
    "a date with time": (patient(birthDate="2024-01-01T00:00:00Z"), "value", "Patient.birthDate"),
    "a time without zone": (observation(effectiveDateTime="2024-01-01T00:00:00"), "value", "Observation.effective"),
    "an hour of 24": (observation(effectiveDateTime="2024-01-01T24:00:00Z"), "value", "Observation.effective"),
    "a line feed after a date": (patient(birthDate="2024-01-01\n"), "value", "Patient.birthDate"),
    "an instant without time": (observation(issued="2024-01-01"), "value", "Observation.issued"),
    "an instant without zone": (observation(issued="2024-01-01T00:00:00"), "value", "Observation.issued"),
    "a time with zone": (observation(valueTime="10:00:00Z"), "value", "Observation.value"),
    "a blank in a uri": (patient(implicitRules="http://a b"), "value", "Patient.implicitRules"),
    "a code with a trailing blank": (patient(language="zh "), "value", "Patient.language"),
    "what is not base64": ({"resourceType": "Binary", "contentType": "a/b", "data": "%%%"}, "value", "Binary.data"),
    "base64 cut short": ({"resourceType": "Binary", "contentType": "a/b", "data": "QUJ"}, "value", "Binary.data"),
    "an id with an underscore": (patient(id="bad_id"), "value", "Patient.id"),
    "an id of 65 characters": (patient(id="a" * 65), "value", "Patient.id"),
    "a code outside its binding": (observation(status="done"), "code-invalid", "Observation.status"),
    "a code outside its binding, inside": (
        patient(telecom=[{"system": "wechat"}]), "code-invalid", "Patient.telecom[0].system"),
    "a reference of no form": (observation(subject={"reference": "p1"}), "value", "Observation.subject.reference"),
    "a reference to no R4 type": (
        observation(focus=[{"reference": "Robot/1"}]), "value", "Observation.focus[0].reference"),
    "a record of a medication": (
        observation(subject={"reference": "Medication/1"}), "value", "Observation.subject.reference"),
    "a reference to nothing inside": (
        observation(subject={"reference": "#p"}), "value", "Observation.subject.reference"),
    "a reference with another type": (
        observation(subject={"reference": "Patient/1", "type": "Group"}), "value", "Observation.subject.type"),
    "a conditional reference outside a transaction": (
        observation(subject={"reference": "Patient?identifier=1"}), "value", "Observation.subject.reference"),
    "a reference id of 65 characters": (
        observation(subject={"reference": "Patient/" + "a" * 65}), "value", "Observation.subject.reference"),
    "an extension without url": (patient(extension=[{"valueCode": "x"}]), "required", "Patient.extension[0].url"),
    "an extension with nothing": (patient(extension=[{"url": "http://a"}]), "invariant", "Patient.extension[0]"),
    "an extension with both": (
        patient(extension=[{"url": "http://a", "valueCode": "x", "extension": [{"url": "b", "valueCode": "y"}]}]),
        "invariant", "Patient.extension[0]"),
    "a comparator on a simple quantity": (
        observation(referenceRange=[{"low": {"value": 1, "comparator": "<"}}]),
        "structure", "Observation.referenceRange[0].low.comparator"),
    "a contained resource with a fault": (
        observation(contained=[{"resourceType": "Patient", "gender": "m"}]),
        "code-invalid", "Observation.contained[0].gender"),
    "a contained resource within another": (
        observation(contained=[NESTED]), "structure", "Observation.contained[0].contained"),
    "a fault within a bundle": (
        {"resourceType": "Bundle", "type": "collection", "entry": [{"resource": observation(status="x")}]},
        "code-invalid", "Bundle.entry[0].resource.status"),
    "a fault within parameters": (
        {"resourceType": "Parameters", "parameter": [
            {"name": "a", "part": [{"name": "b", "resource": {"resourceType": "X"}}]}]},
        "structure", "Parameters.parameter[0].part[0].resource"),
    "an entry that is no resource": (
        {"resourceType": "Bundle", "type": "collection", "entry": [{"resource": "x"}]},
        "structure", "Bundle.entry[0].resource"),
    "a script": (narrative(f"{DIV}<script>1</script></div>"), "invalid", "Patient.text.div"),
    "an upper case script": (narrative(f"{DIV}<SCRIPT>1</SCRIPT></div>"), "invalid", "Patient.text.div"),
    "a frame": (narrative(f'{DIV}<iframe src="http://a"/></div>'), "invalid", "Patient.text.div"),
    "a form": (narrative(f'{DIV}<form action="/x"/></div>'), "invalid", "Patient.text.div"),
    "an event handler": (narrative(f'{DIV}<p onclick="x()">a</p></div>'), "invalid", "Patient.text.div"),
    "a link that runs": (narrative(f'{DIV}<a href=" java\nscript:x()">a</a></div>'), "invalid", "Patient.text.div"),
    "a link that runs behind an entity": (
        narrative(f'{DIV}<a href="&#106;avascript:x()">a</a></div>'), "invalid", "Patient.text.div"),
    "an HTML entity": (narrative(f"{DIV}&reg;</div>"), "invalid", "Patient.text.div"),
    "an unclosed element": (narrative(f"{DIV}<br></div>"), "invalid", "Patient.text.div"),
    "two divs": (narrative(f"{DIV}a</div><div>b</div>"), "invalid", "Patient.text.div"),
    "plain text": (narrative("hello"), "invalid", "Patient.text.div"),
    "entities declared": (narrative('<!DOCTYPE div [<!ENTITY a "b">]><div>&a;</div>'), "invalid", "Patient.text.div"),
}  # fmt: skip


@pytest.mark.parametrize(("tree", "code", "expression"), INVALID.values(), ids=INVALID)
def test_a_fault_is_told_with_its_code_and_path(tree: dict[str, Any], code: str, expression: str) -> None:
    found = faults(tree)
    assert [(issue.code, issue.expression) for issue in found] == [(code, expression)]
    assert not surely_valid(tree)
    with pytest.raises(Incorrect) as refused:
        check(tree)
    assert refused.value.status == 400
    assert refused.value.issues == found


def test_all_faults_are_told_at_once() -> None:
    tree = {"resourceType": "Patient", "gender": "m", "birthDate": "x", "foo": 1, "name": [{"given": []}]}
    paths = ["Patient.gender", "Patient.birthDate", "Patient.foo", "Patient.name[0].given"]
    assert [issue.expression for issue in faults(tree)] == paths


def test_no_more_than_a_hundred_faults_are_told() -> None:
    assert len(faults(patient(name=[{}] * 500))) == 100


def test_another_type_than_expected_is_refused() -> None:
    with pytest.raises(Incorrect, match="Expected resourceType 'Observation', got 'Patient'"):
        check(PATIENT, "Observation")


def test_a_conditional_reference_is_in_order_within_a_transaction() -> None:
    check(observation(subject={"reference": "Patient?identifier=a|1"}), conditional_references=True)


def test_an_unexpected_target_elsewhere_is_a_warning_and_no_refusal() -> None:
    tree = observation(performer=[{"reference": "Encounter/1"}])
    assert [issue.severity for issue in faults(tree)] == ["warning"]
    check(tree)


def test_the_offending_value_is_quoted_but_not_at_length() -> None:
    [issue] = faults(observation(status="x" * 500))
    assert "x" * 64 in issue.text
    assert "x" * 65 not in issue.text


@pytest.mark.parametrize(
    "tree",
    [
        patient(birthDate="SECRET"),
        patient(gender="SECRET"),
        patient(name=[{"family": 1, "use": "SECRET"}]),
        patient(identifier=[{"system": "SECRET SECRET", "value": "1"}]),
        patient(link=[{"other": {"reference": "SECRET"}, "type": "SECRET"}]),
        observation(subject={"identifier": {"system": "SECRET SECRET"}}),
        observation(contained=[patient(birthDate="SECRET")]),
        observation(note=[{"text": "a", "time": "SECRET"}]),
        narrative("<div>SECRET"),
        {"resourceType": "RelatedPerson", "patient": {"reference": "SECRET"}},
    ],
    ids=lambda tree: json.dumps(tree, ensure_ascii=False)[:60],
)
def test_nothing_out_of_a_persons_record_is_quoted(tree: dict[str, Any]) -> None:
    found = faults(tree)
    assert found
    assert not any("SECRET" in issue.text or "SECRET" in (issue.expression or "") for issue in found)


def test_every_resource_type_of_r4_has_a_schema_that_compiles() -> None:
    assert len(structures.resource_types()) == 146
    for name in structures.resource_types():
        assert not schema.validator(name).is_valid({"resourceType": name, "noSuchElement": True})
