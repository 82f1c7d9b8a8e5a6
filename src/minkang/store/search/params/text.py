"""Words of the text index: which of them a row has that says what is wanted.

They stand in a table of their own (`resource_text`), not among the terms of a row: a document has hundreds.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice

from minkang.fhir import text as texts
from minkang.fhir.pinyin import is_han
from minkang.fhir.search.kinds.text import All, Any_, Phrase, Wanted

Words = frozenset[str]
"""Words that a row must all have."""

MOST_CHOICES = 16
_MOST_WORDS = 12
"""Words that one phrase is sought by; the rest is left to the look at the resource."""


def text_term(type: str, word: str) -> str:
    """The text that is hashed for a word."""
    return f"{type}|words|{word}"


def choices(wanted: Iterable[Wanted]) -> list[Words] | None:
    """Every matching row has all words of one of these; None: the index cannot help."""
    found: list[Words] = []
    for one in wanted:
        some = _choices(one)
        if some is None or len(found) + len(some) > MOST_CHOICES:
            return None
        found += some
    return found


def _choices(wanted: Wanted) -> list[Words] | None:
    match wanted:
        case Phrase(normal, prefix):
            words = frozenset(islice(_words(normal.split(), prefix), _MOST_WORDS))
            return [words] if words else None
        case Any_(parts):
            return choices(parts)
        case All(parts):
            return _together([some for part in parts if (some := _choices(part)) is not None])


def _together(parts: list[list[Words]]) -> list[Words] | None:
    """Choices of what must all be there. A part with too many choices is left out: the rest finds more than enough."""
    if not parts:
        return None
    found: list[Words] = [frozenset()]
    for some in sorted(parts, key=len):
        if len(found) * len(some) <= MOST_CHOICES:
            found = [one | other for one in found for other in some]
    return found


def _words(tokens: list[str], prefix: bool) -> Iterable[str]:
    for place, token in enumerate(tokens):
        if is_han(token[0]):
            yield from texts.pairs(token) if len(token) > 1 else token
        elif prefix and place == len(tokens) - 1:
            if len(token) >= texts.PREFIX:
                yield token[: texts.PREFIX] + "*"
        else:
            yield token
