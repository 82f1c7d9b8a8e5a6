"""Kind `reference`: links between resources (http://hl7.org/fhir/R4/search.html#reference).

A reference to a version matches a search for the resource; a relative search never matches another server's resource
of the same type and id, and an absolute one only the same address.
"""

from __future__ import annotations

import re
from typing import Any, NamedTuple

from minkang.fhir.names import fold
from minkang.fhir.problem import Fault, Incorrect
from minkang.fhir.search.escapes import unescape
from minkang.fhir.search.extraction import Elements
from minkang.fhir.search.kinds import token
from minkang.fhir.search.parameters import SearchParameter, resource_types

MODIFIERS = frozenset({"missing", "identifier", "text", "above", "below"})
NOT_YET = frozenset[str]()
HIERARCHIES = frozenset({"Location", "Organization"})
"""Types whose `partOf` makes a hierarchy that `:above` and `:below` follow."""

_ID = r"[A-Za-z0-9.\-]{1,64}"
_LITERAL = re.compile(rf"(?:(?P<base>.*)/)?(?P<type>[A-Z][A-Za-z]+)/(?P<id>{_ID})(?:/_history/(?P<version>{_ID}))?")
_ABSOLUTE = re.compile(r"[A-Za-z][A-Za-z0-9+.\-]*:.|#.")
_BARE_ID = re.compile(_ID)


class Value(NamedTuple):
    """`type` and `id` as far as the literal tells; `url`: the whole of an absolute literal without version, else None
    (so: local means `url` is None). `version`: of a reference to one version, or of a canonical (`url|version`).
    `identifier`: (system, value) of a logical reference. `display`: what `:text` looks at."""

    type: str | None
    id: str | None
    url: str | None = None
    version: str | None = None
    identifier: tuple[str | None, str | None] | None = None
    display: str | None = None


class Wanted(NamedTuple):
    """A local `id` with or without `type`, or an absolute `url`, or an `identifier` (for `:identifier`), or the folded
    beginning of a display (`text`, for `:text`).

    `version` only where the search named one. `among`: local targets by type and id, one of which must be meant: what
    `:above` and `:below` were found to mean (`search/resolving.py`).
    """

    type: str | None
    id: str | None
    url: str | None = None
    version: str | None = None
    identifier: token.Wanted | None = None
    among: frozenset[tuple[str | None, str | None]] | None = None
    text: str | None = None


def parse(text: str, modifier: str | None, parameter: SearchParameter) -> Wanted:
    wanted = _wanted(text, modifier, parameter)
    if modifier in ("above", "below") and (wanted.type not in HIERARCHIES or wanted.url is not None):
        types = " or ".join(f"{type}/[id]" for type in sorted(HIERARCHIES))
        raise Incorrect(f"{parameter.code}:{modifier} takes {types}, whose partOf it follows; not {text[:64]!r}.")
    return wanted


def _wanted(text: str, modifier: str | None, parameter: SearchParameter) -> Wanted:
    if modifier == "identifier":
        return Wanted(None, None, identifier=token.parse(text, None, parameter))
    if modifier == "text":
        return Wanted(None, None, text=token.beginning(text, parameter))
    literal = unescape(text)
    only = modifier if modifier in resource_types() else None
    if only is None and _BARE_ID.fullmatch(literal):
        return Wanted(parameter.targets[0] if len(parameter.targets) == 1 else None, literal)
    if _BARE_ID.fullmatch(literal):
        return Wanted(only, literal)
    value = _literal(literal)
    known = value.type in resource_types() if value.url is None else _ABSOLUTE.match(value.url)
    if not known:
        raise Incorrect(f"{parameter.code!r} takes an id, Type/id or an absolute url, not {literal[:64]!r}.")
    if only is not None and value.type not in (only, None):
        return Wanted(only, "")  # Patient asked for, another type named: nothing can match
    return Wanted(value.type, value.id, value.url, value.version)


def values(elements: Elements) -> list[Value]:
    found: list[Value] = []
    for kind, element in elements:
        if kind == "Reference":
            found.append(_reference(element))
        elif kind == "Resource":
            found.append(Value(element.get("resourceType"), element.get("id")))
        elif kind in ("canonical", "uri", "url"):
            found.append(_canonical(element))
    return found


def matches(value: Value, wanted: Wanted, modifier: str | None) -> bool:
    if wanted.identifier is not None:
        return value.identifier is not None and token.matches(token.Value(*value.identifier), wanted.identifier, None)
    if wanted.text is not None:
        return value.display is not None and fold(value.display).startswith(wanted.text)
    if modifier in ("above", "below") and wanted.among is None:
        raise Fault(f"Nobody has looked up what is {modifier} {wanted.type}/{wanted.id}.")
    if wanted.among is not None:
        return value.url is None and (value.type, value.id) in wanted.among
    if wanted.url is not None:
        return value.url == wanted.url and _same_version(value, wanted)
    if value.url is not None or value.id != wanted.id:
        return False
    return (wanted.type is None or value.type == wanted.type) and _same_version(value, wanted)


def sort_key(values: list[Value], descending: bool) -> str | None:
    literals = [value.url or f"{value.type}/{value.id}" for value in values if value.url or value.id]
    return (max(literals) if descending else min(literals)) if literals else None


def _same_version(value: Value, wanted: Wanted) -> bool:
    return wanted.version is None or value.version == wanted.version


def _reference(reference: dict[str, Any]) -> Value:
    identifier = reference.get("identifier")
    logical = (identifier.get("system"), identifier.get("value")) if identifier else None
    literal, display = reference.get("reference"), reference.get("display")
    if not literal or literal.startswith("#"):
        return Value(reference.get("type"), None, None, None, logical, display)
    # Nearly every literal is Type/id; the pattern is for the rest.
    type_, slash, id_ = literal.partition("/")
    if slash and ":" not in literal and "/" not in id_:
        return Value(type_, id_, None, None, logical, display)
    return _literal(literal, logical, display)


def _literal(literal: str, logical: tuple[str | None, str | None] | None = None, display: str | None = None) -> Value:
    if "|" in literal:
        return _canonical(literal)
    found = _LITERAL.fullmatch(literal)
    if found is None:
        return Value(None, None, literal, None, logical, display)
    url = f"{found['base']}/{found['type']}/{found['id']}" if found["base"] else None
    return Value(found["type"], found["id"], url, found["version"], logical, display)


def _canonical(literal: str) -> Value:
    url, _, version = literal.partition("|")
    found = _LITERAL.fullmatch(url)
    if found is None:
        return Value(None, None, url, version or None)
    return Value(found["type"], found["id"], url if found["base"] else None, version or None)
