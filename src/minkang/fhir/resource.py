"""A resource is a plain dict; beside it travels the text it came as, because decimals must keep their digits.

JSON numbers such as 6.0 or 1.10 mean something in medicine (precision), and every JSON library for Python turns them
into binary floats. So nothing here writes a tree back to text: the text that came is compacted once and only its `id`
and `meta` are replaced (http://hl7.org/fhir/R4/json.html#primitive, "the precision of the decimal SHALL be preserved").
"""

from __future__ import annotations

import json
import re
from datetime import datetime
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from typing import Any, NamedTuple

import msgspec
import orjson

from minkang.fhir.problem import Incorrect

Resource = dict[str, Any]
"""FHIR JSON as parsed: floats for decimals. For reading and indexing only; never written back."""

MAX_DEPTH = 100
"""Nesting no honest resource reaches (Questionnaire and QuestionnaireResponse go to about 20 levels of items)."""

_TOO_DEEP = f"Nested deeper than {MAX_DEPTH} levels."


class Parsed(NamedTuple):
    """One resource: the tree to look into and the compact UTF-8 text that is its truth."""

    tree: Resource
    text: bytes


class Exact(Decimal):
    """A decimal that is written again as it came: 1e10 is not turned into 1E+10."""

    __slots__ = ("text",)
    text: str

    def __new__(cls, text: str) -> Exact:
        try:
            made = super().__new__(cls, text)
        except InvalidOperation:  # an exponent of twenty digits; as a double it is 0, too (or infinite, and refused)
            made = super().__new__(cls, 0)
        made.text = text
        return made

    def __deepcopy__(self, _memo: Any) -> Exact:
        return self


def _written(value: Any) -> msgspec.Raw:
    if isinstance(value, Exact):
        return msgspec.Raw(value.text.encode())
    raise TypeError(type(value).__name__)


_members = msgspec.json.Decoder(dict[str, msgspec.Raw])
_encoder = msgspec.json.Encoder()
_exact = msgspec.json.Decoder(float_hook=Exact)
_exact_encoder = msgspec.json.Encoder(enc_hook=_written, decimal_format="number")


def parse(body: bytes) -> Parsed:
    """Text to `Parsed`. Raises Incorrect for what is not one JSON object in UTF-8 with unique keys and sane nesting."""
    try:
        tree = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise Incorrect(_explain(body, error)) from None
    if not isinstance(tree, dict):
        raise Incorrect(f"Expected one JSON object, got {_json_kind(tree)}.")
    try:
        text = orjson.dumps(tree)
    except TypeError:  # it reads to 1024 levels and writes to 254
        raise Incorrect(_TOO_DEEP) from None
    if text != body:
        # Written differently than we would (white space, escapes, digits of decimals, duplicate keys):
        # keep the author's tokens, drop the white space, and look for duplicates the slow way.
        _check_depth(body)
        text = msgspec.json.format(body, indent=-1)
        if text != orjson.dumps(tree):
            json.loads(text, object_pairs_hook=_unique, parse_int=_ignore, parse_float=_ignore)
            if b"\\u" in text and b"\\u0000" not in text:
                text = _exact_encoder.encode(_exact.decode(text))  # 张 takes three bytes, \\u5f20 six
    elif text.count(b"{") + text.count(b"[") > MAX_DEPTH:
        _check_depth(text)
    if b"\\u0000" in text and _has_nul(tree):
        raise Incorrect("A string holds the NUL character (U+0000), which FHIR forbids.")
    return Parsed(tree, text)


def members(text: bytes) -> dict[str, Any]:
    """Top-level members of a compact resource text, values left as raw text (for splicing, in their order)."""
    return _members.decode(text)


def join(raw_members: dict[str, Any]) -> bytes:
    """The text of members, raw ones copied as they are."""
    return _encoder.encode(raw_members)


def stamped(
    parsed: Parsed, resource_id: str, version: int, updated: datetime, raw: dict[str, Any] | None = None
) -> bytes:
    """Compact text with the server's `id`, `meta.versionId` and `meta.lastUpdated`; all else as it came. `raw`: its
    `members`, which are used up."""
    return stamped_members(members(parsed.text) if raw is None else raw, resource_id, version, updated)


def stamped_members(raw: dict[str, Any], resource_id: str, version: int, updated: datetime) -> bytes:
    """The same from `members`, which are used up."""
    meta = raw.get("meta")
    stamp = {"versionId": str(version), "lastUpdated": instant(updated)}
    raw_meta = {**_members.decode(meta), **stamp} if meta is not None else stamp
    head = {"resourceType": raw.pop("resourceType"), "id": resource_id, "meta": raw_meta}
    raw.pop("id", None)
    raw.pop("meta", None)
    return join(head | raw)


@lru_cache(maxsize=64)
def instant(moment: datetime) -> str:
    """FHIR instant in UTC with milliseconds; remembered, for the resources of one write share theirs."""
    return moment.isoformat(timespec="milliseconds")[:23] + "Z"


def exact(text: bytes) -> Resource:
    """Tree with Exact for decimals, for code that changes a resource and must write it back."""
    return _exact.decode(text)


def from_exact(tree: Resource) -> Parsed:
    """`Parsed` of a tree made by `exact` and changed since."""
    return parse(_exact_encoder.encode(tree))


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise Incorrect(f"The key {key[:64]!r} appears twice in one object.")
        found[key] = value
    return found


def _ignore(_digits: str) -> None:
    return None


_ESCAPE = re.compile(rb"\\.")
_QUOTED = re.compile(rb'"[^"]*"')
_BRACES = bytes.maketrans(b"[]", b"{}")
_OTHER_BYTES = bytes(byte for byte in range(256) if byte not in b'{}[]"')


def _check_depth(text: bytes) -> None:
    """Of valid JSON. Leaves only the brackets and takes the innermost pairs away, a level a turn: a fifth of the time
    that looking at each byte takes, and every Bundle comes through here."""
    if b"\\" in text:
        text = _ESCAPE.sub(b"", text)
    left = text.translate(_BRACES, _OTHER_BYTES).replace(b'""', b"")
    if b'"' in left:
        left = _QUOTED.sub(b"", left)
    for _ in range(MAX_DEPTH):
        if not left:
            return
        left = left.replace(b"{}", b"")
    if left:
        raise Incorrect(_TOO_DEEP)


def _has_nul(value: Any) -> bool:
    if isinstance(value, str):
        return "\0" in value
    if isinstance(value, dict):
        return any("\0" in key or _has_nul(item) for key, item in value.items())
    return isinstance(value, list) and any(_has_nul(item) for item in value)


def _explain(body: bytes, error: orjson.JSONDecodeError) -> str:
    if not body.strip():
        return "The body is empty; send one JSON object."
    if body.startswith(b"\xef\xbb\xbf"):
        return "The body begins with a byte order mark; send UTF-8 without it."
    try:
        body.decode("utf-8")
    except UnicodeDecodeError as undecodable:
        hint = " (it looks like GBK; convert it to UTF-8)" if _is_gbk(body) else ""
        return f"The body is not valid UTF-8 at byte {undecodable.start}{hint}."
    if body.lstrip().startswith(b"<"):
        return "The body looks like XML; send FHIR JSON."
    return f"The body is not valid JSON: {error.msg} at line {error.lineno} column {error.colno}."


def _is_gbk(body: bytes) -> bool:
    try:
        body.decode("gb18030")
    except UnicodeDecodeError:
        return False
    return True


def _json_kind(value: Any) -> str:
    kinds = {list: "an array", str: "a string", bool: "a boolean", int: "a number", float: "a number"}
    return kinds.get(type(value), "null")
