"""A message while it is being understood: what was found so far, and the datatypes that every segment uses."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from minkang.fhir import hl7_times as times
from minkang.fhir.resource import Resource
from minkang.gateways.hl7v2.mapping.tables import code, system
from minkang.gateways.hl7v2.wire import Message, Segment
from minkang.platform.intake.reading import Cleared, Finding, id_of

Element = dict[str, Any]
MAX_ALIKE = 50
NAMESPACE = "urn:x-minkang:hl7v2:"


class Draft:
    """`sender`: whose names these are; `zone`: `+08:00`, for times that name none."""

    def __init__(self, message: Message, sender: str, zone: str) -> None:
        self.message, self.sender, self.zone = message, sender, zone
        self.resources: dict[str, Resource] = {}
        self.findings: list[Finding] = []
        self.gone: list[str] = []
        self.cleared: list[Cleared] = []
        self.patient = ""
        self._places: dict[int, str] = {}
        self._named: dict[str, int] = {}

    def add(self, kind: str, names: tuple[str, ...], **elements: Any) -> str:
        """A resource under the id that the sender's names give it; empty elements are left out. `Type/id`."""
        made = id_of(self.sender, kind, *names)
        self.resources[f"{kind}/{made}"] = {"resourceType": kind, "id": made, **present(**elements)}
        return f"{kind}/{made}"

    def clear(self, segment: Segment, resource: str, fields: dict[int, tuple[str, ...]]) -> None:
        """Elements of a registration that the sender empties with `""`, by the fields that fill them."""
        self.cleared += [Cleared(resource, path) for field, path in fields.items() if segment.deleted(field)]

    def nth(self, *names: str) -> str:
        """How often these names came before in this message: "" the first time, then "1", "2" ..."""
        key = "\x1f".join(names)
        seen = self._named.get(key, 0)
        self._named[key] = seen + 1
        return str(seen) if seen else ""

    def fault(self, rule: str, segment: Segment, field: int, value: str = "", expected: str = "") -> None:
        """At most MAX_ALIKE of a rule, each once: a report of 20 000 results may be wrong in all of them."""
        if not self._places:
            of_name: dict[str, list[int]] = {}
            for one in self.message.segments:
                of_name.setdefault(one.name, []).append(one.number)
            for numbers in of_name.values():
                self._places |= {one: f"[{at}]" if len(numbers) > 1 else "" for at, one in enumerate(numbers, 1)}
        found = Finding(rule, f"{segment.name}{self._places[segment.number]}-{field}", value[:200], expected)
        if sum(one.rule == rule for one in self.findings) < MAX_ALIKE and found not in self.findings:
            self.findings.append(found)

    def coded(self, table: str, segment: Segment, field: int, value: str | None = None) -> str | None:
        """The FHIR code of a field by a table; a finding when the table has none."""
        value = segment.text(field) if value is None else value
        found = code(table, value) if value else None
        if value and found is None:
            self.fault("unknown-code", segment, field, value, table)
        return found

    def time(self, segment: Segment, field: int, raw: str | None = None) -> str | None:
        return self._timed(segment, field, raw, lambda text: times.date_time(text, self.zone))

    def day(self, segment: Segment, field: int) -> str | None:
        return self._timed(segment, field, None, times.day)

    def _timed(self, segment: Segment, field: int, raw: str | None, read: Any) -> str | None:
        raw = segment.text(field) if raw is None else raw
        made = read(raw) if raw else None
        if raw and made is None:
            self.fault("bad-time", segment, field, raw, "YYYYMMDDHHMMSS")
        return made

    def authority(self, segment: Segment, text: str, component: int) -> str:
        """HD to the URI of an assigning authority: its OID when it has one, else the sender's own name for it."""
        name, universal, kind = (segment.inside(text, component, sub) for sub in (1, 2, 3))
        if (universal and kind.upper() == "ISO") or universal.startswith(("1.", "2.")):
            return f"urn:oid:{universal}"
        if _uri(universal):
            return universal
        return f"urn:oid:{name}" if name.startswith(("1.2.", "2.16.")) else self.own(name)

    def own(self, name: str) -> str:
        """The URI for a name that only the sender understands: its own numbers, its own codes."""
        return f"{NAMESPACE}{quote(self.sender)}:{quote(name or 'local')}"

    def identifier(self, segment: Segment, text: str) -> Element | None:
        """CX."""
        value, kind = segment.inside(text, 1), segment.inside(text, 5)
        if not value:
            return None
        where = code("identifier-system", kind) or self.authority(segment, text, 4)
        coding = present(system=system("identifier-type"), code=code("identifier-type", kind) or kind)
        name = segment.inside(text, 4)
        return present(
            type={"coding": [coding]} if kind else None, system=where, value=value, assigner=present(display=name)
        )

    def number(self, segment: Segment, field: int) -> Element | None:
        """EI: the number of an order or a visit."""
        text = segment.field(field)
        value = segment.text(field)
        if not value:
            return None
        universal, kind = segment.text(field, 3), segment.text(field, 4)
        if universal:  # the standard's own form; many senders put all of it into the second component
            oid = f"urn:oid:{universal}" if kind.upper() == "ISO" else ""
            return {"system": oid or _uri(universal) or self.own(universal), "value": value}
        return {"system": self.authority(segment, text, 2), "value": value}

    def person(self, segment: Segment, field: int) -> list[Element]:
        """XCN to references that name the practitioner by number and words; who they are, the directory says."""
        return [found for one in segment.repeats(field) if (found := self._practitioner(segment, one))]

    def _practitioner(self, segment: Segment, one: str) -> Element:
        value = segment.inside(one, 1)
        words = (
            "".join(segment.inside(one, part) for part in (2, 3)) if segment.inside(one, 2) else segment.inside(one, 3)
        )
        where = self.authority(segment, one, 9)
        return present(
            type="Practitioner" if value else None,
            identifier={"system": where, "value": value} if value else None,
            display=words,
        )

    def concept(self, segment: Segment, field: int, raw: str | None = None) -> Element | None:
        """CE, CWE, CNE: all codings (v2.7 has a third) and the text. A system without a URI gets one of the sender."""
        raw = segment.field(field).split(segment.delimiters.repetition, 1)[0] if raw is None else raw
        codings = [found for start in (1, 4, 10) if (found := self._coding(segment, raw, start))]
        words = segment.inside(raw, 9) or segment.inside(raw, 2)
        return present(coding=codings, text=words) or None

    def _coding(self, segment: Segment, raw: str, start: int) -> Element | None:
        value, words, name = (segment.inside(raw, start + part) for part in range(3))
        if not value:
            return None
        uri = code("code-system", name) or _uri(name) or self.own(name)
        edition = segment.inside(raw, {1: 7, 4: 8, 10: 13}[start])
        return present(system=uri, version=edition, code=" ".join(value.split()), display=words)


def _uri(name: str) -> str:
    """The name of a coding system when it is a URI, as those that we send are."""
    return name if name.startswith(("http://", "https://", "urn:")) else ""


def present(**elements: Any) -> Element:
    """Only what is there: FHIR has no empty values."""
    return {name.rstrip("_"): value for name, value in elements.items() if value not in (None, "", [], {})}
