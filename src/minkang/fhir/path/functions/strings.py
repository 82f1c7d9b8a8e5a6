"""Strings. Patterns run in RE2, whose time is linear in the text, so none can be made to run for ever."""

from __future__ import annotations

import base64
import binascii
import html
import json
from functools import lru_cache
from typing import Any
from urllib.parse import quote, unquote

import re2

from minkang.fhir.path.context import Failed, Nodes, Program, Run
from minkang.fhir.path.functions.registry import argument, function, value
from minkang.fhir.path.operators import MAX_TEXT
from minkang.fhir.path.values import plain, system

MAX_PATTERN = 1_000
_OPTIONS = re2.Options()
_OPTIONS.dot_nl = True  # "single line mode", as the specification wants it
_OPTIONS.log_errors = False
_OPTIONS.max_mem = 1 << 22


@function("indexOf", 1)
def index_of(run: Run, items: Nodes, part: Program) -> Nodes:
    text, wanted = value(items, str), _text(run, part)
    return [] if text is None or wanted is None else system(text.find(wanted))


@function("lastIndexOf", 1)
def last_index_of(run: Run, items: Nodes, part: Program) -> Nodes:
    text, wanted = value(items, str), _text(run, part)
    return [] if text is None or wanted is None else system(text.rfind(wanted))


@function("substring", 1, 2)
def substring(run: Run, items: Nodes, start: Program, length: Program | None = None) -> Nodes:
    text, begin = value(items, str), argument(run, start)
    size = argument(run, length) if length is not None else None
    if text is None or begin is None:
        return []
    if not isinstance(begin, int) or not isinstance(size, (int, type(None))):
        raise Failed("it takes integers")
    if not 0 <= begin < len(text):
        return []
    return system(text[begin:] if size is None else text[begin : begin + max(0, size)])


@function("startsWith", 1)
def starts_with(run: Run, items: Nodes, part: Program) -> Nodes:
    text, wanted = value(items, str), _text(run, part)
    return [] if text is None or wanted is None else system(text.startswith(wanted))


@function("endsWith", 1)
def ends_with(run: Run, items: Nodes, part: Program) -> Nodes:
    text, wanted = value(items, str), _text(run, part)
    return [] if text is None or wanted is None else system(text.endswith(wanted))


@function("contains", 1)
def contains(run: Run, items: Nodes, part: Program) -> Nodes:
    text, wanted = value(items, str), _text(run, part)
    return [] if text is None or wanted is None else system(wanted in text)


@function("upper")
def upper(run: Run, items: Nodes) -> Nodes:
    text = value(items, str)
    return [] if text is None else system(text.upper())


@function("lower")
def lower(run: Run, items: Nodes) -> Nodes:
    text = value(items, str)
    return [] if text is None else system(text.lower())


@function("trim")
def trim(run: Run, items: Nodes) -> Nodes:
    text = value(items, str)
    return [] if text is None else system(text.strip())


@function("length")
def length(run: Run, items: Nodes) -> Nodes:
    text = value(items, str)
    return [] if text is None else system(len(text))


@function("toChars")
def to_chars(run: Run, items: Nodes) -> Nodes:
    text = value(items, str) or ""
    run.spend(len(text))
    return [item for char in text for item in system(char)]


@function("split", 1)
def split(run: Run, items: Nodes, separator: Program) -> Nodes:
    text, between = value(items, str), _text(run, separator)
    if text is None or between is None:
        return []
    run.spend(len(text))
    return [item for part in (text.split(between) if between else text) for item in system(part)]


@function("join", 0, 1)
def join(run: Run, items: Nodes, separator: Program | None = None) -> Nodes:
    between = "" if separator is None else _text(run, separator) or ""
    texts = [plain(item) for item in items]
    if not all(isinstance(text, str) for text in texts):
        raise Failed("it joins strings")
    _check_size(sum(map(len, texts)) + len(between) * len(texts))
    return system(between.join(texts))


@function("replace", 2)
def replace(run: Run, items: Nodes, pattern: Program, substitution: Program) -> Nodes:
    text, old, new = value(items, str), _text(run, pattern), _text(run, substitution)
    if text is None or old is None or new is None:
        return []
    _check_size(len(text) + (text.count(old) if old else len(text) + 1) * len(new))
    return system(text.replace(old, new))


