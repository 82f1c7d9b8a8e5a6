"""HL7's FHIRPath test suite for R4 (FHIR/fhir-test-cases, HL7/fhirpath.js).

Read as HL7's own runner does: an expression with `invalid` must fail (unknown elements count as errors then), one with
`predicate="true"` is asked whether it found anything, and the outputs are compared in order, with their types, unless
`ordered` is false. `fhirpath-known-failures.json` names every case that comes out otherwise here, with the reason; a
case may neither join nor leave that list unnoticed.
"""

from __future__ import annotations

import json
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator
from decimal import Decimal
from functools import cache
from pathlib import Path

from minkang.fhir.path import Node, nodes
from minkang.fhir.path.values import Moment, plain
from minkang.fhir.problem import Incorrect
from minkang.fhir.resource import exact
from tests.conformance.examples import conformance

SCORE = Path(__file__).parents[2] / "build" / "conformance" / "fhirpath.json"
KNOWN = json.loads(Path(__file__).with_name("fhirpath-known-failures.json").read_text("utf-8"))
NOTHING = {"resourceType": "Basic"}


def test_every_case_comes_out_as_hl7_says_or_stands_in_the_list() -> None:
    cases = list(suite())
    failed = [f"{number} {case.get('name')}" for number, case in enumerate(cases, 1) if not comes_out(case)]
    write_score(len(cases), len(cases) - len(failed))
    assert failed == list(KNOWN)
    assert len(cases) >= 935


def suite() -> Iterator[ElementTree.Element]:
    return ElementTree.parse(conformance("fhirpath/tests-fhir-r4.xml")).getroot().iter("test")  # noqa: S314


def comes_out(case: ElementTree.Element) -> bool:
    expression = case.find("expression")
    assert expression is not None
    invalid = expression.get("invalid") is not None
    try:
        found = nodes(expression.text or "", resource(case.get("inputfile")), strict=invalid)
    except Incorrect:
        return invalid
    if invalid:
        return False
    outputs = [(output.get("type"), output.text or "") for output in case.findall("output")]
    if case.get("predicate") == "true":
        return outputs == [("boolean", "true" if found else "false")]
    if case.get("ordered") == "false":
        found, outputs = sorted(found, key=text), sorted(outputs, key=lambda output: output[1])
    return len(found) == len(outputs) and all(map(same, found, outputs))


@cache
def resource(name: str | None) -> dict[str, object]:
    if name is None:
        return NOTHING
    return exact(conformance(f"fhirpath/input/{name.replace('.xml', '.json')}").read_bytes())


def same(node: Node, output: tuple[str | None, str]) -> bool:
    kind, expected = output
    value = plain(node)
    if kind is not None and node.kind.rpartition(".")[2].lower() != kind.lower():
        return False
    if isinstance(value, Moment):
        return str(value) == expected.removeprefix("@").removeprefix("T")
    if isinstance(value, Decimal) and kind is None:
        return f"{value:f}" == expected
    return text(node) == expected


def text(node: Node) -> str:
    value = plain(node)
    return str(value).lower() if isinstance(value, bool) else str(value)


def write_score(cases: int, passed: int) -> None:
    note = f"{cases - passed} named in tests/conformance/fhirpath-known-failures.json, with reasons"
    SCORE.parent.mkdir(parents=True, exist_ok=True)
    SCORE.write_text(json.dumps({"name": "FHIRPath (HL7's R4 suite)", "cases": cases, "passed": passed, "note": note}))
