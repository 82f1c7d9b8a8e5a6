"""FHIR XML read to FHIR JSON by the structure definitions, as far as test data need it (http://hl7.org/fhir/R4/xml.html)."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from typing import Any

from minkang.fhir.definitions.structures import elements, primitive_types, resource_types
from minkang.fhir.resource import Exact

FHIR = "{http://hl7.org/fhir}"
XHTML = "{http://www.w3.org/1999/xhtml}"


def resource(element: ElementTree.Element) -> dict[str, Any]:
    name = element.tag.removeprefix(FHIR)
    return {"resourceType": name, **structure(element, name)}


def structure(element: ElementTree.Element, type_name: str) -> dict[str, Any]:
    found: dict[str, Any] = dict(element.attrib)
    members = {key: (e, kind) for e in elements(type_name).values() for key, kind in e.json_names()}
    for child in element:
        if child.tag == XHTML + "div":
            found["div"] = xhtml(child)
            continue
        key = child.tag.removeprefix(FHIR)
        definition, kind = members[key]
        if kind in primitive_types():
            put(found, key, primitive(child, kind), definition.repeats)
            put(found, f"_{key}", beside(child, kind), definition.repeats)
        else:
            whole = kind in ("Resource", "DomainResource") or kind in resource_types()
            put(found, key, resource(child[0]) if whole else structure(child, kind), definition.repeats)
    return found


def put(found: dict[str, Any], key: str, value: Any, repeats: bool) -> None:
    if repeats and value is not None:
        found.setdefault(key, []).append(value)
    elif value is not None:
        found[key] = value


def primitive(element: ElementTree.Element, kind: str) -> Any:
    text = element.get("value")
    if text is None:
        return None
    if kind == "boolean":
        return text == "true"
    if kind in ("integer", "positiveInt", "unsignedInt"):
        return int(text)
    return Exact(text) if kind == "decimal" else text


def beside(element: ElementTree.Element, kind: str) -> dict[str, Any] | None:
    extensions = [structure(child, "Extension") for child in element]
    named = {"id": element.get("id")} if "id" in element.attrib else {}
    return (named | ({"extension": extensions} if extensions else {})) or None


def xhtml(element: ElementTree.Element) -> str:
    """The markup as a text; white space between tags does not matter here."""
    ElementTree.register_namespace("", XHTML[1:-1])
    return " ".join(ElementTree.tostring(element, encoding="unicode").split())
