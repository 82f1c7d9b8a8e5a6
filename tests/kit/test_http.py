"""The small pieces of HTTP: bodies within limits, strict decoding, dates."""

from __future__ import annotations

import gzip
from datetime import UTC, datetime
from typing import Any

import pytest

from minkang.kit import http

pytestmark = pytest.mark.anyio


def receiver(*messages: dict[str, Any]) -> http.Receive:
    waiting = list(messages)

    async def receive() -> dict[str, Any]:
        return waiting.pop(0)

    return receive


def piece(body: bytes, more: bool = False) -> dict[str, Any]:
    return {"type": "http.request", "body": body, "more_body": more}


async def test_a_body_is_joined_from_its_pieces() -> None:
    assert await http.read_body(receiver(piece(b"ab", True), piece(b"", True), piece(b"c")), 3) == b"abc"


async def test_a_body_stops_at_the_first_byte_too_many() -> None:
    unread = piece(b"never asked for", True)
    with pytest.raises(http.BodyTooLarge):
        await http.read_body(receiver(piece(b"ab", True), piece(b"cd", True), unread), 3)


async def test_a_body_that_announces_too_much_is_not_read_at_all() -> None:
    with pytest.raises(http.BodyTooLarge):
        await http.read_body(receiver(), 3, b"4")


async def test_a_vanished_client_is_no_body() -> None:
    with pytest.raises(http.Disconnected):
        await http.read_body(receiver(piece(b"a", True), {"type": "http.disconnect"}), 3)


def test_gzip_of_several_members_is_inflated_to_the_limit_and_not_beyond() -> None:
    body = gzip.compress(b"ab") + gzip.compress(b"cd")
    assert http.decoded(body, b"GZIP", 4) == b"abcd"
    with pytest.raises(http.BodyTooLarge):
        http.decoded(body, b"gzip", 3)


def test_an_encoding_nobody_knows_is_said_so() -> None:
    with pytest.raises(http.UnknownEncoding):
        http.decoded(b"", b"br", 1)


@pytest.mark.parametrize(
    ("text", "pairs"),
    [
        (b"", []),
        (b"&&", []),
        (b"a=1&b=2&a=3", [("a", "1"), ("b", "2"), ("a", "3")]),
        (b"a", [("a", "")]),
        (b"a=b=c", [("a", "b=c")]),
        (b"a=x+y%2Bz", [("a", "x y+z")]),
        ("name=张".encode(), [("name", "张")]),
        (b"name=%E5%BC%A0", [("name", "张")]),
        (b"a%3Aexact=1", [("a:exact", "1")]),
    ],
)
def test_query_strings_become_pairs(text: bytes, pairs: list[tuple[str, str]]) -> None:
    assert http.query_pairs(text) == pairs


@pytest.mark.parametrize("text", [b"a=%", b"a=%4", b"a=%zz", b"%=1", b"a=%ff", b"a=\xff", b"a=%00", b"a=%ed%a0%80"])
def test_a_query_that_does_not_decode_is_malformed(text: bytes) -> None:
    with pytest.raises(http.Malformed):
        http.query_pairs(text)


def test_http_dates_go_out_and_come_back() -> None:
    moment = datetime(2026, 3, 1, 4, 5, 6, tzinfo=UTC)
    assert http.http_date(moment) == b"Sun, 01 Mar 2026 04:05:06 GMT"
    assert http.parse_http_date(http.http_date(moment)) == moment


@pytest.mark.parametrize("text", [b"", b"now", b"2026-03-01", b"\xff", b"Sun, 99 Mar 2026 04:05:06 GMT"])
def test_what_is_no_http_date_is_none(text: bytes) -> None:
    assert http.parse_http_date(text) is None


def test_repeated_headers_are_joined() -> None:
    assert http.joined_headers([(b"accept", b"a"), (b"x", b"1"), (b"accept", b"b")]) == {b"accept": b"a, b", b"x": b"1"}


def test_parameters_without_end_are_refused_before_they_are_decoded() -> None:
    with pytest.raises(http.Malformed):
        http.query_pairs(b"code=a&" * 1_000_000)
