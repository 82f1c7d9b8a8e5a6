"""Batch and transaction: what a Bundle asks for, and how references inside it resolve."""

from __future__ import annotations

import json
from typing import Any

import pytest

from minkang.fhir import bundles
from minkang.fhir.problem import Incorrect
from minkang.fhir.resource import Parsed, parse

A = "urn:uuid:61ebe359-bfdc-4613-8bf2-c5e300945f0a"
B = "urn:uuid:88f151c0-a954-468a-88bd-5ae15c08e059"
TARGETS = {A: "Patient/1", B: "Encounter/2"}


def parsed(tree: Any) -> Parsed:
    return parse(json.dumps(tree, ensure_ascii=False).encode())


def post(resource: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"resource": resource, "request": {"method": "POST", "url": resource["resourceType"]}, **more}


def transaction(*entries: Any, type: str = "transaction") -> Parsed:
    return parsed({"resourceType": "Bundle", "type": type, "entry": list(entries)})


def test_each_resource_keeps_its_own_text() -> None:
    text = b"""{ "resourceType": "Bundle", "type": "batch", "entry": [
      { "fullUrl": "urn:x", "resource": { "resourceType": "Observation", "valueQuantity": { "value": 6.10 } },
        "request": { "method": "PUT", "url": "Observation/1", "ifMatch": "W/\\"3\\"", "ifNoneExist": "a=b" } },
      { "request": { "method": "GET", "url": "Patient?name=a", "ifNoneMatch": "W/\\"1\\"",
                     "ifModifiedSince": "2024-01-01T00:00:00Z" } } ] }"""
    found = bundles.parse_bundle(parse(text))
    assert found.type == "batch"
    first, second = found.entries
    assert first.resource is not None
    assert first.resource.text == b'{"resourceType":"Observation","valueQuantity":{"value":6.10}}'
    assert first.resource.tree["resourceType"] == "Observation"
    assert (first.method, first.url, first.full_url, first.if_match) == ("PUT", "Observation/1", "urn:x", 'W/"3"')
    assert first.if_none_exist == "a=b"
    assert (second.resource, second.if_none_match) == (None, 'W/"1"')
    assert second.if_modified_since == "2024-01-01T00:00:00Z"


def test_a_bundle_without_entries_asks_for_nothing() -> None:
    assert bundles.parse_bundle(parsed({"resourceType": "Bundle", "type": "batch"})).entries == []


PATIENT = {"resourceType": "Patient"}
REFUSED: dict[str, tuple[Any, str]] = {
    "no Bundle": (PATIENT, "Bundle.resourceType"),
    "another type": ({"resourceType": "Bundle", "type": "searchset"}, "Bundle.type"),
    "no type": ({"resourceType": "Bundle"}, "Bundle.type"),
    "entries that are none": ({"resourceType": "Bundle", "type": "batch", "entry": {}}, "Bundle.entry"),
    "an entry that is none": ({"resourceType": "Bundle", "type": "batch", "entry": [1]}, "Bundle.entry"),
}
REFUSED_ENTRIES: dict[str, tuple[list[Any], str]] = {
    "no request": ([{"resource": PATIENT}], "Bundle.entry[0].request"),
    "no method": ([{"request": {"url": "x"}}], "Bundle.entry[0].request.method"),
    "an unknown method": ([{"request": {"method": "MOVE", "url": "x"}}], "Bundle.entry[0].request.method"),
    "a method that is no text": ([{"request": {"method": 1, "url": "x"}}], "Bundle.entry[0].request.method"),
    "no url": ([post(PATIENT), {"request": {"method": "GET"}}], "Bundle.entry[1].request.url"),
    "no resource": ([{"request": {"method": "PUT", "url": "Patient/1"}}], "Bundle.entry[0].resource"),
    "a resource that is none": ([post(PATIENT) | {"resource": "x"}], "Bundle.entry[0].resource"),
    "a fullUrl that is none": ([post(PATIENT, fullUrl=1)], "Bundle.entry[0].fullUrl"),
    "a condition that is no text": (
        [{"request": {"method": "GET", "url": "Patient/1", "ifMatch": 3}}], "Bundle.entry[0].request.ifMatch"),
    "a fullUrl twice": ([post(PATIENT, fullUrl=A), post(PATIENT, fullUrl=A)], "Bundle.entry[1].fullUrl"),
    "a resource written twice": (
        [{"resource": PATIENT, "request": {"method": "PUT", "url": "Patient/1"}},
         {"request": {"method": "DELETE", "url": "/Patient/1"}}], "Bundle.entry[1].request.url"),
}  # fmt: skip


