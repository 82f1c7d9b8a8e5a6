"""The whole truth about one resource: every structural fault with its FHIRPath.

Walks the tree beside the table of structures. Slower than `schema` by a factor of thirty, and run only when that one
has doubts or a resource is refused. A message quotes the offending value, but never anything out of a person's record.
"""

from __future__ import annotations

import re
from contextlib import suppress
from functools import cache
from typing import Any, NamedTuple

from minkang.fhir import primitives, references
from minkang.fhir.definitions import structures
from minkang.fhir.definitions.structures import Element
from minkang.fhir.problem import Issue
from minkang.fhir.resource import Resource
from minkang.fhir.validation import narrative, quick

MAX_FAULTS = 100
_PERSONS = frozenset({"Patient", "Person", "RelatedPerson"})
_PERSONAL = frozenset({"HumanName", "Address", "ContactPoint", "Identifier", "Annotation"})
_QUOTED = frozenset(primitives.PATTERNS) - {"base64Binary"} | {"boolean", "decimal", *primitives.INTEGERS}
_DECISIVE = frozenset({"subject", "patient", "beneficiary", "individual", "encounter"})
"""References that decide whose record a resource is: a wrong target there is an error. Elsewhere it is a warning, since
published R4 examples have them (Observation.performer an Encounter, dispenseRequest.performer a Practitioner)."""
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}")


class Member(NamedTuple):
    """One JSON name of a structure. `beside`: it is `_name`, which holds id and extensions of a primitive."""

    element: Element
    type: str
    primitive: bool
    beside: bool


class _Enough(Exception):
    pass


@cache
def members(type_name: str) -> dict[str, Member]:
    """JSON name -> Member, choices spelled out, `_names` included."""
    found: dict[str, Member] = {}
    for json_name, (element, kind) in structures.json_members(type_name).items():
        primitive = kind in structures.primitive_types()
        found[json_name] = Member(element, kind, primitive, False)
        if primitive and not element.bare:
            found["_" + json_name] = Member(element, kind, primitive, True)
    return found


@cache
def _obliged(type_name: str) -> tuple[tuple[Element, tuple[str, ...]], ...]:
    """Elements that must be there or exclude each other, with their JSON names."""
    wanted = [element for element in structures.elements(type_name).values() if element.min or element.choice]
    return tuple((element, tuple(name for name, _ in element.json_names())) for element in wanted)


