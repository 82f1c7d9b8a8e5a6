"""The FHIRPath Patch cases of FHIR/fhir-test-cases."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ElementTree
from pathlib import Path
from typing import Any

from minkang.fhir import fhirpath_patch
from minkang.fhir.problem import Incorrect, Unprocessable
from minkang.fhir.resource import from_exact
from tests.conformance.examples import conformance
from tests.conformance.fhir_xml import resource

SCORE = Path(__file__).parents[2] / "build" / "conformance" / "fhirpath-patch.json"


def test_every_official_case_comes_out_as_it_should() -> None:
    cases = ElementTree.parse(conformance("patch/fhir-patch-tests.xml")).getroot().findall("case")  # noqa: S314
    failed = [case.get("name") for case in cases if not comes_out(case)]
    score = {
        "name": "FHIRPath Patch (FHIR/fhir-test-cases)",
        "cases": len(cases),
        "passed": len(cases) - len(failed),
        "note": "",
    }
    SCORE.parent.mkdir(parents=True, exist_ok=True)
    SCORE.write_text(json.dumps(score))
    assert failed == []
    assert len(cases) >= 33


def comes_out(case: ElementTree.Element) -> bool:
    before, diff = from_exact(read(case, "input")), from_exact(read(case, "diff"))
    try:
        after = fhirpath_patch.apply(before.text, fhirpath_patch.parse(diff)).tree
    except (Incorrect, Unprocessable):
        return case.find("error") is not None
    return case.find("output") is not None and plain(after) == plain(read(case, "output"))


def read(case: ElementTree.Element, part: str) -> dict[str, Any]:
    found = case.find(part)
    assert found is not None
    return resource(found[0])


def plain(tree: dict[str, Any]) -> Any:
    """Markup without the white space between its tags, which one of the cases writes in two ways."""
    text = tree.get("text")
    if text is None:
        return tree
    return {**tree, "text": {**text, "div": "".join(text["div"].split())}}