@pytest.mark.parametrize(("tree", "expression"), REFUSED.values(), ids=REFUSED)
def test_what_is_no_batch_or_transaction_is_refused(tree: Any, expression: str) -> None:
    with pytest.raises(Incorrect) as refused:
        bundles.parse_bundle(parsed(tree))
    assert refused.value.issues[0].expression == expression


@pytest.mark.parametrize(("entries", "expression"), REFUSED_ENTRIES.values(), ids=REFUSED_ENTRIES)
def test_a_refusal_names_the_entry(entries: list[Any], expression: str) -> None:
    with pytest.raises(Incorrect) as refused:
        bundles.parse_bundle(transaction(*entries))
    assert refused.value.issues[0].expression == expression


def test_a_batch_may_write_the_same_resource_twice() -> None:
    entry = {"resource": PATIENT, "request": {"method": "PUT", "url": "Patient/1"}}
    assert len(bundles.parse_bundle(transaction(entry, entry, type="batch")).entries) == 2


def test_operations_and_searches_need_no_resource() -> None:
    entries = [
        {"request": {"method": "POST", "url": url}} for url in ("Patient/_search?name=a", "Patient/1/$everything")
    ]
    assert len(bundles.parse_bundle(transaction(*entries)).entries) == 2


# --- references ------------------------------------------------------------------------------------------------------


def rewritten(tree: Any, targets: dict[str, str] = TARGETS, full_url: str | None = None) -> Any:
    given = parsed(tree)
    found = bundles.rewrite_references(given, targets, full_url=full_url)
    assert json.loads(found.text) == found.tree
    assert given.tree == tree, "the given tree must stay as it is"
    return found.tree


def test_references_are_rewritten_and_digits_stay() -> None:
    text = (
        b'{"resourceType":"Observation","subject":{"reference":"' + A.encode() + b'"},"encounter":{"reference":"'
        b'%s"},"valueQuantity":{"value":6.10}}' % B.encode()
    )
    found = bundles.rewrite_references(parse(text), TARGETS)
    assert found.text == text.replace(A.encode(), b"Patient/1").replace(B.encode(), b"Encounter/2")
    assert found.tree["subject"] == {"reference": "Patient/1"}


def test_digits_stay_on_the_slow_way_too() -> None:
    text = b'{"resourceType":"Observation","implicitRules":"%s","valueQuantity":{"value":6.10}}' % A.encode()
    assert bundles.rewrite_references(parse(text), TARGETS).text == text.replace(A.encode(), b"Patient/1")


def test_what_names_no_target_stays_the_same_object() -> None:
    given = parsed({"resourceType": "Observation", "subject": {"reference": "Patient/9"}})
    assert bundles.rewrite_references(given, TARGETS) is given
    assert bundles.rewrite_references(given, {}) is given