class Walk:
    """Collects the faults of one tree. `conditional`: references such as `Patient?identifier=x` are in order.

    `trusting`: what the quick verdict says of entries of a Bundle is believed, so that one odd entry among thousands
    costs one walk. The test that compares both halves does not trust.
    """

    def __init__(self, *, conditional: bool = False, trusting: bool = True) -> None:
        self._trusting = trusting
        self.issues: list[Issue] = []
        self._conditional = conditional
        self._private = False
        self._local: set[str] | None = None

    def run(self, tree: Resource) -> list[Issue]:
        name = tree.get("resourceType")
        with suppress(_Enough):
            self._resource(tree, name if isinstance(name, str) and _NAME.fullmatch(name) else "Resource", root=True)
        return self.issues

    def _add(self, code: str, text: str, path: str, severity: str = "error") -> None:
        self.issues.append(Issue(code, text, path, severity))
        if len(self.issues) >= MAX_FAULTS:
            raise _Enough

    # --- objects -----------------------------------------------------------------------------------------------------

    def _resource(self, value: Any, path: str, *, root: bool = False, contained: bool = False) -> None:
        if not isinstance(value, dict):
            self._add("structure", f"Expected a resource, got {_kind(value)}.", path)
            return
        name = value.get("resourceType")
        if not isinstance(name, str) or name not in structures.resource_types():
            told = f"{_quote(name)} is no R4 resource type." if name is not None else "The resourceType is missing."
            self._add("structure", told, path)
            return
        if self._trusting and not (root or contained) and quick.surely_valid(value):
            return
        if contained and "contained" in value:
            self._add("structure", "A contained resource must not contain another one.", f"{path}.contained")
        before = self._private, self._local
        self._private = self._private or name in _PERSONS
        if not contained:
            self._local = _contained_ids(value)
        self._object(value, name, path, resource=True)
        self._private, self._local = before

    def _object(self, value: Any, type_name: str, path: str, *, resource: bool = False) -> None:
        if not isinstance(value, dict):
            self._add("structure", f"Expected an object ({type_name}), got {_kind(value)}.", path)
            return
        if not value:
            self._add("structure", "An object must not be empty.", path)
            return
        private = self._private
        self._private = private or type_name in _PERSONAL
        known = members(type_name)
        for name, item in value.items():
            member = known.get(name)
            if member is None:
                if not (resource and name == "resourceType"):
                    self._unknown(name, type_name, path)
            elif member.beside:
                self._beside(value, name, item, member, path)
            else:
                self._member(value, name, item, member, path)
        self._presence(value, type_name, path)
        if type_name == "Reference":
            self._reference_type(value, path)
        elif type_name == "Extension" and ("extension" in value) == any(n[:5] in ("value", "_valu") for n in value):
            self._add("invariant", "An extension has either a value or extensions, one of them (ext-1).", path)
        self._private = private

    def _unknown(self, name: str, type_name: str, path: str) -> None:
        if _NAME.fullmatch(name):
            self._add("structure", f"Unknown element '{name}' in {type_name}.", f"{path}.{name}")
        else:
            self._add("structure", f"Unknown element in {type_name}: its name is no FHIR element name.", path)

    def _presence(self, value: Resource, type_name: str, path: str) -> None:
        for element, names in _obliged(type_name):
            if element.choice:
                there = [name for name in names if name in value or "_" + name in value]
                if len(there) > 1:
                    listed = ", ".join(there)
                    self._add("structure", f"Only one of {listed} may be given.", f"{path}.{element.name}")
            else:
                there = names[0] in value or "_" + names[0] in value
            if element.min and not there:
                name = element.name + ("[x]" if element.choice else "")
                self._add("required", f"{type_name}.{name} is required.", f"{path}.{element.name}")

    # --- members -----------------------------------------------------------------------------------------------------

    def _member(self, owner: Resource, name: str, item: Any, member: Member, path: str) -> None:
        element = member.element
        path = f"{path}.{element.name}"
        if not element.repeats:
            if isinstance(item, list):
                self._add("structure", f"{name} must not be an array.", path)
            else:
                self._value(item, member, path)
            return
        if not isinstance(item, list):
            self._add("structure", f"{name} must be an array, got {_kind(item)}.", path)
            return
        if not item:
            self._add("structure", "An array must not be empty.", path)
        if element.max is not None and len(item) > element.max:
            self._add("structure", f"At most {element.max} of {name} may be given.", path)
        others = owner.get("_" + name) if member.primitive else None
        for index, one in enumerate(item):
            if one is None and isinstance(others, list) and index < len(others) and others[index] is not None:
                continue
            self._value(one, member, f"{path}[{index}]")

    def _beside(self, owner: Resource, name: str, item: Any, member: Member, path: str) -> None:
        """`_name`: an Element, or for a repeating one an array of Elements and nulls that lines up with `name`."""
        path = f"{path}.{member.element.name}"
        if not member.element.repeats:
            self._object(item, "Element", path)
            return
        if not isinstance(item, list) or not item:
            self._add("structure", f"{name} must be an array with something in it.", path)
            return
        values = owner.get(name[1:])
        for index, one in enumerate(item):
            if one is not None:
                self._object(one, "Element", f"{path}[{index}]")
            elif not isinstance(values, list) or index >= len(values):
                self._add("structure", f"{name}[{index}] is null and has no value beside it.", f"{path}[{index}]")

    def _value(self, item: Any, member: Member, path: str) -> None:
        if item is None:
            self._add("structure", "null is not allowed here; leave the element out.", path)
        elif member.primitive:
            self._primitive(item, member, path)
        elif member.type == "Resource":
            self._resource(item, path, contained=member.element.name == "contained")
        else:
            self._object(item, member.type, path)
            if member.type == "Reference" and isinstance(item, dict):
                self._reference(item.get("reference"), member.element, path)

    def _primitive(self, item: Any, member: Member, path: str) -> None:
        name = member.type
        kind = primitives.json_kind(name)
        if not primitives.of_kind(kind, item):
            article = "an" if kind == "integer" else "a"
            self._add("structure", f"Expected {article} {kind} ({name}), got {_kind(item)}.", path)
        elif name == "xhtml":
            told = narrative.fault(item)
            if told is not None:
                self._add("invalid", told[0].upper() + told[1:] + ".", path)
        elif item == "":
            self._add("value", "A string must not be empty; leave the element out.", path)
        elif not primitives.well_formed(name, item):
            expected = primitives.EXPECTED.get(name, f"at most {primitives.MAX_STRING} characters")
            self._add("value", f"{self._quoted(item, name)} is not well-formed: expected {expected}.", path)
        elif name == "code" and member.element.codes is not None and item not in member.element.codes:
            self._add("code-invalid", f"{self._quoted(item, name)} is not one of {_listed(member.element)}.", path)

    def _quoted(self, value: Any, type_name: str) -> str:
        return _quote(value) if type_name in _QUOTED and not self._private else "The value"

    # --- references --------------------------------------------------------------------------------------------------

    def _reference(self, text: Any, element: Element, path: str) -> None:
        if not isinstance(text, str) or not text:
            return
        path = f"{path}.reference"
        told = _quote(text) if not self._private else "The reference"
        conditional = references.conditional(text)
        if conditional is not None and self._conditional:
            target: str | None = conditional[0]
        else:
            found = references.parse(text)
            if found is None:
                expected = "Type/id, an absolute url, urn or #id"
                why = " (a conditional one is for transactions)" if conditional else ""
                self._add("value", f"{told} is not a reference: expected {expected}{why}.", path)
                return
            if found.type is None and found.fragment and found.fragment not in (self._local or ()):
                self._add("value", f"{told} names no contained resource (ref-1).", path)
            target = found.type if found.base is None else None
        if target is not None and target not in structures.resource_types():
            self._add("value", f"{told} names no R4 resource type.", path)
        elif target is not None and element.targets is not None and target not in element.targets:
            severity = "error" if element.name in _DECISIVE else "warning"
            self._add("value", f"{told} may only refer to {', '.join(sorted(element.targets))}.", path, severity)

    def _reference_type(self, value: Resource, path: str) -> None:
        stated, text = value.get("type"), value.get("reference")
        found = references.parse(text) if isinstance(text, str) else None
        known = isinstance(stated, str) and stated in structures.resource_types()
        if known and found and found.type and not found.base and found.type != stated:
            self._add("value", f"The type {_quote(stated)} contradicts the reference.", f"{path}.type")


def _contained_ids(tree: Resource) -> set[str]:
    contained = tree.get("contained")
    items = contained if isinstance(contained, list) else []
    return {item["id"] for item in items if isinstance(item, dict) and isinstance(item.get("id"), str)}


def _listed(element: Element) -> str:
    codes = sorted(element.codes or ())
    return ", ".join(codes) if len(codes) <= 20 else f"{len(codes)} codes that {element.name} may have"


def _quote(value: Any) -> str:
    text = value if isinstance(value, str) else repr(value)
    return f"'{text[:64]}…'" if len(text) > 64 else f"'{text}'"


def _kind(value: Any) -> str:
    if value is None:
        return "null"
    kinds = {dict: "an object", list: "an array", str: "a string", bool: "a boolean"}
    return kinds.get(type(value), "a number")
