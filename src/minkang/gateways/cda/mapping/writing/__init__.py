"""FHIR to clinical document: what the record knows, as a Chinese shared document (WS/T 500-2016, WS/T 483-2016). Pure.

Composition or visit → sections with their resources → header + entries → bytes
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from minkang.gateways.cda.mapping.draft import Tree
from minkang.gateways.cda.mapping.tables import sections
from minkang.gateways.cda.mapping.writing.entries import entry, fees
from minkang.gateways.cda.mapping.writing.header import Head, header
from minkang.gateways.cda.mapping.writing.markup import kept, tag, words

__all__ = ["Head", "Part", "written"]

SILENT = frozenset({"DiagnosticReport", "Specimen", "Patient", "Encounter", "Composition", "RelatedPerson", "Binary"})
"""Resources that are told by the header, or inside of others."""


class Part(NamedTuple):
    """A section. `code`: LOINC's, or empty for one that has a title alone; `text`: what a person reads."""

    code: str
    title: str
    resources: Sequence[Tree]
    text: str = ""


def written(head: Head, parts: Sequence[Part], all_: Mapping[str, Tree]) -> bytes:
    """UTF-8 with declaration. `all_`: every resource by `Type/id`, for those that others name."""
    body = "".join(_section(part, all_) for part in parts)
    whole = tag("component", tag("structuredBody", body)) if body else ""
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        '<ClinicalDocument xmlns="urn:hl7-org:v3" xmlns:mif="urn:hl7-org:v3/mif"'
        ' xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">'
        f"{header(head)}{whole}</ClinicalDocument>"
    ).encode()


def _section(part: Part, all_: Mapping[str, Tree]) -> str:
    if part.resources and all(one["resourceType"] in SILENT for one in part.resources):
        return ""
    known = sections().get(part.code)
    code = (
        tag(
            "code",
            code=part.code,
            displayName=known.title if known else part.title,
            codeSystem="2.16.840.1.113883.6.1",
            codeSystemName="LOINC",
        )
        if part.code
        else tag("code", displayName=part.title)
    )
    entries = "".join(tag("entry", one) for one in _entries(part.resources, all_) if one)
    return tag("component", tag("section", code, words("text", part.text) or tag("text"), entries))


def _entries(resources: Sequence[Tree], all_: Mapping[str, Tree]) -> list[str]:
    """What stands within another resource of the section goes inside of it."""
    here = {f"{one['resourceType']}/{one['id']}" for one in resources}
    inside: dict[str, list[Tree]] = {}
    roots: list[Tree] = []
    for one in resources:
        around = next((found["reference"] for found in kept(one, "within") if found["reference"] in here), "")
        if around and around != f"{one['resourceType']}/{one['id']}":
            inside.setdefault(around, []).append(one)
        else:
            roots.append(one)
    return [text for one in roots for text in _written(one, inside, all_, 0)]


def _written(tree: Tree, inside: Mapping[str, list[Tree]], all_: Mapping[str, Tree], depth: int) -> list[str]:
    if tree["resourceType"] in SILENT:
        return []
    if tree["resourceType"] == "Invoice":
        return fees(tree)
    children = inside.get(f"{tree['resourceType']}/{tree['id']}", []) if depth < 20 else []
    nested = [text for one in children for text in _written(one, inside, all_, depth + 1)]
    return [entry(tree, nested, all_)]
