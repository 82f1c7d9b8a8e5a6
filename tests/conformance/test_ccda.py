"""C-CDA documents that nobody here wrote, fact by fact: every code with a system in an entry is in what was made of it.

A fact is an element in an `entry` with a code and a code system; each must be in the resources as often as in the
document. What is not kept is listed in the score.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from minkang.fhir.validation import faults
from minkang.gateways.cda.mapping import understood
from minkang.gateways.cda.mapping.datatypes import uri
from minkang.gateways.cda.wire import Element, read
from tests.conformance.examples import conformance

SCORE = Path(__file__).parents[2] / "build" / "conformance" / "ccda.json"
DOCUMENTS = 22
LEAST = 0.95


def facts(e: Element, inside: bool = False) -> Iterator[tuple[tuple[str, str], str]]:
    """System and code, and where."""
    for child in e.children:
        within = inside or child.name == "entry"
        if within and child.get("code") and child.get("codeSystem"):
            yield (uri(child.get("codeSystem")), " ".join(child.get("code").split())), f"{e.name}/{child.name}"
        yield from facts(child, within)


def codings(tree: Any) -> Iterator[tuple[str, str]]:
    if isinstance(tree, dict):
        if "code" in tree and "system" in tree:
            yield tree["system"], tree["code"]
        tree = list(tree.values())
    if isinstance(tree, list):
        for one in tree:
            yield from codings(one)


def test_coded_facts_of_entries_are_kept() -> None:
    files = sorted(conformance("ccda/samples").iterdir())
    assert len(files) == DOCUMENTS
    all_, lost, broken = 0, Counter[str](), list[str]()
    for file in files:
        content = file.read_bytes()
        resources = understood(content).resources
        there = Counter(codings(resources))
        broken += [
            f"{file.name} {i.expression} {i.text}" for r in resources for i in faults(r) if i.severity == "error"
        ]
        for fact, place in facts(read(content)):
            all_ += 1
            there[fact] -= 1
            if there[fact] < 0:
                lost[place] += 1
    kept = all_ - lost.total()
    SCORE.parent.mkdir(parents=True, exist_ok=True)
    note = ", ".join(f"{number} of {place}" for place, number in lost.most_common())
    score = {
        "name": "C-CDA samples, coded facts of entries",
        "cases": all_,
        "passed": kept,
        "note": f"not kept: {note}",
    }
    SCORE.write_text(json.dumps(score))
    assert broken == []
    assert kept / all_ >= LEAST, note
