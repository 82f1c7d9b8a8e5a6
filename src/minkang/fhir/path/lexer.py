"""An expression cut into tokens (http://hl7.org/fhirpath/N1/#lexical-elements)."""

from __future__ import annotations

import re
from typing import NamedTuple

from minkang.fhir.problem import Incorrect

MAX_LENGTH = 20_000
"""Characters of an expression; the longest published search parameter has 3,000."""

_TOKEN = re.compile(
    r"""
      (?P<space>[ \t\r\n]+ | //[^\r\n]* | /\*(?s:.*?)\*/)
    | (?P<time>@T\d\d(?::\d\d(?::\d\d(?:\.\d+)?)?)?)
    | (?P<date>@\d{4}(?:-\d\d(?:-\d\d)?)?(?P<clock>T(?:\d\d(?::\d\d(?::\d\d(?:\.\d+)?)?)?(?:Z|[+-]\d\d:\d\d)?)?)?)
    | (?P<number>\d+(?:\.\d+)?)
    | (?P<string>'(?:[^'\\]|\\.)*')
    | (?P<quoted>`(?:[^`\\]|\\.)*`)
    | (?P<name>[A-Za-z_][A-Za-z0-9_]*)
    | (?P<symbol><=|>=|!=|!~|[-+*/&|.,()\[\]{}=~<>%$])
    """,
    re.VERBOSE | re.ASCII | re.DOTALL,
)
_ESCAPE = re.compile(r"\\(u[0-9A-Fa-f]{4}|.)", re.DOTALL)
_ESCAPED = {"f": "\f", "n": "\n", "r": "\r", "t": "\t"}


class Token(NamedTuple):
    """`kind`: time, date, datetime, number, string, quoted, name, symbol or end. `at` counts characters from 1."""

    kind: str
    text: str
    at: int


def tokens(expression: str) -> list[Token]:
    """Tokens with white space and comments left out, an `end` last. Raises Incorrect with the position."""
    if len(expression) > MAX_LENGTH:
        raise Incorrect(f"A FHIRPath expression has at most {MAX_LENGTH} characters.")
    found: list[Token] = []
    at = 0
    while at < len(expression):
        match = _TOKEN.match(expression, at)
        if match is None or match.end() == at:
            raise wrong(expression, at + 1, "nothing in FHIRPath begins like that")
        kind = match.lastgroup or ""
        if kind == "clock" or (kind == "date" and match["clock"]):
            kind = "datetime"
        if kind in ("string", "quoted"):
            found.append(Token(kind, _unescaped(match[0][1:-1]), at + 1))
        elif kind != "space":
            found.append(Token(kind, match[0], at + 1))
        at = match.end()
    return [*found, Token("end", "", at + 1)]


def wrong(expression: str, at: int, why: str) -> Incorrect:
    """The error of everything that is no FHIRPath."""
    rest = expression[at - 1 : at + 19]
    return Incorrect(f"This is not FHIRPath at character {at}, {rest!r}: {why}.")


def _unescaped(text: str) -> str:
    if "\\" not in text:
        return text
    return _ESCAPE.sub(lambda match: _character(match[1]), text)


def _character(escaped: str) -> str:
    if escaped[0] == "u" and len(escaped) == 5:
        return chr(int(escaped[1:], 16))
    return _ESCAPED.get(escaped, escaped)
