"""A document while it is being understood: what was found so far, and whose names these are."""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from minkang.fhir.resource import Resource
from minkang.gateways.cda.mapping.kinds import Kind
from minkang.gateways.cda.wire import Element
from minkang.platform.intake.reading import Finding, id_of

Tree = dict[str, Any]

KEPT = "https://minkang.example/StructureDefinition/cda-"
"""Extensions for what a document says and FHIR has no element for."""

MAX_ALIKE = 50


@dataclass(frozen=True, slots=True)
class Context:
    """Where a statement stands. `section`: its code or title; `time`: the nearest time around it, a FHIR dateTime;
    `people`: who said so, where the statement names nobody; `within`: the resource that it is a part of."""

    section: str = ""
    title: str = ""
    category: str = ""
    role: str = ""
    time: str | None = None
    people: tuple[Tree, ...] = ()
    within: str = ""

    def inside(self, within: str, time: str | None = None) -> Context:
        return replace(self, within=within or self.within, time=time or self.time)


class Draft:
    """`set`: what all editions of the document are called; `kind`: which of the Chinese shared documents it is, if any;
    `zone`: `+08:00`, for times that name none."""

    def __init__(self, document: Element, sender: str, set_: str, kind: Kind | None, zone: str = "+08:00") -> None:
        self.document, self.sender, self.set, self.kind, self.zone = document, sender, set_, kind, zone
        self.resources: dict[str, Resource] = {}
        self.findings: list[Finding] = []
        self.patient = self.encounter = ""
        self.composition = f"Composition/{id_of(sender, 'Composition', set_)}"
        self.facts: dict[tuple[str, str], Element] = {}
        self._named: dict[str, int] = {}
        self._words: dict[str, Element] | None = None

    def add(self, kind: str, names: tuple[str, ...], **elements: Any) -> str:
        """A resource of this document under an id that its place in the document gives it. `Type/id`."""
        key = "\x1f".join((kind, *names))
        nth = self._named.get(key, 0)
        self._named[key] = nth + 1
        return self.put(kind, id_of(self.sender, kind, self.set, *names, str(nth)), **elements)

    def put(self, kind: str, id: str, **elements: Any) -> str:
        """A resource under this id, which says of which document it is."""
        origin = {"url": f"{KEPT}document", "valueReference": {"reference": self.composition}}
        elements["extension"] = [*(elements.get("extension") or ()), origin]
        self.resources[f"{kind}/{id}"] = {"resourceType": kind, "id": id, **present(**elements)}
        return f"{kind}/{id}"

    def fault(self, rule: str, e: Element | None, value: str = "", expected: str = "", place: str = "") -> None:
        """At most MAX_ALIKE of a rule, each once."""
        if e is not None:
            place = f"line {e.line}, {place or e.name}"
        found = Finding(rule, place, value[:200], expected)
        if sum(one.rule == rule for one in self.findings) < MAX_ALIKE and found not in self.findings:
            self.findings.append(found)

    def referred(self, e: Element) -> str:
        """Its words, or those of the narrative that it refers to."""
        pointer = e.first("reference")
        if pointer is not None and pointer.get("value").startswith("#"):
            found = self._narratives().get(pointer.get("value")[1:])
            if found is not None:
                return " ".join(found.words().split())
        return e.words().strip()

    def _narratives(self) -> dict[str, Element]:
        if self._words is None:
            self._words = {}
            _collect(self.document, False, self._words)
        return self._words


def _collect(e: Element, told: bool, found: dict[str, Element]) -> None:
    for child in e.children:
        inside = told or (child.name == "text" and e.name == "section")
        if inside and "ID" in child.attributes:
            found.setdefault(child.attributes["ID"], child)
        _collect(child, inside, found)


_NUMBERS = (int, float, Decimal)
"""False and 0 are something."""


def present(**elements: Any) -> Tree:
    """Only what is there: FHIR has no empty values."""
    return {name.rstrip("_"): value for name, value in elements.items() if value or isinstance(value, _NUMBERS)}


def kept(name: str, **value: Any) -> list[Tree]:
    """An extension for what FHIR has no element for; none when there is nothing to say."""
    return [{"url": KEPT + name, **value}] if _whole(value) else []


def _whole(value: Tree) -> bool:
    return all(one or isinstance(one, _NUMBERS) for one in value.values())