def test_uris_are_rewritten_strings_and_canonicals_are_not() -> None:
    tree = {
        "resourceType": "Library",
        "url": A,
        "_url": {"extension": [{"url": "http://x.org", "valueUri": A}]},
        "version": A,
        "subjectReference": {"reference": A, "display": A},
        "useContext": [{"valueReference": {"reference": "#x"}}],
        "relatedArtifact": [{"type": "citation", "url": A, "resource": A, "label": A}],
        "extension": [{"url": "http://x.org", "valueUuid": A}, {"url": "http://x.org", "valueString": A}],
        "contained": [{"resourceType": "Observation", "subject": {"reference": A}, "valueString": A}],
    }
    found = rewritten(tree)
    one = "Patient/1"
    assert found["url"] == found["_url"]["extension"][0]["valueUri"] == one
    assert found["subjectReference"] == {"reference": one, "display": A}
    assert found["relatedArtifact"] == [{"type": "citation", "url": one, "resource": A, "label": A}]
    assert [e.get("valueUuid", e.get("valueString")) for e in found["extension"]] == [one, A]
    assert found["contained"][0] == {"resourceType": "Observation", "subject": {"reference": one}, "valueString": A}
    assert found["version"] == A


def test_links_in_the_narrative_are_rewritten() -> None:
    div = f"""<div><a href="{A}">a</a><img src='{B}'/><a href="#x">{A}</a></div>"""
    found = rewritten({"resourceType": "Patient", "text": {"status": "generated", "div": div}})
    assert (
        found["text"]["div"] == f"""<div><a href="Patient/1">a</a><img src='Encounter/2'/><a href="#x">{A}</a></div>"""
    )


def test_escaped_slashes_do_not_hide_a_reference() -> None:
    text = rb'{"resourceType":"Observation","subject":{"reference":"http:\/\/a.example\/fhir\/Patient\/7"}}'
    found = bundles.rewrite_references(parse(text), {"http://a.example/fhir/Patient/7": "Patient/1"})
    assert found.tree["subject"]["reference"] == "Patient/1"


def test_escaped_letters_do_not_hide_a_reference() -> None:
    text = rb'{"resourceType":"Observation","subject":{"reference":"Patient?name=\u5f20"}}'
    found = bundles.rewrite_references(parse(text), {"Patient?name=张": "Patient/1"})
    assert found.tree["subject"]["reference"] == "Patient/1"


def test_conditional_references_are_rewritten() -> None:
    text = "Patient?identifier=http://a.example|1"
    found = rewritten({"resourceType": "Observation", "subject": {"reference": text}}, {text: "Patient/1"})
    assert found["subject"]["reference"] == "Patient/1"


def test_absolute_references_are_rewritten_where_the_server_is_also_a_system() -> None:
    tree = {
        "resourceType": "Observation",
        "identifier": [{"system": "http://a.example/fhir/sid", "value": "1"}],
        "subject": {"reference": "http://a.example/fhir/Patient/7"},
    }
    found = rewritten(tree, {"http://a.example/fhir/Patient/7": "Patient/1"})
    assert found["subject"]["reference"] == "Patient/1"
    assert found["identifier"] == tree["identifier"]


def test_relative_references_resolve_against_the_entrys_own_server() -> None:
    targets = {"http://a.example/fhir/Patient/7": "Patient/1"}
    tree = {"resourceType": "Observation", "subject": {"reference": "Patient/7"}}
    assert rewritten(tree, targets, "http://a.example/fhir/Observation/3")["subject"]["reference"] == "Patient/1"
    assert rewritten(tree, targets, "http://b.example/fhir/Observation/3")["subject"]["reference"] == "Patient/7"
    assert rewritten(tree, targets, A)["subject"]["reference"] == "Patient/7"
    assert rewritten(tree, targets)["subject"]["reference"] == "Patient/7"


def test_conditional_references_are_found_wherever_they_are() -> None:
    tree = {
        "resourceType": "Observation",
        "subject": {"reference": "Patient?identifier=a|1"},
        "performer": [{"reference": "Practitioner/1"}, {"reference": "Practitioner?name=b&active=true"}],
        "contained": [{"resourceType": "Basic", "subject": {"reference": "Patient?identifier=a|1"}}],
    }
    assert bundles.conditional_references(tree) == {
        "Patient?identifier=a|1": ("Patient", "identifier=a|1"),
        "Practitioner?name=b&active=true": ("Practitioner", "name=b&active=true"),
    }