@function("matches", 1, 2)
def matches(run: Run, items: Nodes, pattern: Program, flags: Program | None = None) -> Nodes:
    text, wanted = value(items, str), _text(run, pattern)
    return [] if text is None or wanted is None else system(_pattern(wanted).search(text) is not None)


@function("matchesFull", 1, 2)
def matches_full(run: Run, items: Nodes, pattern: Program, flags: Program | None = None) -> Nodes:
    text, wanted = value(items, str), _text(run, pattern)
    return [] if text is None or wanted is None else system(_pattern(wanted).fullmatch(text) is not None)


@function("replaceMatches", 2, 3)
def replace_matches(
    run: Run, items: Nodes, pattern: Program, substitution: Program, flags: Program | None = None
) -> Nodes:
    """$1 and ${name} stand for what a group matched."""
    text, wanted, new = value(items, str), _text(run, pattern), _text(run, substitution)
    if text is None or wanted is None or new is None:
        return []
    if not wanted:
        return system(text)
    _check_size((len(text) + 1) * (len(new) + 1))
    return system(_pattern(wanted).sub(lambda match: _filled(new, match), text))


@lru_cache(maxsize=512)
def _pattern(text: str) -> Any:
    if len(text) > MAX_PATTERN:
        raise Failed(f"a pattern has at most {MAX_PATTERN} characters")
    try:
        return re2.compile(text, _OPTIONS)
    except re2.error as error:
        raise Failed(f"no pattern that can be used: {str(error)[:100]}") from None


_GROUP = re2.compile(r"\$(?:(\d)|\{(\w+)\})")


def _filled(substitution: str, match: Any) -> str:
    def group(found: Any) -> str:
        try:
            return match.group(int(found[1]) if found[1] else found[2]) or ""
        except (IndexError, KeyError, re2.error):
            raise Failed(f"the pattern has no group {found[0]}") from None

    return _GROUP.sub(group, substitution)


# --- other forms -----------------------------------------------------------------------------------------------------


@function("encode", 1)
def encode(run: Run, items: Nodes, form: Program) -> Nodes:
    text, name = value(items, str), _text(run, form)
    return [] if text is None or name is None else system(_named(_ENCODE, name)(text.encode()))


@function("decode", 1)
def decode(run: Run, items: Nodes, form: Program) -> Nodes:
    text, name = value(items, str), _text(run, form)
    if text is None or name is None:
        return []
    try:
        return system(_named(_DECODE, name)(text).decode())
    except (binascii.Error, ValueError):
        raise Failed(f"the text is not in {name}") from None


@function("escape", 1)
def escape(run: Run, items: Nodes, form: Program) -> Nodes:
    text, name = value(items, str), _text(run, form)
    return [] if text is None or name is None else system(_named(_ESCAPE, name)(text))


@function("unescape", 1)
def unescape(run: Run, items: Nodes, form: Program) -> Nodes:
    text, name = value(items, str), _text(run, form)
    if text is None or name is None:
        return []
    try:
        return system(_named(_UNESCAPE, name)(text))
    except ValueError:
        raise Failed(f"the text is not in {name}") from None


_ENCODE = {
    "base64": lambda text: base64.b64encode(text).decode(),
    "urlbase64": lambda text: base64.urlsafe_b64encode(text).decode(),
    "hex": lambda text: text.hex(),
}
_DECODE = {"base64": base64.b64decode, "urlbase64": base64.urlsafe_b64decode, "hex": bytes.fromhex}
_ESCAPE = {
    "html": lambda text: html.escape(text, quote=True),
    "json": lambda text: json.dumps(text, ensure_ascii=False)[1:-1],
    "url": lambda text: quote(text, safe=""),
}
_UNESCAPE = {
    "html": html.unescape,
    "json": lambda text: json.loads('"' + text.replace('\\"', '"').replace('"', '\\"') + '"'),
    "url": unquote,
}


def _named(forms: dict[str, Any], name: str) -> Any:
    if name not in forms:
        raise Failed(f"there is no form {name[:20]!r}, but {', '.join(forms)}")
    return forms[name]


def _text(run: Run, program: Program) -> str | None:
    found = argument(run, program)
    if found is not None and not isinstance(found, str):
        raise Failed("it takes a string")
    return found


def _check_size(size: int) -> None:
    if size > MAX_TEXT:
        raise Failed(f"a string may have {MAX_TEXT} characters")
