"""Structured logs: one JSON object a line on standard error, or readable lines on a terminal.

A log carries no personal data: paths of known routes and request ids, never query strings, bodies or values of
variables. Tracebacks are kept, without local values.
"""

from __future__ import annotations

import logging
import re
import secrets
import sys
import traceback
from collections.abc import Iterable, Iterator, Mapping, MutableMapping
from contextvars import ContextVar
from typing import Any, TextIO, cast

import structlog

request_id: ContextVar[str | None] = ContextVar("request_id", default=None)
"""The number of the request being answered; every line logged meanwhile carries it."""

_ACCEPTABLE = re.compile(r"[A-Za-z0-9._-]{1,64}")


def set_up(level: str = "info", *, stream: TextIO | None = None) -> None:
    """Makes structlog and the standard library's logging write the same lines to the same place (standard error)."""
    output: TextIO = stream or sys.stderr
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        _with_request_id,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level.upper()]),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(output)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*shared, _first_line],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *_rendering(output)],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level.upper())
    # Uvicorn's own lines about starting and connections are noise beside ours; its errors are wanted.
    for name in ("uvicorn", "uvicorn.error", "asyncio"):
        logging.getLogger(name).handlers = []
        logging.getLogger(name).setLevel(logging.WARNING)
    logging.getLogger("uvicorn.access").disabled = True


def new_request_id(offered: str | None) -> str:
    """The caller's X-Request-Id when it is short and plain, else a new one: it goes into logs and headers."""
    if offered is not None and _ACCEPTABLE.fullmatch(offered):
        return offered
    return secrets.token_hex(8)


def request_id_of(headers: Iterable[tuple[bytes, bytes]]) -> str:
    """The number a request goes by: its X-Request-Id, the one of the request it is part of, or a new one."""
    for name, value in headers:
        if name == b"x-request-id":
            return new_request_id(value.decode("latin-1"))
    return request_id.get() or new_request_id(None)


def _rendering(stream: TextIO) -> list[Any]:
    if stream.isatty():
        return [_told_exception, structlog.dev.ConsoleRenderer(colors=True)]
    return [_told_exception, _bounded, structlog.processors.JSONRenderer(ensure_ascii=False)]


def _told_exception(_: Any, __: str, event: MutableMapping[str, Any]) -> Mapping[str, Any]:
    """Replaces exc_info by where it happened: type and lines of the whole chain, with messages that are harmless."""
    given: Any = event.pop("exc_info", None)
    if given is True:
        given = sys.exc_info()
    for error in cast("tuple[Any, ...]", given if isinstance(given, tuple) else (given,)):
        if isinstance(error, BaseException):
            event["exception"] = list(_chain(error))
    return event


def _chain(error: BaseException | None) -> Iterator[dict[str, Any]]:
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        frames = [
            f"{frame.filename}:{frame.lineno} {frame.name}" for frame in traceback.extract_tb(error.__traceback__)
        ]
        told: dict[str, Any] = {"type": f"{type(error).__module__}.{type(error).__qualname__}", "frames": frames[-20:]}
        if _says_no_secrets(error):
            told["message"] = str(error)
        yield told
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)


def _says_no_secrets(error: BaseException) -> bool:
    """Our own messages never quote a patient's data; those of others do (a KeyError its key, PostgreSQL the row)."""
    return type(error).__module__.startswith("minkang.") or isinstance(error, OSError)


def _with_request_id(_: Any, __: str, event: MutableMapping[str, Any]) -> Mapping[str, Any]:
    number = request_id.get()
    if number is not None:
        event.setdefault("request_id", number)
    return event


def _first_line(_: Any, __: str, event: MutableMapping[str, Any]) -> Mapping[str, Any]:
    """Of other libraries' messages the first line: asyncio, for one, appends the text of exceptions to it."""
    event["event"] = str(event["event"]).partition("\n")[0]
    return event


def _bounded(_: Any, __: str, event: MutableMapping[str, Any]) -> Mapping[str, Any]:
    """No line grows without limit: a long text is cut, for a log is read by people and shipped by machines."""
    for key, value in event.items():
        if isinstance(value, str) and len(value) > 2000:
            event[key] = value[:2000] + "…"
    return event
