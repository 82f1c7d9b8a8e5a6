"""The text of a resource: what is made of it beside its tree."""

from __future__ import annotations

import pytest

from minkang.fhir.problem import Incorrect
from minkang.fhir.resource import MAX_DEPTH, parse


@pytest.mark.parametrize("number", [b"1e10", b"1E+10", b"6.00", b"-0.0", b"1e-400", b"-1e-99999999999999999999"])
def test_numbers_are_kept_as_they_came_when_escapes_are_written_out(number: bytes) -> None:
    text = b'{"resourceType":"Observation","code":{"text":"%b"},"valueQuantity":{"value":%b}}'
    assert parse(text % (b"\\u5f20", number)).text == text % ("张".encode(), number)


@pytest.mark.parametrize("space", [b"", b" "])
@pytest.mark.parametrize(("levels", "taken"), [(MAX_DEPTH, True), (MAX_DEPTH + 1, False), (15, True), (17, True)])
def test_nesting_has_a_limit(space: bytes, levels: int, taken: bool) -> None:
    text = b'{%b"x":%b}' % (space, b"[" * (levels - 1) + b"]" * (levels - 1))
    if taken:
        assert parse(text).text == text.replace(b" ", b"")
    else:
        with pytest.raises(Incorrect):
            parse(text)
