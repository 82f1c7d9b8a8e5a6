"""Tables of HL7 v2 as codes of FHIR, from `tables.toml`, and the sentences of `findings.toml`."""

from __future__ import annotations

import tomllib
from functools import cache
from importlib.resources import files
from typing import Any


@cache
def tables() -> dict[str, dict[str, Any]]:
    return _read("tables.toml")


@cache
def findings() -> dict[str, dict[str, str]]:
    """By rule: severity, code of table 0357, words in Chinese and English, what to do, clause."""
    return _read("findings.toml")


def code(table: str, value: str) -> str | None:
    """The FHIR code for a code of v2, None when the table has none."""
    return tables()[table]["codes"].get(value.upper())


def system(table: str) -> str:
    return tables()[table]["system"]


def _read(name: str) -> dict[str, Any]:
    return tomllib.loads((files("minkang.gateways.hl7v2") / name).read_text(encoding="utf-8"))
