"""Unit expressions (https://ucum.org/ucum#section-Syntax-Rules) read to what they mean: a factor and base units.

term      = ["/"] component {("." | "/") component}         from left to right: kg/m.s is (kg/m).s
component = "(" term ")" | annotation | digits | atom [exponent] [annotation]
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from fractions import Fraction
from functools import lru_cache
from typing import NamedTuple

from minkang.fhir.problem import Incorrect
from minkang.fhir.ucum.table import Atom, atoms, prefix_names, prefixes

MAX_LENGTH = 128
"""Characters of an expression; the longest one published has about 40."""
MAX_DEPTH = 16
MAX_EXPONENT = 99
MAX_NUMBER = 12
"""Digits of a number in an expression."""

_ANNOTATION = re.compile(r"\{[!-z|~ ]*\}", re.ASCII)
_DIGITS = re.compile(r"[0-9]+")
_SYMBOL = re.compile(r"(?:10[*^]|\[[^\[\]{} ]+\]|[!#-'*:-Z\\^-z|~])+?(?=[+-]?[0-9]|[./(){]|$|[+-])")
_EXPONENT = re.compile(r"[+-]?[0-9]+")


class Unit(NamedTuple):
    """What an expression means: `factor` times the base units to their powers (only powers other than 0, sorted).

    With a `function` it is a special unit, whose amounts go through that function to `factor` times the base units;
    `scale` is what a prefix makes of the amount before (1/1000 for mCel). `substance` is the power of the mole in it:
    to UCUM a mole is a mere number, 6.02e23, but a search for mmol/L does not mean counts of cells.
    """

    factor: Fraction
    powers: tuple[tuple[str, int], ...] = ()
    function: str = ""
    scale: Fraction = Fraction(1)
    substance: int = 0

    @property
    def canonical(self) -> str:
        """The base units as an expression: `g.m-3`; `1` for a mere number."""
        return ".".join(code + (str(power) if power != 1 else "") for code, power in self.powers) or "1"


ONE = Unit(Fraction(1))


@lru_cache(maxsize=4096)
def unit(code: str) -> Unit:
    """The meaning of a unit expression, case-sensitive; "" is the number one. Raises Incorrect with a reason."""
    if len(code) > MAX_LENGTH:
        raise Incorrect(f"A unit has at most {MAX_LENGTH} characters.")
    return _Reader(code).whole() if code else ONE


def is_unit(code: str) -> bool:
    try:
        unit(code)
    except Incorrect:
        return False
    return bool(code)


def display(code: str) -> str:
    """The unit in words: `(gram) / (liter)`. Raises Incorrect as `unit` does."""
    if not code:
        return "(unity)"
    unit(code)  # refuses what is too long
    reader = _Reader(code)
    reader.whole()
    return "".join(reader.words)


class _Reader:
    def __init__(self, text: str):
        self.text, self.at = text, 0
        self.words: list[str] = []
        """What has been read, in words."""

    def whole(self) -> Unit:
        found = self.term(0)
        if self.at < len(self.text):
            raise self.wrong("is not expected here")
        return found

    def term(self, depth: int) -> Unit:
        if depth > MAX_DEPTH:
            raise self.wrong(f"is the {MAX_DEPTH}th bracket inside another")
        found = ONE
        operator = self.taken("/") or "."
        self.words += [" / "] if operator == "/" else []
        while operator:
            right = self.component(depth)
            found = times(found, right) if operator == "." else times(found, power(right, -1))
            operator = self.taken(".") or self.taken("/")
            self.words += [" * " if operator == "." else " / "] if operator else []
        return found

    def component(self, depth: int) -> Unit:
        if self.taken("("):
            self.words.append("(")
            found = self.term(depth + 1)
            if not self.taken(")"):
                raise self.wrong("should be a closing bracket")
            self.words.append(")")
            self.annotation()
            return found
        if self.annotation():
            self.words.append("1")
            return ONE
        digits = _DIGITS.match(self.text, self.at)
        if digits is not None and self.text[digits.end() : digits.end() + 1] not in ("*", "^"):
            return self.number(digits)
        found = self.atom()
        self.annotation()
        return found

    def number(self, digits: re.Match[str]) -> Unit:
        if len(digits[0]) > MAX_NUMBER or not int(digits[0]):
            raise self.wrong("is no usable number")
        self.at = digits.end()
        self.words.append(digits[0])
        self.annotation()
        return Unit(Fraction(int(digits[0])))

    def atom(self) -> Unit:
        found = _SYMBOL.match(self.text, self.at)
        meaning = _symbol(found[0]) if found is not None else None
        if found is None or meaning is None:
            raise self.wrong("is no unit that UCUM knows")
        self.at = found.end()
        exponent = _EXPONENT.match(self.text, self.at)
        if exponent is None:
            self.words.append(f"({_name(found[0])})")
            return meaning
        if abs(int(exponent[0][:6])) > MAX_EXPONENT or not int(exponent[0]):
            raise self.wrong("is no usable exponent")
        self.at = exponent.end()
        self.words.append(f"({_name(found[0])} ^ {int(exponent[0])})")
        return power(meaning, int(exponent[0]))

    def annotation(self) -> bool:
        found = _ANNOTATION.match(self.text, self.at)
        if found is not None:
            self.at = found.end()
        return found is not None

    def taken(self, char: str) -> str:
        if self.text.startswith(char, self.at):
            self.at += 1
            return char
        return ""

    def wrong(self, why: str) -> Incorrect:
        rest = self.text[self.at : self.at + 20]
        return Incorrect(f"{self.text!r} is no UCUM unit: {rest!r} at character {self.at + 1} {why}.")


def times(left: Unit, right: Unit) -> Unit:
    """Product. A special unit takes nothing but numbers beside it (https://ucum.org/ucum#section-Special-Units)."""
    for special, other in ((left, right), (right, left)):
        if special.function:
            if other.powers or other.function:
                raise Incorrect("A unit with a scale of its own, such as Cel, cannot be multiplied with other units.")
            return special._replace(scale=special.scale * other.factor)
    powers = dict(left.powers)
    for code, exponent in right.powers:
        powers[code] = powers.get(code, 0) + exponent
    return Unit(left.factor * right.factor, _sorted(powers), substance=left.substance + right.substance)


def power(base: Unit, exponent: int) -> Unit:
    if base.function and exponent != 1:
        raise Incorrect("A unit with a scale of its own, such as Cel, takes no power.")
    if exponent == 1:
        return base
    powers = tuple((code, one * exponent) for code, one in base.powers)
    return Unit(base.factor**exponent, powers, substance=base.substance * exponent)


def _sorted(powers: Mapping[str, int]) -> tuple[tuple[str, int], ...]:
    return tuple(sorted((code, exponent) for code, exponent in powers.items() if exponent))


def _symbol(symbol: str) -> Unit | None:
    """A unit, or a prefix and a unit that takes prefixes; a whole unit wins (`cd` is no centiday)."""
    found = _known[symbol]
    if found is not None:
        return found[0]
    for length in (1, 2):
        factor, rest = prefixes().get(symbol[:length]), _known[symbol[length:]]
        if factor is not None and rest is not None and rest[1].metric:
            prefixed = rest[0]
            if prefixed.function:
                return prefixed._replace(scale=prefixed.scale * factor)
            return prefixed._replace(factor=prefixed.factor * factor)
    return None


def _name(symbol: str) -> str:
    atom = atoms().get(symbol)
    if atom is not None:
        return atom.name
    length = 1 if symbol[:1] in prefixes() and symbol[1:] in atoms() else 2
    return prefix_names()[symbol[:length]] + atoms()[symbol[length:]].name


class _Meanings(dict[str, tuple[Unit, Atom] | None]):
    """Units of the table by code, each read when it is first asked for: a definition names other units."""

    def __missing__(self, code: str) -> tuple[Unit, Atom] | None:
        atom = atoms().get(code)
        self[code] = found = (_meaning(atom), atom) if atom is not None else None
        return found


_known = _Meanings()


def _meaning(atom: Atom) -> Unit:
    if atom.kind == "base" or (atom.kind == "arbitrary" and atom.defined == "1"):
        return Unit(Fraction(1), ((atom.code, 1),))
    defined = unit(atom.defined)
    found = defined._replace(factor=defined.factor * atom.number, function=atom.function)
    return found._replace(substance=1) if atom.code == "mol" else found
