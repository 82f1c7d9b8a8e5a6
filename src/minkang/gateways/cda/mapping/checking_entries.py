"""What is wrong with the entries of a Chinese shared document: values of another type, codes outside of their domain,
data elements that its sections lack (documents.toml, value_sets.toml)."""

from __future__ import annotations

from collections.abc import Iterator

from minkang.gateways.cda.mapping.datatypes import TYPE
from minkang.gateways.cda.mapping.groups import element_of
from minkang.gateways.cda.mapping.statements import LINKS, STATEMENTS
from minkang.gateways.cda.mapping.tables import Field, fields, value_sets
from minkang.gateways.cda.wire import Element
from minkang.platform.intake.reading import Finding

_ALIKE = {"CE": "CD", "CV": "CD", "CS": "CD", "REAL": "PQ", "IVL_TS": "TS", "SC": "ST", "ED": "ST"}
"""Types that are taken for one another."""

LISTED = 12
"""Data elements that one finding names."""


def entries(section: Element, name: str, kind: str) -> Iterator[Finding]:
    """One section by what documents of its kind hold."""
    known = fields(kind).get(name.removesuffix("章节"), ())
    wanted = {row.id: row for row in known}
    there: set[str] = set()
    for e in _observations(section):
        there.add(code_of(e))
        there.add(element_of(e))
        yield from _judged(e, wanted.get(code_of(e)) or wanted.get(element_of(e)))
    lacking = [row for row in known if row.id not in there and row.type]
    if lacking:
        shown = "、".join(f"{row.id} {row.name}" for row in lacking[:LISTED])
        yield Finding("cda-no-element", f"line {section.line}, section {name}", str(len(lacking)), shown)


def code_of(e: Element) -> str:
    code = e.first("code")
    return code.get("code") if code is not None else ""


def _observations(e: Element) -> Iterator[Element]:
    for child in e.children:
        if child.name == "observation":
            yield child
        if child.name in STATEMENTS or child.name in LINKS:
            yield from _observations(child)


def _judged(e: Element, row: Field | None) -> Iterator[Finding]:
    value = e.first("value")
    if value is None or value.get("nullFlavor"):
        return
    place = f"line {value.line}, {code_of(e)}"
    told = value.attributes.get(TYPE, "").rpartition(":")[2]
    if row is not None and row.type and _ALIKE.get(told, told) != _ALIKE.get(row.type, row.type):
        yield Finding("cda-wrong-type", place, told or "?", row.type)
    code, system = value.get("code"), value.get("codeSystem")
    table = value_sets().get(system)
    if code and table is not None and code.lstrip("0") not in {one.lstrip("0") for one in table["codes"]}:
        yield Finding("cda-outside-domain", place, code, f"{table['table']} {table['name']}")
    if code and not system:
        yield Finding("cda-no-system", place, code, row.system if row is not None else "")
