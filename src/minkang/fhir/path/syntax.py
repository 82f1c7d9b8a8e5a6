"""What the parser makes of an expression: a tree of these, each with the position of its text (from 1)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Expression:
    at: int


@dataclass(frozen=True, slots=True)
class Literal(Expression):
    """`kind` is a System type, or "" for the empty collection {}."""

    kind: str
    value: Any


@dataclass(frozen=True, slots=True)
class Name(Expression):
    """A name that begins a path."""

    name: str


@dataclass(frozen=True, slots=True)
class Member(Expression):
    target: Expression
    name: str


@dataclass(frozen=True, slots=True)
class Call(Expression):
    """A function; `target` None: called on the context."""

    target: Expression | None
    name: str
    arguments: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class Item(Expression):
    """target[index]"""

    target: Expression
    index: Expression


@dataclass(frozen=True, slots=True)
class Constant(Expression):
    """%name"""

    name: str


@dataclass(frozen=True, slots=True)
class Special(Expression):
    """$this, $index or $total (without the dollar)."""

    name: str


@dataclass(frozen=True, slots=True)
class Unary(Expression):
    sign: str
    operand: Expression


@dataclass(frozen=True, slots=True)
class Binary(Expression):
    operator: str
    left: Expression
    right: Expression


@dataclass(frozen=True, slots=True)
class Union(Expression):
    """a | b | c, flat: published expressions have dozens of branches."""

    branches: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class Typed(Expression):
    """`operand is type` or `operand as type`; the type as written, `FHIR.Patient`."""

    operator: str
    operand: Expression
    type: str
