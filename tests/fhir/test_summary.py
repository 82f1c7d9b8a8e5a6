"""What `_summary` and `_elements` leave of a resource, in text, with its digits."""

from __future__ import annotations

import json
from typing import Any

import pytest

from minkang.fhir.definitions.structures import resource_types
from minkang.fhir.summary import elements, summary

TEXT = (
    b'{"resourceType":"Observation","id":"o","meta":{"versionId":"1","tag":[{"code":"mine"}]},'
    b'"text":{"status":"generated","div":"<div/>"},"status":"final","_status":{"id":"s"},"code":{"text":"BP"},'
    b'"modifierExtension":[{"url":"urn:x","valueBoolean":true}],"valueQuantity":{"value":6.10},"note":[{"text":"n"}],'
    b'"component":[{"code":{"text":"c"},"valueQuantity":{"value":1.00},"interpretation":[{"text":"high"}]}]}'
)


def shown(text: bytes) -> dict[str, Any]:
    tree = json.loads(text)
    assert [tag["code"] for tag in tree.pop("meta")["tag"]] == ["mine", "SUBSETTED"]
    return tree


def test_a_summary_goes_down_into_the_parts() -> None:
    left = summary(TEXT, "true")
    tree = shown(left)
    assert set(tree) == set(json.loads(TEXT)) - {"text", "note", "meta"}
    assert set(tree["component"][0]) == {"code", "valueQuantity"}
    assert b"6.10" in left
    assert b"1.00" in left


def test_text_and_data_are_the_two_halves() -> None:
    assert set(shown(summary(TEXT, "text"))) == {
        "resourceType",
        "id",
        "text",
        "status",
        "_status",
        "code",
        "modifierExtension",
    }
    assert set(json.loads(TEXT)) - set(shown(summary(TEXT, "data"))) == {"text", "meta"}


@pytest.mark.parametrize("names", [["value"], ["valueQuantity"], ["Observation.value"], ["value[x]"]])
def test_elements_keep_what_is_named_and_what_must_be_there(names: list[str]) -> None:
    left = elements(TEXT, names)
    assert set(shown(left)) == {"resourceType", "id", "status", "_status", "code", "modifierExtension", "valueQuantity"}
    assert b"6.10" in left


def test_a_cut_resource_is_not_tagged_twice() -> None:
    assert summary(summary(TEXT, "true"), "true") == summary(TEXT, "true")


@pytest.mark.parametrize("kind", ["true", "text", "data"])
def test_every_type_can_be_cut(kind: str) -> None:
    for name in resource_types():
        left = json.loads(summary(f'{{"resourceType":"{name}","id":"x","language":"zh"}}'.encode(), kind))
        assert (left["resourceType"], left["id"]) == (name, "x")
        assert ("language" in left) == (kind == "data"), name
