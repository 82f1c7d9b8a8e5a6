"""A tree of syntax made into one function: closures over closures, so that nothing is looked up while it runs."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

from minkang.fhir.path import equality, syntax
from minkang.fhir.path.context import Failed, Nodes, Program, Run, single
from minkang.fhir.path.functions import FUNCTIONS
from minkang.fhir.path.functions.collections import distinct
from minkang.fhir.path.functions.types import as_type, of_type, type_named
from minkang.fhir.path.model import is_kind, members, take
from minkang.fhir.path.operators import ARITHMETICS, LOGIC, joined, negative
from minkang.fhir.path.parser import parse
from minkang.fhir.path.values import Node, boolean, plain, system
from minkang.fhir.problem import Incorrect

_TYPE_FUNCTIONS = {"is", "as", "ofType"}
_ABSTRACT = frozenset({"Resource", "DomainResource"})
_CONSTANTS = {
    "sct": "http://snomed.info/sct",
    "loinc": "http://loinc.org",
    "ucum": "http://unitsofmeasure.org",
}


@lru_cache(maxsize=4096)
def compiled(expression: str) -> Program:
    """The function of an expression. Raises Incorrect with the position of what is no FHIRPath."""
    return _compile(parse(expression))


def _compile(node: syntax.Expression) -> Program:
    return _COMPILERS[type(node)](node)


# --- paths -----------------------------------------------------------------------------------------------------------


def _literal(node: syntax.Literal) -> Program:
    items = system(node.value) if node.kind else []
    return lambda run, context: items


def _name(node: syntax.Name) -> Program:
    """A name at the beginning: the type of the context, or an element of it."""
    name, step = node.name, _step(node.name, node.at)

    def begin(run: Run, context: Nodes) -> Nodes:
        if len(context) == 1 and (context[0].kind == name or (name in _ABSTRACT and is_kind(context[0], name))):
            return context
        return step(run, context)

    return begin


def _member(node: syntax.Member) -> Program:
    target, step = _compile(node.target), _step(node.name, node.at)
    return lambda run, context: step(run, target(run, context))


def _step(name: str, at: int) -> Program:
    def step(run: Run, items: Nodes) -> Nodes:
        found: Nodes = []
        for item in items:
            slots = members(item, name)
            if slots is not None:
                for slot in slots:
                    take(item, slot, found)
            elif item.kind == "System.TypeInfo":
                found += system(item.value.get(name))
            elif run.strict:
                raise _wrong(at, f"{item.kind} has no element {name!r}")
        run.spend(len(found) + 1)
        return found

    return step


def _item(node: syntax.Item) -> Program:
    target, index = _compile(node.target), _compile(node.index)

    def pick(run: Run, context: Nodes) -> Nodes:
        items = target(run, context)
        place = _one(index(run, run.this), node.at, "an index")
        if place is None:
            return []
        if not isinstance(place, int) or isinstance(place, bool):
            raise _wrong(node.at, "an index is an integer")
        return items[place : place + 1] if place >= 0 else []

    return pick


def _constant(node: syntax.Constant) -> Program:
    name = node.name
    known = _CONSTANTS.get(name)
    if known is None and name.startswith(("vs-", "ext-")):
        folder = "ValueSet" if name.startswith("vs-") else "StructureDefinition"
        known = f"http://hl7.org/fhir/{folder}/{name.partition('-')[2]}"
    fixed = system(known)

    def variable(run: Run, context: Nodes) -> Nodes:
        if name in ("resource", "context", "rootResource") and name not in run.variables:
            return run.root
        if name not in run.variables:
            raise _wrong(node.at, f"there is no variable %{name}")
        return run.variables[name]

    return (lambda run, context: fixed) if known is not None else variable


def _special(node: syntax.Special) -> Program:
    if node.name == "this":
        return lambda run, context: run.this
    return (lambda run, context: run.index) if node.name == "index" else (lambda run, context: run.total)


def _call(node: syntax.Call) -> Program:
    target = _compile(node.target) if node.target is not None else None
    program = _typed_call(node) if node.name in _TYPE_FUNCTIONS else _function(node)

    def call(run: Run, context: Nodes) -> Nodes:
        try:
            found = program(run, run.this if target is None else target(run, context))
        except (Failed, TypeError, ValueError, ArithmeticError) as error:
            reason = str(error) if isinstance(error, (Failed, ValueError)) else "its input is of another type"
            raise _wrong(node.at, f"{node.name}(): {reason}") from None
        run.spend(len(found))
        return found

    return call


def _function(node: syntax.Call) -> Program:
    function = FUNCTIONS.get(node.name)
    if function is None:
        raise _wrong(node.at, f"there is no function {node.name}()")
    if not function.fewest <= len(node.arguments) <= function.most:
        raise _wrong(node.at, f"{node.name}() takes {function.arity}")
    arguments = tuple(_argument(node.name, argument) for argument in node.arguments)
    run_it = function.run
    return lambda run, items: run_it(run, items, *arguments)


def _argument(name: str, argument: syntax.Expression) -> Any:
    """sort(-x) means descending, not a negative number."""
    if name == "sort":
        descending = isinstance(argument, syntax.Unary) and argument.sign == "-"
        return _compile(argument.operand if isinstance(argument, syntax.Unary) else argument), descending
    return _compile(argument)


def _typed_call(node: syntax.Call) -> Program:
    if len(node.arguments) != 1:
        raise _wrong(node.at, f"{node.name}() takes one type")
    written = _type_of(node.arguments[0])
    if written is None:
        raise _wrong(node.at, f"{node.name}() takes a type such as Patient or System.String")
    return _type_program(node.name, written)


def _type_of(argument: syntax.Expression) -> str | None:
    if isinstance(argument, syntax.Name):
        return argument.name
    if isinstance(argument, syntax.Member) and isinstance(argument.target, syntax.Name):
        return f"{argument.target.name}.{argument.name}"
    return None


def _type_program(name: str, written: str) -> Program:
    meant = type_named(written)

    def program(run: Run, items: Nodes) -> Nodes:
        if meant is None:
            raise Failed(f"there is no type {written!r}")
        if name == "ofType" or (name == "as" and run.lenient_as):
            return of_type(items, meant)
        if name == "as":
            return as_type(items, meant)
        item = single(items, "is")
        return [] if item is None else boolean(is_kind(item, meant))

    return program


# --- operators -------------------------------------------------------------------------------------------------------


def _typed(node: syntax.Typed) -> Program:
    operand, program = _compile(node.operand), _type_program(node.operator, node.type)

    def typed(run: Run, context: Nodes) -> Nodes:
        try:
            return program(run, operand(run, context))
        except Failed as error:
            raise _wrong(node.at, str(error)) from None

    return typed


def _unary(node: syntax.Unary) -> Program:
    operand, minus = _compile(node.operand), node.sign == "-"

    def signed(run: Run, context: Nodes) -> Nodes:
        value = _one(operand(run, context), node.at, "a sign")
        if value is None:
            return []
        try:
            changed = negative(value)
        except TypeError:
            raise _wrong(node.at, f"{node.sign!r} stands before a number or a quantity") from None
        return system(changed if minus else value)

    return signed


def _union(node: syntax.Union) -> Program:
    branches = tuple(map(_compile, node.branches))

    def union(run: Run, context: Nodes) -> Nodes:
        found = [item for branch in branches for item in branch(run, context)]
        run.spend(len(found))
        return found if len(found) < 2 else distinct(run, found)

    return union


def _binary(node: syntax.Binary) -> Program:
    left, right = _compile(node.left), _compile(node.right)
    operator, at = node.operator, node.at
    if operator in ARITHMETICS:
        return _arithmetic(operator, left, right, at)
    if operator in LOGIC:
        return _logic(operator, left, right, at)
    if operator in _ORDER:
        return _order(operator, left, right, at)
    if operator == "&":
        return _concatenation(left, right, at)
    relation = _RELATIONS[operator]
    return lambda run, context: boolean(relation(left(run, context), right(run, context), at))


def _arithmetic(operator: str, left: Program, right: Program, at: int) -> Program:
    compute = ARITHMETICS[operator]

    def arithmetic(run: Run, context: Nodes) -> Nodes:
        one, other = _one(left(run, context), at, operator), _one(right(run, context), at, operator)
        if one is None or other is None:
            return []
        try:
            return system(compute(one, other))
        except TypeError:
            raise _wrong(at, f"{operator!r} cannot join these two types") from None
        except (ValueError, ArithmeticError) as error:
            raise _wrong(at, str(error)) from None

    return arithmetic


def _logic(operator: str, left: Program, right: Program, at: int) -> Program:
    combine, decided = LOGIC[operator], {"and": False, "or": True, "implies": False}.get(operator)

    def logic(run: Run, context: Nodes) -> Nodes:
        one = truth(left(run, context), at)
        if decided is not None and one is decided:  # the right side decides nothing any more
            return boolean(operator != "and")
        return boolean(combine(one, truth(right(run, context), at)))

    return logic


def _order(operator: str, left: Program, right: Program, at: int) -> Program:
    holds = _ORDER[operator]

    def order(run: Run, context: Nodes) -> Nodes:
        one, other = _one(left(run, context), at, operator), _one(right(run, context), at, operator)
        if one is None or other is None:
            return []
        try:
            found = equality.compare(one, other)
        except TypeError:
            raise _wrong(at, f"{operator!r} cannot compare these two types") from None
        return [] if found is None else boolean(holds(found))

    return order


def _concatenation(left: Program, right: Program, at: int) -> Program:
    def concatenation(run: Run, context: Nodes) -> Nodes:
        one, other = _one(left(run, context), at, "&"), _one(right(run, context), at, "&")
        texts = ["" if value is None else value for value in (one, other)]
        if not all(isinstance(text, str) for text in texts):
            raise _wrong(at, "'&' joins strings")
        try:
            return system(joined(*texts))
        except ValueError as error:
            raise _wrong(at, str(error)) from None

    return concatenation


def truth(items: Nodes, at: int) -> bool | None:
    """A collection as a condition: empty is unknown, one item that is no boolean is true."""
    if not items:
        return None
    if len(items) > 1:
        raise _wrong(at, f"a condition takes one item, there are {len(items)}")
    value = plain(items[0])
    return value if isinstance(value, bool) else True


def _within(left: Nodes, right: Nodes, at: int) -> bool | None:
    if len(left) > 1:
        raise _wrong(at, "on one side of 'in' and 'contains' stands one item")
    return equality.key(left[0]) in {equality.key(node) for node in right} if left else None


def _unequal(left: Nodes, right: Nodes, at: int) -> bool | None:
    same = equality.equal(left, right)
    return None if same is None else not same


_RELATIONS: dict[str, Callable[[Nodes, Nodes, int], bool | None]] = {
    "=": lambda left, right, at: equality.equal(left, right),
    "!=": _unequal,
    "~": lambda left, right, at: equality.equivalent(left, right),
    "!~": lambda left, right, at: not equality.equivalent(left, right),
    "in": _within,
    "contains": lambda left, right, at: _within(right, left, at),
}
_ORDER: dict[str, Callable[[int], bool]] = {
    "<": lambda order: order < 0,
    "<=": lambda order: order <= 0,
    ">": lambda order: order > 0,
    ">=": lambda order: order >= 0,
}


def _one(items: Nodes, at: int, what: str) -> Any:
    """The System value of the only item, None for none."""
    if len(items) > 1:
        raise _wrong(at, f"{what} takes one item, there are {len(items)}")
    return plain(items[0]) if items else None


def _wrong(at: int, why: str) -> Incorrect:
    return Incorrect(f"FHIRPath at character {at}: {why}.")


_COMPILERS: dict[type[syntax.Expression], Callable[[Any], Program]] = {
    syntax.Literal: _literal,
    syntax.Name: _name,
    syntax.Member: _member,
    syntax.Call: _call,
    syntax.Item: _item,
    syntax.Constant: _constant,
    syntax.Special: _special,
    syntax.Unary: _unary,
    syntax.Binary: _binary,
    syntax.Union: _union,
    syntax.Typed: _typed,
}

__all__ = ["Node", "compiled", "truth"]
