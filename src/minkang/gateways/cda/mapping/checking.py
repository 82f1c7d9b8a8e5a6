"""What is wrong with a document, told to who writes it: by the standard's rules as `checks.toml` has them, by the
document's kind, by what the mapping found. Nothing is written."""

from __future__ import annotations

import tomllib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from typing import Any, NamedTuple

from minkang.fhir.problem import Problem
from minkang.fhir.validation import faults
from minkang.gateways.cda.mapping import understood
from minkang.gateways.cda.mapping.checking_entries import entries
from minkang.gateways.cda.mapping.composition import sections_of
from minkang.gateways.cda.mapping.kinds import Kind, kind_of, kinds
from minkang.gateways.cda.mapping.tables import sections
from minkang.gateways.cda.wire import Element, read
from minkang.platform.intake.findings import Told, rules_of, told
from minkang.platform.intake.reading import Finding


class Rule(NamedTuple):
    """`path`: element names from the root, `@name` for an attribute at the end; `value`: what it must be, if anything
    particular; `severity`: of a breach."""

    path: tuple[str, ...]
    severity: str
    clause: str
    value: str = ""


@dataclass(slots=True)
class Report:
    """`outcome`: `conformant`, `warnings` or `errors`; `resources`: how many of which type would be written."""

    kind: str = ""
    title: str = ""
    findings: list[Told] = field(default_factory=list[Told])
    resources: Counter[str] = field(default_factory=Counter[str])

    @property
    def outcome(self) -> str:
        found = {one.severity for one in self.findings}
        return "errors" if "error" in found else "warnings" if "warning" in found else "conformant"

    def json(self) -> dict[str, Any]:
        return {
            "outcome": self.outcome,
            "kind": self.kind,
            "title": self.title,
            "findings": [one.json() for one in self.findings],
            "resources": dict(self.resources),
        }


@cache
def _rules() -> tuple[Rule, ...]:
    rows = tomllib.loads((files("minkang.gateways.cda") / "checks.toml").read_text("utf-8"))["header"]
    return tuple(Rule(tuple(row.pop("path").split("/")), **row) for row in rows)


def checked(content: bytes) -> Report:
    """Never raises for what was sent."""
    rules = rules_of("minkang.gateways.cda")
    try:
        document = read(content)
    except Problem as problem:
        return Report(findings=list(told([Finding("intake-unreadable", value=problem.text)], rules)))
    kind = kind_of(document)
    found = understood(content, document=document)
    report = Report(found.kind, kind.title if kind else "")
    report.resources.update(tree["resourceType"] for tree in found.resources)
    findings = [*_header(document, kind), *_sections(document, kind), *found.findings, *_invalid(found.resources)]
    report.findings = list(told(findings, rules))
    return report


def _invalid(resources: list[dict[str, Any]]) -> Iterator[Finding]:
    for tree in resources:
        for issue in faults(tree):
            if issue.severity == "error":
                yield Finding("intake-invalid", f"{tree['resourceType']} {issue.expression}", issue.text)


def _header(document: Element, kind: Kind | None) -> Iterator[Finding]:
    """Mandatory elements of the header; of the Chinese documents alone, for others have other rules."""
    if kind is None:
        return
    for rule in _rules():
        value = _at(document, rule.path)
        path = "/".join(("ClinicalDocument", *rule.path))
        name = "cda-missing" if rule.severity == "error" else "cda-missing-recommended"
        if not value:
            yield Finding(name, path, expected=rule.clause)
        elif rule.value and value != rule.value:
            yield Finding("cda-wrong-value", path, value, rule.value)
    template = document.first("templateId")
    if template is None or template.get("root") != kind.template:
        yield Finding("cda-wrong-template", "ClinicalDocument/templateId/@root", _root(template), kind.template)


def _root(e: Element | None) -> str:
    return e.get("root") if e is not None else ""


def _at(e: Element, path: tuple[str, ...]) -> str:
    """The value of an attribute, or `there` for an element that says something."""
    found: Element | None = e
    for name in path:
        if found is None:
            return ""
        if name.startswith("@"):
            return found.get(name[1:])
        found = found.first(name)
    return "there" if found is not None and (found.words().strip() or found.attributes or found.children) else ""


def _sections(document: Element, kind: Kind | None) -> Iterator[Finding]:
    """Sections of the kind that are missing, and such as belong to no document of it."""
    if kind is None:
        return
    there = [name for e in sections_of(document) for name in [_name(e)] if name]
    names = {one.removesuffix("章节") for one in there}
    for code in dict.fromkeys(kind.sections):
        if code.removesuffix("章节") not in names:
            title = sections()[code].title if code in sections() else code
            yield Finding("cda-no-section", "structuredBody", code, title)
    known = {one.removesuffix("章节") for each in kinds() for one in each.sections}
    for e in sections_of(document):
        name = _name(e)
        if name and name.removesuffix("章节") not in known:
            yield Finding("cda-strange-section", f"line {e.line}, section", name)
        yield from entries(e, name, kind.code)


def _name(e: Element) -> str:
    code = e.first("code")
    title = e.first("title")
    coded = (code.get("code") or code.get("displayName")) if code is not None else ""
    return coded or (title.words().strip() if title is not None else "")
