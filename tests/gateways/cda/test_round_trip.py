"""Every kind of shared document: in (against the golden files), out, and in again: no coded fact is lost."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import pytest

from minkang.fhir.problem import Incorrect
from minkang.fhir.validation import faults
from minkang.gateways.cda.mapping import understood
from minkang.gateways.cda.mapping.checking import checked
from minkang.gateways.cda.mapping.draft import Tree
from minkang.gateways.cda.mapping.kinds import kinds
from minkang.gateways.cda.mapping.writing.sources import kind_named, of_composition, of_visit
from minkang.gateways.cda.wire import Element, read
from synth.documents import document
from tests.gateways.cda.golden import FOLDER, NUMBER, summary
from tests.gateways.cda.making import coded, observation, section, text
from tests.gateways.cda.making import document as made_by_hand

CODES = [kind.code for kind in kinds()]
ELEMENTS = "2.16.156.10011.2.2"


def resources_of(content: bytes) -> dict[str, Tree]:
    found = understood(content).resources
    assert [issue.text for tree in found for issue in faults(tree) if issue.severity == "error"] == []
    return {f"{one['resourceType']}/{one['id']}": one for one in found}


def composition_of(all_: dict[str, Tree]) -> Tree:
    return next(one for one in all_.values() if one["resourceType"] == "Composition")


def facts(e: Element, inside: bool = False) -> Iterator[tuple[str, str]]:
    """Codes of entries but for the names of data elements, with their systems; numbers and moments."""
    for child in e.children:
        within = inside or child.name == "entry"
        system = child.get("codeSystem")
        if within and child.get("code") and system and not system.startswith(ELEMENTS):
            yield system, child.get("code")
        if within and child.name == "value" and child.get("value"):
            yield "value", child.get("value")
        yield from facts(child, within)


@pytest.mark.parametrize("kind", CODES)
def test_a_document_becomes_what_the_golden_file_says(kind: str) -> None:
    assert summary(kind) == (FOLDER / f"{kind}.txt").read_text(encoding="utf-8")


@pytest.mark.parametrize("kind", CODES)
def test_out_and_in_again_keeps_every_coded_fact(kind: str) -> None:
    first = document(kind, NUMBER)
    before = resources_of(first)
    again = of_composition(composition_of(before), before)
    lost = Counter(facts(read(first))) - Counter(facts(read(again)))
    lost = Counter({fact: n for fact, n in lost.items() if not (fact[0] == "value" and len(fact[1]) == 14)})
    assert lost == Counter()
    after = resources_of(again)
    assert Counter(one.split("/")[0] for one in after) == Counter(one.split("/")[0] for one in before)
    assert understood(again).findings == []


@pytest.mark.parametrize("kind", CODES)
def test_what_is_written_conforms(kind: str) -> None:
    all_ = resources_of(document(kind, NUMBER))
    report = checked(of_composition(composition_of(all_), all_))
    assert [(one.rule, one.place) for one in report.findings if one.severity == "error"] == []
    assert report.kind == kind


def test_header_signers_and_places_go_out_and_come_back() -> None:
    more = (
        "<legalAuthenticator><time value='20260302100000'/><signatureCode code='S'/><assignedEntity>"
        "<id root='2.16.156.10011.1.4' extension='S2'/><code displayName='主任医师'/><assignedPerson>"
        "<name>钱主任</name>"
        "</assignedPerson></assignedEntity></legalAuthenticator>"
        "<relatedDocument typeCode='RPLC'><parentDocument><id root='2.16.156.10011.1.1' extension='D0'/>"
        "</parentDocument></relatedDocument><componentOf><encompassingEncounter><effectiveTime>"
        "<low value='20260301'/></effectiveTime>"
        "<location><healthCareFacility><serviceProviderOrganization><name>3床</name><asOrganizationPartOf>"
        "<wholeOrganization><id root='2.16.156.10011.1.5' extension='H1'/><name>第一医院</name></wholeOrganization>"
        "</asOrganizationPartOf></serviceProviderOrganization></healthCareFacility></location></encompassingEncounter>"
        "</componentOf>"
    )
    first = resources_of(
        made_by_hand(section("10154-3", observation("DE04.01.119.00", "主诉", text("头痛"))), more=more)
    )
    again = resources_of(of_composition(composition_of(first), first))
    for one, other in zip(first.values(), again.values(), strict=True):
        same = {
            "attester",
            "relatesTo",
            "custodian",
            "author",
            "name",
            "identifier",
            "location",
            "serviceProvider",
            "period",
        }
        assert {key: one.get(key) for key in same} == {key: other.get(key) for key in same}


def test_what_a_sender_wrote_is_escaped() -> None:
    words = 'a < b & "c" ]]> \''
    first = resources_of(made_by_hand(section("10154-3", observation("DE04.01.119.00", "主诉", text(words)))))
    again = resources_of(of_composition(composition_of(first), first))
    assert [one.get("valueString") for one in again.values() if one["resourceType"] == "Observation"] == [words]


def test_a_document_is_made_of_what_is_known_of_a_visit() -> None:
    rows = [
        section("10154-3", observation("DE04.01.119.00", "主诉", text("胸痛"))),
        section(
            "11535-2", observation("DE05.01.024.00", "出院诊断", coded("I20", "2.16.156.10011.2.3.3.11.3", "心绞痛"))
        ),
    ]
    known = resources_of(made_by_hand(*rows))
    patient, visit = (
        next(one for one in known.values() if one["resourceType"] == kind) for kind in ("Patient", "Encounter")
    )
    content = of_visit(kind_named("C0053"), patient, visit, known.values(), "N1", "2026-03-10T09:00:00+08:00")
    found = resources_of(content)
    assert understood(content).kind == "C0053"
    assert [one["code"]["coding"][0]["code"] for one in found.values() if one["resourceType"] == "Condition"] == ["I20"]
    assert not [
        one for one in found.values() if one["resourceType"] == "Observation"
    ]  # a complaint is none of its sections
    with pytest.raises(Incorrect, match="nothing of this visit"):
        of_visit(kind_named("C0013"), patient, visit, known.values(), "N2", "2026-03-10T09:00:00+08:00")


def test_other_codes_are_no_documents() -> None:
    with pytest.raises(Incorrect, match="no shared document"):
        kind_named("C0099")
