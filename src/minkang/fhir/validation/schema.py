"""The quick verdict: one compiled JSON Schema per resource type that says "surely valid", in microseconds.

The schema is generated from the table of structures and is narrower than FHIR on purpose: what is rare (a choice or a
repeating primitive with an extension beside it, the 29th of February, a local reference, a `type` beside a reference)
is not in it. So its yes is final and its no means "ask `walk`", which knows every rule. Resources inside resources are
only objects here; `quick` visits them.

Draft 4 is meant: only there 1.0 is no integer.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import jsonschema_rs

from minkang.fhir import primitives
from minkang.fhir.definitions import structures
from minkang.fhir.definitions.structures import Element

Schema = dict[str, Any]
_LINEAR = jsonschema_rs.RegexOptions()

_YEAR = r"([0-9]([0-9]([0-9][1-9]|[1-9]0)|[1-9]00)|[1-9]000)"
_SURE_DAY = r"(0[1-9]|1[0-2])-(0[1-9]|1[0-9]|2[0-8])|(0[13-9]|1[0-2])-(29|30)|(0[13578]|1[02])-31"
_CLOCK = r"([01][0-9]|2[0-3]):[0-5][0-9]:([0-5][0-9]|60)(\.[0-9]+)?(Z|[+-]((0[0-9]|1[0-3]):[0-5][0-9]|14:00))"
_NO_SPACE = r"^\S*$"
_UUID = r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
_SURE = {
    "base64Binary": r"^([A-Za-z0-9+/]{4})*([A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$",
    "canonical": _NO_SPACE,
    "code": _NO_SPACE,
    "date": rf"^({_YEAR}(-(0[1-9]|1[0-2])|-({_SURE_DAY}))?)$",
    "dateTime": rf"^({_YEAR}(-(0[1-9]|1[0-2])|-({_SURE_DAY})(T{_CLOCK})?)?)$",
    "id": r"^[A-Za-z0-9\-.]{1,64}$",
    "instant": rf"^({_YEAR}-({_SURE_DAY})T{_CLOCK})$",
    "oid": rf"^{primitives.PATTERNS['oid']}$",
    "time": rf"^{primitives.PATTERNS['time']}$",
    "uri": _NO_SPACE,
    "url": _NO_SPACE,
    "uuid": rf"^urn:uuid:{_UUID}$",
}
_RELATIVE = r"[A-Za-z0-9\-.]{1,64}(/_history/[A-Za-z0-9\-.]{1,64})?"
_ELSEWHERE = rf"https?://[!-~]+|urn:uuid:{_UUID}|{primitives.PATTERNS['oid']}"
# Each distinct pattern costs 0.3 ms to compile, equal ones are shared; a plain prefix costs next to nothing. So all
# references share one pattern for their form, and prefixes say which types may be meant.
_FORM = rf"^([A-Z][A-Za-z]+/{_RELATIVE}|{_ELSEWHERE})$"


@cache
def validator(resource_type: str) -> jsonschema_rs.Draft4Validator:
    """The compiled schema of one resource type; made at the first use of the type."""
    return jsonschema_rs.Draft4Validator(schema(resource_type), pattern_options=_LINEAR)


def schema(resource_type: str) -> Schema:
    """JSON Schema of a resource type with the definitions it reaches."""
    definitions: Schema = {}
    waiting = [resource_type]
    while waiting:
        name = waiting.pop()
        if name in definitions:
            continue
        definitions[name] = _definition(name)
        waiting += [r for r in _references(definitions[name]) if r not in definitions]
    return {"$ref": f"#/definitions/{resource_type}", "definitions": definitions}


def _references(value: Any) -> set[str]:
    if isinstance(value, dict):
        if "$ref" in value:
            return {value["$ref"].removeprefix("#/definitions/")}
        return set().union(*map(_references, value.values()))
    return set().union(*map(_references, value)) if isinstance(value, list) else set()


def _definition(name: str) -> Schema:
    if name in structures.primitive_types():
        return _primitive(name)
    if name.startswith("Reference:"):
        return _reference(name.removeprefix("Reference:"))
    if name == "Extension":
        return _extension()
    if name == "Resource":
        return {"type": "object", "required": ["resourceType"]}
    return _object(name)


def _object(name: str) -> Schema:
    elements = structures.elements(name)
    properties: Schema = {}
    if name in structures.resource_types():
        properties["resourceType"] = {"enum": [name]}
    choices: list[Schema] = []
    for element in elements.values():
        for json_name, kind in element.json_names():
            properties[json_name] = _value(element, kind)
        if element.choice:
            choices.append(_choice(element))
        elif element.types[0] in structures.primitive_types() and not element.bare and not element.repeats:
            properties["_" + element.name] = _ref("Element")
    found: Schema = {"type": "object", "properties": properties, "additionalProperties": False, "minProperties": 1}
    required = [e.name for e in elements.values() if e.min and not e.choice]
    if required:
        found["required"] = required
    if choices:
        found["allOf"] = choices
    return found


def _value(element: Element, kind: str) -> Schema:
    if kind == "code" and element.codes is not None:
        one: Schema = {"enum": sorted(element.codes)}
    elif kind == "Reference" and element.targets is not None:
        one = _ref("Reference:" + ",".join(sorted(element.targets)))
    else:
        one = _ref(kind)
    if not element.repeats:
        return one
    many: Schema = {"type": "array", "minItems": max(1, element.min), "items": one}
    return many if element.max is None else many | {"maxItems": element.max}


def _choice(element: Element) -> Schema:
    one_of_them: list[Schema] = [{"required": [json_name]} for json_name, _ in element.json_names()]
    exactly_one: Schema = {"oneOf": one_of_them}
    return exactly_one if element.min else {"anyOf": [{"not": {"anyOf": one_of_them}}, exactly_one]}


_COMMON_VALUES = structures.primitive_types() | {
    *("Address", "CodeableConcept", "Coding", "Count", "Duration", "HumanName", "Identifier", "Money", "Period"),
    *("Quantity", "Range", "Ratio", "Reference"),
}
"""Values of extensions worth compiling into every schema; the other twenty take the slow way."""


def _extension() -> Schema:
    """Most extensions are `url` and one value; that pair also settles which of fifty choices is there."""
    elements = structures.elements("Extension")
    values = {name: _ref(kind) for name, kind in elements["value"].json_names() if kind in _COMMON_VALUES}
    values["extension"] = _value(elements["extension"], "Extension")
    values["url"] = _ref("uri")
    pair = {"minProperties": 2, "maxProperties": 2, "required": ["url"]}
    return {"type": "object", "properties": values, "additionalProperties": False} | pair


def _reference(targets: str) -> Schema:
    """A Reference whose relative form names one of the targets; a `type` only without it: the two may contradict."""
    found = _object("Reference")
    found["dependencies"] = {"type": {"not": {"required": ["reference"]}}}
    types = targets.split(",") if targets else sorted(structures.resource_types())
    prefixes = [*(f"^{name}/" for name in types), "^http", "^urn:"]
    if len(types) > _MANY_TARGETS:
        prefixes = [rf"^(({'|'.join(types)})/|http|urn:)"]
    begins: list[Schema] = [{"pattern": prefix} for prefix in prefixes]
    found["properties"]["reference"] = {"type": "string", "pattern": _FORM, "anyOf": begins}
    return found


_MANY_TARGETS = 16


def _primitive(name: str) -> Schema:
    kind = primitives.json_kind(name)
    if kind == "integer":
        low, high = primitives.INTEGERS[name]
        return {"type": "integer", "minimum": low, "maximum": high}
    if kind != "string":
        return {"type": kind}
    if name in _SURE:
        return {"type": "string", "minLength": 1, "pattern": _SURE[name]}
    if name == "xhtml":
        return {"type": "string", "minLength": 1}
    return {"type": "string", "minLength": 1, "maxLength": primitives.MAX_STRING}


def _ref(name: str) -> Schema:
    return {"$ref": "#/definitions/" + ("Reference:" if name == "Reference" else name)}
