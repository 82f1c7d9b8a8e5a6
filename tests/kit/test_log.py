"""Logs: one JSON object a line, with the request's number, and never what a patient said."""

from __future__ import annotations

import asyncio
import io
import logging
from collections.abc import Iterator

import orjson
import pytest
import structlog

from minkang.fhir.problem import Conflict
from minkang.kit import log


@pytest.fixture
def lines() -> Iterator[io.StringIO]:
    """What is logged during the test; afterwards everything is as it was before."""
    root = logging.getLogger()
    before = root.handlers, root.level, structlog.get_config()
    stream = io.StringIO()
    log.set_up("info", stream=stream)
    yield stream
    root.handlers, root.level = before[0], before[1]
    structlog.configure(**before[2])


def read(lines: io.StringIO) -> list[dict]:
    return [orjson.loads(line) for line in lines.getvalue().splitlines()]


def test_a_line_is_json_with_time_and_level(lines):
    structlog.get_logger("x").info("it happened", count=3)
    (line,) = read(lines)
    assert (line["event"], line["level"], line["count"]) == ("it happened", "info", 3)
    assert line["timestamp"].endswith("Z")


def test_a_line_carries_the_number_of_its_request(lines):
    token = log.request_id.set("abc-1")
    try:
        structlog.get_logger("x").info("inside")
        logging.getLogger("library").warning("inside too")
    finally:
        log.request_id.reset(token)
    structlog.get_logger("x").info("outside")
    assert [line.get("request_id") for line in read(lines)] == ["abc-1", "abc-1", None]


def test_below_the_level_nothing_is_written(lines):
    structlog.get_logger("x").debug("detail")
    logging.getLogger("library").info("library detail")
    assert [line["event"] for line in read(lines)] == ["library detail"]


@pytest.mark.parametrize("logger", [structlog.get_logger("x"), logging.getLogger("library")])
def test_an_exception_tells_where_but_not_what(lines, logger):
    def fail(name: str) -> None:
        raise KeyError(name)

    try:
        try:
            fail("Zhang Xiaoming")
        except KeyError as error:
            raise ValueError("no Zhang Xiaoming here") from error
    except ValueError:
        logger.exception("failed")
    (line,) = read(lines)
    assert [told["type"] for told in line["exception"]] == ["builtins.ValueError", "builtins.KeyError"]
    assert "test_log.py" in line["exception"][1]["frames"][-1]
    assert "Xiaoming" not in lines.getvalue()


def test_our_own_exceptions_and_the_systems_keep_their_message(lines):
    for error in (Conflict("Version 3 is not the current one."), FileNotFoundError(2, "No such file", "/data")):
        structlog.get_logger("x").error("failed", exc_info=error)
    messages = [line["exception"][0]["message"] for line in read(lines)]
    assert messages == ["Version 3 is not the current one.", "[Errno 2] No such file: '/data'"]


def test_a_task_that_died_unheard_does_not_tell_its_exception(lines):
    async def main() -> None:
        async def fail() -> None:
            raise ValueError("Zhang Xiaoming")

        context = {"message": "Task exception was never retrieved", "exception": ValueError("Zhang Xiaoming")}
        task = asyncio.create_task(fail())
        await asyncio.wait([task])
        asyncio.get_running_loop().call_exception_handler(context | {"future": task})
        task.exception()

    asyncio.run(main())
    assert [line["event"] for line in read(lines)] == ["Task exception was never retrieved"]
    assert "Xiaoming" not in lines.getvalue()


def test_a_long_text_is_cut(lines):
    structlog.get_logger("x").info("long", text="a" * 5000)
    assert len(read(lines)[0]["text"]) == 2001


@pytest.mark.parametrize(
    ("offered", "kept"),
    [
        ("abc-1.2_3", True),
        ("", False),
        ("a" * 65, False),
        ("a b", False),
        ("a\r\nSet-Cookie: x", False),
        ("é", False),
        (None, False),
    ],
)
def test_a_request_number_is_taken_over_when_it_is_short_and_plain(offered, kept):
    assert (log.new_request_id(offered) == offered) is kept
