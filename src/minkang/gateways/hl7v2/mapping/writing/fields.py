"""Datatypes of FHIR to those of HL7 v2, escaped; the other way stands in `mapping/draft.py`."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import cache
from typing import Any

from minkang.gateways.hl7v2.mapping.tables import code as read_code
from minkang.gateways.hl7v2.mapping.tables import tables
from minkang.gateways.hl7v2.wire.message import Delimiters, escaped

CUT = Delimiters()
Element = Mapping[str, Any]


class Line:
    """A segment being written. `put` escapes, `raw` takes what is a datatype already."""

    def __init__(self, name: str, fields: Mapping[int, str] | None = None, now: datetime | None = None) -> None:
        self.name = name
        self._fields: dict[int, str] = {}
        for field, text in (fields or {}).items():
            self.put(field, text)

    def put(self, field: int, text: str) -> None:
        self._fields[field] = escaped(text, CUT)

    def raw(self, field: int, text: str) -> None:
        self._fields[field] = text

    def __str__(self) -> str:
        last = max((field for field, text in self._fields.items() if text), default=0)
        if self.name == "MSH":
            return "|".join(("MSH", "^~\\&", *(self._fields.get(field, "") for field in range(3, last + 1))))
        return "|".join((self.name, *(self._fields.get(field, "") for field in range(1, last + 1))))


def joined(parts: Sequence[str]) -> str:
    """Components, each escaped."""
    return "^".join(escaped(part, CUT) for part in parts).rstrip("^")


def time(text: str) -> str:
    """`2026-01-05T08:10:00+08:00` to `20260105081000+0800`."""
    found = re.match(r"(\d{4})-?(\d\d)?-?(\d\d)?(?:T(\d\d):(\d\d):(\d\d)(\.\d+)?(Z|[+-]\d\d:\d\d)?)?", text)
    if not found:
        return ""
    *digits, fraction, zone = found.groups()
    zone = "+0000" if zone == "Z" else (zone or "").replace(":", "")
    return "".join(one or "" for one in digits) + (fraction or "")[:5] + zone


@cache
def _backwards(table: str) -> Mapping[str, str]:
    """FHIR code to that of v2: what the table names first counts."""
    found: dict[str, str] = {}
    for ours, theirs in tables()[table]["codes"].items():
        found.setdefault(theirs, ours)
    return found


def back(table: str, code: str | None, other: str = "") -> str:
    return _backwards(table).get(code or "", other)


def _scheme(uri: str) -> str:
    """The name of table 0396, else the URI itself, which `Draft` understands."""
    return back("code-system", uri, uri)


def codings(concept: Element | None) -> list[Element]:
    return [one for one in (concept or {}).get("coding", []) if one.get("code")]


def concept(found: Element | None, start: int = 0) -> str:
    """CWE with up to three codings (the third in the components that v2.7 added), versions and the text."""
    if not found:
        return ""
    parts = [""] * 13
    for one, at, edition in zip(codings(found)[start : start + 3], (0, 3, 9), (6, 7, 12), strict=False):
        parts[at : at + 3] = one["code"], one.get("display", ""), _scheme(one.get("system", ""))
        parts[edition] = one.get("version", "")
    if not start:
        parts[8] = found.get("text", "")
    return joined(parts)


def concepts(found: Element) -> str:
    """Repetitions that hold all codings."""
    return "~".join(concept(found, start) for start in range(0, max(len(codings(found)), 1), 3))


def _authority(system: str, glue: str) -> str:
    """HD: an OID, else a URI."""
    if system.startswith("urn:oid:"):
        return glue.join(("", escaped(system.removeprefix("urn:oid:"), CUT), "ISO"))
    return glue.join(("", escaped(system, CUT), "URI")) if system else ""


def number(found: Element | None) -> str:
    """EI."""
    if not found or not found.get("value"):
        return ""
    return f"{escaped(found['value'], CUT)}^{_authority(found.get('system', ''), '^')}".rstrip("^")


def identifier(found: Element) -> str:
    """CX."""
    kind = next((one["code"] for one in codings(found.get("type"))), "")
    ruled = read_code("identifier-system", kind)
    if ruled and ruled != found.get("system"):
        kind = ""  # the type says which system it is, and this one says otherwise
    return f"{escaped(found['value'], CUT)}^^^{_authority(found.get('system', ''), '&')}^{escaped(kind, CUT)}".rstrip(
        "^"
    )


def person(found: Element) -> str:
    """XCN of a reference: number and words."""
    one = found.get("identifier", {})
    value, words = one.get("value", ""), found.get("display", "")
    where = _authority(one.get("system", ""), "&") if value else ""
    return f"{escaped(value, CUT)}^{escaped(words, CUT)}^^^^^^^{where}".rstrip("^")
