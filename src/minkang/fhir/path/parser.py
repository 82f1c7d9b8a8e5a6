"""Tokens to a tree, by precedence climbing (http://hl7.org/fhirpath/N1/#operator-precedence)."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

from minkang.fhir.path.lexer import Token, tokens, wrong
from minkang.fhir.path.syntax import (
    Binary,
    Call,
    Constant,
    Expression,
    Item,
    Literal,
    Member,
    Name,
    Special,
    Typed,
    Unary,
    Union,
)
from minkang.fhir.path.values import CALENDAR, Amount, Moment
from minkang.fhir.problem import Incorrect

MAX_DEPTH = 100
"""Nesting of an expression; a step of a path counts as one. The longest published one has 21."""
_INTEGERS = 2**31

_LEVELS = (
    ("implies",),
    ("or", "xor"),
    ("and",),
    ("in", "contains"),
    ("=", "~", "!=", "!~"),
    ("<=", "<", ">", ">="),
    ("|",),
    ("is", "as"),
    ("+", "-", "&"),
    ("*", "/", "div", "mod"),
)
_PRECEDENCE = {operator: level for level, operators in enumerate(_LEVELS, 1) for operator in operators}
_UNARY = len(_LEVELS) + 1


def parse(expression: str) -> Expression:
    """The tree of an expression. Raises Incorrect with the position of what is no FHIRPath."""
    return _Parser(expression).whole()


class _Parser:
    def __init__(self, text: str):
        self.text, self.tokens, self.next, self.depth = text, tokens(text), 0, 0

    def whole(self) -> Expression:
        found = self.binary(0)
        if self.token.kind != "end":
            raise self.wrong("the expression should end here")
        return found

    # --- operators ---------------------------------------------------------------------------------------------------

    def binary(self, above: int) -> Expression:
        """An expression of operators that bind tighter than `above`."""
        self.deeper(1)
        left, links = self.unary(), 0
        while self.token.kind in ("symbol", "name"):
            operator, at = self.token.text, self.token.at
            level = _PRECEDENCE.get(operator, 0)
            if level <= above:
                break
            self.next += 1
            if level == _PRECEDENCE["is"]:
                left = Typed(at, operator, left, self.type_name())
            else:
                right = self.binary(level)
                left = self.joined(left, operator, right, at)
            links += not isinstance(left, Union)
            self.deeper(links, stay=False)
        self.depth -= 1
        return left

    def joined(self, left: Expression, operator: str, right: Expression, at: int) -> Expression:
        if operator != "|":
            return Binary(at, operator, left, right)
        branches = left.branches if isinstance(left, Union) else (left,)
        return Union(left.at, (*branches, right))

    def unary(self) -> Expression:
        token = self.token
        if token.kind == "symbol" and token.text in "+-":
            self.next += 1
            self.deeper(1)
            found = Unary(token.at, token.text, self.unary())
            self.depth -= 1
            return found
        return self.postfix(self.term())

    def postfix(self, found: Expression) -> Expression:
        links = 0
        while self.token.kind == "symbol" and self.token.text in (".", "["):
            links += 1
            self.deeper(links, stay=False)
            if self.taken("["):
                index = self.binary(0)
                self.expect("]")
                found = Item(index.at, found, index)
            else:
                self.next += 1
                found = self.step(found)
        return found

    def step(self, target: Expression) -> Expression:
        token = self.token
        if token.kind == "symbol" and token.text == "$":
            return self.special()  # name.$this is written nowhere but in the grammar
        name = self.name()
        if self.taken("("):
            return Call(token.at, target, name, self.arguments())
        return Member(token.at, target, name)

    # --- terms -------------------------------------------------------------------------------------------------------

    def term(self) -> Expression:
        token = self.token
        make = _TERMS.get(token.kind) or _SYMBOLS.get(token.text)
        if make is None:
            raise self.wrong("a value, a name or a bracket should stand here")
        return make(self)

    def bracket(self) -> Expression:
        self.next += 1
        found = self.binary(0)
        self.expect(")")
        if isinstance(found, Union):  # (a | b) | c is the same as a | b | c, but (a | b).c is not a | (b.c)
            return Union(found.at, found.branches)
        return found

    def empty(self) -> Expression:
        at = self.token.at
        self.next += 1
        self.expect("}")
        return Literal(at, "", None)

    def constant(self) -> Expression:
        at = self.token.at
        self.next += 1
        if self.token.kind == "string":
            self.next += 1
            return Constant(at, self.tokens[self.next - 1].text)
        return Constant(at, self.name())

    def special(self) -> Expression:
        at = self.token.at
        self.next += 1
        name = self.name()
        if name not in ("this", "index", "total"):
            raise wrong(self.text, at, "there are $this, $index and $total")
        return Special(at, name)

    def named(self) -> Expression:
        token = self.token
        if token.kind == "name" and token.text in ("true", "false"):
            self.next += 1
            return Literal(token.at, "System.Boolean", token.text == "true")
        name = self.name()
        if self.taken("("):
            return Call(token.at, None, name, self.arguments())
        return Name(token.at, name)

    def string(self) -> Expression:
        token = self.token
        self.next += 1
        return Literal(token.at, "System.String", token.text)

    def number(self) -> Expression:
        token = self.token
        self.next += 1
        if self.token.kind == "string" or (self.token.kind == "name" and self.token.text in CALENDAR):
            unit = self.token
            self.next += 1
            return Literal(token.at, "System.Quantity", Amount(Decimal(token.text), unit.text, unit.kind == "name"))
        if "." in token.text:
            return Literal(token.at, "System.Decimal", Decimal(token.text))
        if len(token.text) > 10 or int(token.text) > _INTEGERS:
            raise wrong(self.text, token.at, "an integer has at most 32 bits; write .0 behind it for a decimal")
        return Literal(token.at, "System.Integer", int(token.text))

    def moment(self) -> Expression:
        token = self.token
        self.next += 1
        kind = {"time": "Time", "date": "Date", "datetime": "DateTime"}[token.kind]
        found = Moment.read(token.text.lstrip("@"), kind)
        if found is None:
            raise wrong(self.text, token.at, "there is no such date or time")
        return Literal(token.at, f"System.{kind}", found)

    # --- parts -------------------------------------------------------------------------------------------------------

    @property
    def token(self) -> Token:
        return self.tokens[self.next]

    def taken(self, symbol: str) -> bool:
        if self.token.kind == "symbol" and self.token.text == symbol:
            self.next += 1
            return True
        return False

    def expect(self, symbol: str) -> None:
        if not self.taken(symbol):
            raise self.wrong(f"{symbol!r} should stand here")

    def name(self) -> str:
        token = self.token
        if token.kind not in ("name", "quoted"):
            raise self.wrong("a name should stand here")
        self.next += 1
        return token.text

    def type_name(self) -> str:
        name = self.name()
        return f"{name}.{self.name()}" if self.taken(".") else name

    def arguments(self) -> tuple[Expression, ...]:
        found: list[Expression] = []
        if self.taken(")"):
            return ()
        while True:
            found.append(self.binary(0))
            if self.taken(")"):
                return tuple(found)
            self.expect(",")

    def deeper(self, by: int, *, stay: bool = True) -> None:
        if self.depth + by > MAX_DEPTH:
            raise self.wrong(f"the expression is nested deeper than {MAX_DEPTH}")
        if stay:
            self.depth += by

    def wrong(self, why: str) -> Incorrect:
        return wrong(self.text, self.token.at, why)


_TERMS: dict[str, Callable[[_Parser], Expression]] = {
    "name": _Parser.named,
    "quoted": _Parser.named,
    "string": _Parser.string,
    "number": _Parser.number,
    "time": _Parser.moment,
    "date": _Parser.moment,
    "datetime": _Parser.moment,
}
_SYMBOLS: dict[str, Callable[[_Parser], Expression]] = {
    "(": _Parser.bracket,
    "{": _Parser.empty,
    "%": _Parser.constant,
    "$": _Parser.special,
}
