"""Part of a resource: what `_summary` and `_elements` leave of it (http://hl7.org/fhir/R4/search.html#summary).

Works on text, member by member, so that the digits of decimals stay as they are; what is left is tagged SUBSETTED, for
a part must never be mistaken for the whole and written back.
"""

from __future__ import annotations

from collections.abc import Collection
from functools import cache
from importlib.resources import files
from typing import Any

import msgspec
import orjson

from minkang.fhir.resource import join, members

ALWAYS = frozenset({"resourceType", "id", "meta"})
SUBSETTED = {
    "system": "http://terminology.hl7.org/CodeSystem/v3-ObservationValue",
    "code": "SUBSETTED",
    "display": "subsetted",
}
"""http://hl7.org/fhir/R4/resource.html#security (v3-ObservationValue)."""

_raw_items = msgspec.json.Decoder(list[msgspec.Raw])


def summary(text: bytes, kind: str) -> bytes:
    """The text of a resource as `_summary=kind` leaves it: `true`, `text` or `data`; anything else leaves all of it."""
    raw = members(text)
    type_name: str = orjson.loads(bytes(raw["resourceType"]))
    match kind:
        case "true":
            return _subset(_summarized(raw, type_name))
        case "text":
            return _subset(_only(raw, {"text", *_mandatory(type_name)}))
        case "data":
            raw.pop("text", None)
            return _subset(raw)
        case _:
            return text


def elements(text: bytes, names: Collection[str]) -> bytes:
    """The text of a resource with its mandatory elements and those named (`name`, `Patient.name`; `value` = choice)."""
    raw = members(text)
    type_name: str = orjson.loads(bytes(raw["resourceType"]))
    asked = {name.removeprefix(type_name + ".").partition(".")[0] for name in names}
    return _subset(_only(raw, asked | _mandatory(type_name)))


def _only(raw: dict[str, Any], names: set[str]) -> dict[str, Any]:
    wanted = names | ALWAYS
    choices = tuple(f"{name.removesuffix('[x]')}" for name in names)
    return {key: value for key, value in raw.items() if _is_named(key.removeprefix("_"), wanted, choices)}


def _is_named(key: str, wanted: set[str], choices: tuple[str, ...]) -> bool:
    """Whether an element is wanted by its name, or is a choice (`valueQuantity`) wanted by its base name (`value`)."""
    return key in wanted or any(key.startswith(base) and key[len(base) : len(base) + 1].isupper() for base in choices)


def _summarized(raw: dict[str, Any], structure: str) -> dict[str, Any]:
    table = _table(structure)
    if table is None:
        return raw
    kept: dict[str, Any] = {}
    for key, value in raw.items():
        name = key.removeprefix("_")
        if name in table:
            below = table[name]
            kept[key] = value if below is None or key != name else _below(value, below)
        elif key in ALWAYS:
            kept[key] = value
    return kept


def _below(value: Any, structure: str) -> Any:
    text = bytes(value)
    if text.startswith(b"["):
        return [_below(item, structure) for item in _raw_items.decode(text)]
    return _summarized(members(text), structure) if text.startswith(b"{") else value


def _subset(raw: dict[str, Any]) -> bytes:
    meta = members(bytes(raw["meta"])) if "meta" in raw else {}
    tags = [] if "tag" not in meta else orjson.loads(bytes(meta["tag"]))
    if not any(tag.get("code") == "SUBSETTED" for tag in tags):
        tags.append(SUBSETTED)
    return join(raw | {"meta": meta | {"tag": tags}})


@cache
def _lines() -> dict[str, bytes]:
    """Structure name to its line of the table, unread."""
    text = files("minkang.fhir").joinpath("definitions", "summary.ndjson").read_bytes()
    return {line.split(b'"', 4)[3].decode(): line for line in text.splitlines()}


@cache
def _table(structure: str) -> dict[str, str | None] | None:
    line = _lines().get(structure)
    return None if line is None else orjson.loads(line)["summary"]


@cache
def _mandatory(structure: str) -> frozenset[str]:
    line = _lines().get(structure)
    return frozenset() if line is None else frozenset(orjson.loads(line)["mandatory"])
