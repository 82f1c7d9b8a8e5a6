"""JSON Patch where resources make it delicate: digits, malformed patches, and what counts as equal."""

from __future__ import annotations

from typing import Any

import pytest

from minkang.fhir import json_patch
from minkang.fhir.problem import Incorrect, Unprocessable

TEXT = b'{"resourceType":"Observation","status":"final","valueQuantity":{"value":6.10},"note":[{"text":"a"}]}'


def test_digits_that_are_not_touched_stay() -> None:
    found = json_patch.apply(TEXT, [{"op": "replace", "path": "/status", "value": "amended"}])
    assert found.text == TEXT.replace(b"final", b"amended")
    assert found.tree["status"] == "amended"


def test_digits_of_the_patch_stay() -> None:
    patch = json_patch.parse(b'[{"op":"replace","path":"/valueQuantity/value","value":7.00}]')
    assert b'"value":7.00' in json_patch.apply(TEXT, patch).text


@pytest.mark.parametrize("value", [b"6.1", b"6.10", b"6.100"])
def test_a_test_compares_numbers_by_value(value: bytes) -> None:
    patch = json_patch.parse(b'[{"op":"test","path":"/valueQuantity/value","value":' + value + b"}]")
    assert json_patch.apply(TEXT, patch).text == TEXT


def test_true_is_not_one() -> None:
    document = {"a": True, "b": [1]}
    with pytest.raises(Unprocessable):
        json_patch.patched(document, [{"op": "test", "path": "/a", "value": 1}])
    with pytest.raises(Unprocessable):
        json_patch.patched(document, [{"op": "test", "path": "/b", "value": [True]}])


MALFORMED: list[Any] = [
    "x",
    {},
    {"op": "frob", "path": "/a"},
    {"op": ["add"], "path": "/a", "value": 1},
    {"op": "add", "path": "/a"},
    {"op": "test", "path": "/a"},
    {"op": "add", "value": 1},
    {"op": "add", "path": "a", "value": 1},
    {"op": "add", "path": "/a~2", "value": 1},
    {"op": "add", "path": None, "value": 1},
    {"op": "move", "path": "/a"},
    {"op": "copy", "path": "/a", "from": "b"},
]


@pytest.mark.parametrize("operation", MALFORMED, ids=str)
def test_a_malformed_patch_is_refused_before_anything_is_done(operation: Any) -> None:
    document = {"a": 1}
    with pytest.raises(Incorrect, match="Patch operation 1"):
        json_patch.patched(document, [{"op": "remove", "path": "/a"}, operation])
    assert document == {"a": 1}


IMPOSSIBLE: list[dict[str, Any]] = [
    {"op": "remove", "path": "/nothing"},
    {"op": "remove", "path": ""},
    {"op": "replace", "path": "/nothing", "value": 1},
    {"op": "add", "path": "/nothing/x", "value": 1},
    {"op": "add", "path": "/status/x", "value": 1},
    {"op": "add", "path": "/note/2", "value": 1},
    {"op": "add", "path": "/note/01", "value": 1},
    {"op": "add", "path": "/note/-1", "value": 1},
    {"op": "replace", "path": "/note/-", "value": 1},
    {"op": "remove", "path": "/note/99999999999999999999"},
    {"op": "test", "path": "/status", "value": "amended"},
    {"op": "move", "from": "/note", "path": "/note/0"},
    {"op": "copy", "from": "/nothing", "path": "/x"},
    {"op": "replace", "path": "", "value": []},
    {"op": "remove", "path": "/resourceType"},
]


@pytest.mark.parametrize("operation", IMPOSSIBLE, ids=str)
def test_a_patch_that_does_not_fit_is_unprocessable(operation: dict[str, Any]) -> None:
    with pytest.raises(Unprocessable) as refused:
        json_patch.apply(TEXT, [operation])
    assert refused.value.status == 422


@pytest.mark.parametrize("text", [b"", b"{", b"\xff", b'{"op":"add"}', b"1"])
def test_what_is_no_array_of_operations_is_refused(text: bytes) -> None:
    with pytest.raises(Incorrect):
        json_patch.parse(text)


def test_values_are_copied_not_shared() -> None:
    shared = {"x": [1]}
    patch = [
        {"op": "add", "path": "/a", "value": shared},
        {"op": "copy", "from": "/a", "path": "/b"},
        {"op": "add", "path": "/a/x/-", "value": 2},
    ]
    assert json_patch.patched({}, patch) == {"a": {"x": [1, 2]}, "b": {"x": [1]}}
    assert shared == {"x": [1]}


def test_names_with_slashes_and_tildes() -> None:
    patch = [{"op": "replace", "path": "/a~1b/m~0n", "value": 2}]
    assert json_patch.patched({"a/b": {"m~n": 1}}, patch) == {"a/b": {"m~n": 2}}


@pytest.mark.parametrize(
    "operations",
    [
        [{"op": "copy", "from": "/name", "path": "/name/-"}] * 60,
        [{"op": "copy", "from": "/name", "path": "/name" + "/0" * depth} for depth in range(1, 40)],
        [{"op": "copy", "from": "", "path": "/a" * depth} for depth in (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024)],
    ],
)
def test_copies_that_double_what_is_there_end_early(operations: list[dict[str, str]]) -> None:
    with pytest.raises((Unprocessable, Incorrect)):
        json_patch.apply(b'{"resourceType":"Patient","name":[{"text":"a"}]}', operations)


@pytest.mark.parametrize("depth", [1_500, 100_000])
def test_a_patch_that_nests_too_deep_is_refused(depth: int) -> None:
    with pytest.raises(Incorrect):
        json_patch.parse(b'[{"op":"add","path":"/x","value":' + b"[" * depth + b"]" * depth + b"}]")


@pytest.mark.parametrize("number", [b"1e10", b"1E+10", b"6.00", b"-0.0", b"1e-400", b"-1e-99999999999999999999"])
def test_numbers_are_written_as_they_came(number: bytes) -> None:
    """Also those whose exponent is beyond Python's decimals."""
    text = b'{"resourceType":"Observation","valueQuantity":{"value":%b}}' % number
    operations = json_patch.parse(
        b'[{"op":"add","path":"/component","value":[{"valueQuantity":{"value":%b}}]}]' % number
    )
    assert json_patch.apply(text, operations).text.count(b'"value":' + number) == 2
