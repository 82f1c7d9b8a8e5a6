"""JSON Merge Patch: the cases of RFC 7396, appendix A, and what is particular to resources."""

from __future__ import annotations

from typing import Any

import pytest

from minkang.fhir.merge_patch import apply, merged
from minkang.fhir.resource import parse


@pytest.mark.parametrize(
    ("target", "patch", "result"),
    [
        ({"a": "b"}, {"a": "c"}, {"a": "c"}),
        ({"a": "b"}, {"b": "c"}, {"a": "b", "b": "c"}),
        ({"a": "b"}, {"a": None}, {}),
        ({"a": "b", "b": "c"}, {"a": None}, {"b": "c"}),
        ({"a": ["b"]}, {"a": "c"}, {"a": "c"}),
        ({"a": "c"}, {"a": ["b"]}, {"a": ["b"]}),
        ({"a": {"b": "c"}}, {"a": {"b": "d", "c": None}}, {"a": {"b": "d"}}),
        ({"a": [{"b": "c"}]}, {"a": [1]}, {"a": [1]}),
        (["a", "b"], ["c", "d"], ["c", "d"]),
        ({"a": "b"}, ["c"], ["c"]),
        ({"a": "foo"}, None, None),
        ({"a": "foo"}, "bar", "bar"),
        ({"e": None}, {"a": 1}, {"e": None, "a": 1}),
        ([1, 2], {"a": "b", "c": None}, {"a": "b"}),
        ({}, {"a": {"bb": {"ccc": None}}}, {"a": {"bb": {}}}),
    ],
)
def test_the_cases_of_the_rfc(target: Any, patch: Any, result: Any) -> None:
    assert merged(target, patch) == result


def test_digits_stay_on_both_sides() -> None:
    text = b'{"resourceType":"Observation","valueQuantity":{"value":6.10},"x":1}'
    patched = apply(text, parse(b'{"referenceRange": [{"low": {"value": 3.00}}], "x": null}'))
    expected = (
        b'{"resourceType":"Observation","valueQuantity":{"value":6.10},"referenceRange":[{"low":{"value":3.00}}]}'
    )
    assert patched.text == expected
