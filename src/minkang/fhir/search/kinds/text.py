"""Kind `text`: `_text` (the narrative) and `_content` (all a resource says), http://hl7.org/fhir/R4/search.html#content.

The standard leaves the language of these to the server. Here: words side by side, or joined by AND, must all be there;
OR and parentheses; `"several words"` in this order; `word*` for a beginning. A Chinese run is found wherever it stands,
another word only as a whole.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from minkang.fhir import text as texts
from minkang.fhir.pinyin import is_han
from minkang.fhir.problem import Incorrect, Unsupported
from minkang.fhir.search.escapes import unescape
from minkang.fhir.search.extraction import Elements
from minkang.fhir.search.parameters import SearchParameter

MODIFIERS = frozenset({"missing"})
NOT_YET = frozenset[str]()
MOST_WORDS = 64
"""Words and phrases in one value."""

MOST_DEPTH = 16
"""Parentheses inside each other."""


class Value(NamedTuple):
    """The text as it is compared (`minkang.fhir.text.normal`)."""

    normal: str


class Phrase(NamedTuple):
    """Words that follow each other: `normal` with a space between them; `prefix`: the last one may go on."""

    normal: str
    prefix: bool = False


class All(NamedTuple):
    """Every part must be there."""

    parts: tuple[Wanted, ...]


class Any_(NamedTuple):
    """One of the parts must be there."""

    choices: tuple[Wanted, ...]


Wanted = Phrase | All | Any_

_PIECE = re.compile(r'\s*(?:([()])|"([^"]*)"(\*?)|([^\s()"]+))')


def parse(text: str, modifier: str | None, parameter: SearchParameter) -> Wanted:
    return _Reader(unescape(text), parameter.code).read()


def values(elements: Elements) -> list[Value]:
    found: list[Value] = []
    for kind, resource in elements:
        text = texts.narrative(resource) if kind == "narrative" else texts.content(resource)
        if text:
            found.append(Value(texts.normal(text)))
    return found


def matches(value: Value, wanted: Wanted, modifier: str | None) -> bool:
    match wanted:
        case All(parts):
            return all(matches(value, part, modifier) for part in parts)
        case Any_(choices):
            return any(matches(value, choice, modifier) for choice in choices)
        case Phrase(normal, prefix):
            before = "" if is_han(normal[0]) else " "
            after = "" if prefix or is_han(normal[-1]) else " "
            return f"{before}{normal}{after}" in value.normal


def sort_key(values: list[Value], descending: bool) -> None:
    """Texts have no order; the grammar refuses to sort by them."""
    return


class _Reader:
    """Reads one value: any = all (OR all)*; all = part (AND? part)*; part = phrase | word | ( any )."""

    def __init__(self, text: str, code: str) -> None:
        self._code = code
        self._text = text
        self._pieces = list(_PIECE.finditer(text))
        self._place = 0
        self._depth = 0
        if len(self._pieces) > 4 * MOST_WORDS:
            raise Incorrect(f"{code} takes at most {MOST_WORDS} words.")
        if "".join(piece[0] for piece in self._pieces).strip() != text.strip():
            raise self._wrong("a quotation mark is alone")

    def read(self) -> Wanted:
        wanted = self._any()
        if self._place < len(self._pieces):
            raise self._wrong("a parenthesis is alone")
        return wanted

    def _any(self) -> Wanted:
        choices = [self._all()]
        while self._next() == "OR":
            self._place += 1
            choices.append(self._all())
        return choices[0] if len(choices) == 1 else Any_(tuple(choices))

    def _all(self) -> Wanted:
        parts = [self._part()]
        while self._next() not in (None, "OR", ")"):
            if self._next() == "AND":
                self._place += 1
            parts.append(self._part())
        return parts[0] if len(parts) == 1 else All(tuple(parts))

    def _part(self) -> Wanted:
        word = self._next()
        if word in (None, "AND", "OR", ")"):
            raise self._wrong("a word is missing")
        if word in ("NOT", "NEAR"):
            raise Unsupported(f"{self._code}: {word} is not supported; there are AND, OR, parentheses and quotes.")
        piece = self._pieces[self._place]
        self._place += 1
        if word == "(":
            return self._parenthesis()
        quoted = piece[2]
        text = quoted if quoted is not None else piece[4]
        prefix = bool(piece[3]) if quoted is not None else text.endswith("*")
        normal = texts.normal(text).strip()
        if not normal:
            raise self._wrong(f"{text[:20]!r} has neither letters nor digits")
        return Phrase(normal, prefix)

    def _parenthesis(self) -> Wanted:
        self._depth += 1
        if self._depth > MOST_DEPTH:
            raise self._wrong("there are too many parentheses")
        inside = self._any()
        if self._next() != ")":
            raise self._wrong("a parenthesis is not closed")
        self._place += 1
        self._depth -= 1
        return inside

    def _next(self) -> str | None:
        """The next piece as an operator or a word; None at the end."""
        if self._place == len(self._pieces):
            return None
        piece = self._pieces[self._place]
        return piece[1] or piece[4] or '"'

    def _wrong(self, what: str) -> Incorrect:
        return Incorrect(f'{self._code} takes words, "phrases", AND, OR and parentheses; {what}: {self._text[:64]!r}.')
