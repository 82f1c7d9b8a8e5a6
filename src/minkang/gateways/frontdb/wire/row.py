"""One row as the bytes that are kept: JSON with its table, columns in the order of their names. The same row gives the
same bytes, so a row that is read again is known; one that was changed has another `update_time` and is another."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any, NamedTuple

import orjson

from minkang.fhir.problem import Incorrect

MEDIA_TYPE = "application/json"


class Row(NamedTuple):
    """`values`: column to text; columns that hold nothing are left out."""

    table: str
    values: Mapping[str, str]


def packed(table: str, values: Mapping[str, Any]) -> bytes:
    """`values` as a driver gives them: text, numbers, dates, None."""
    told = {name.lower(): text for name, value in values.items() if (text := _text(value))}
    return orjson.dumps({"table": table, "row": told}, option=orjson.OPT_SORT_KEYS)


def unpacked(content: bytes) -> Row:
    """Raises Incorrect for what is no row."""
    try:
        found = orjson.loads(content)
        table, values = found["table"], found["row"]
    except (orjson.JSONDecodeError, KeyError, TypeError):
        raise Incorrect('A row is written {"table": ..., "row": {column: value}}.') from None
    if not isinstance(table, str) or not isinstance(values, dict):
        raise Incorrect('A row is written {"table": ..., "row": {column: value}}.')
    return Row(table, {str(name): str(value).strip() for name, value in values.items() if value is not None})


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, datetime):
        return value.isoformat(timespec="microseconds" if value.microsecond else "seconds")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, bool):
        return str(int(value))
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace").strip()
    # NUL and the like may stand in a CHAR column and in no string of FHIR
    return "".join(sign for sign in str(value) if sign >= " " or sign in "\t\r\n").strip()
