"""The JSON Patch cases of FHIR/fhir-test-cases (RFC 6902's own appendix A and more)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from minkang.fhir import json_patch
from minkang.fhir.problem import Incorrect, Unprocessable
from tests.conformance.examples import conformance

SCORE = Path(__file__).parents[2] / "build" / "conformance" / "json-patch.json"


def test_every_official_case_comes_out_as_it_should() -> None:
    cases = json.loads(conformance("patch/json-patch-tests.json").read_text("utf-8"))
    failed = [case["comment"] for case in cases if not comes_out(case)]
    score = {
        "name": "JSON Patch (FHIR/fhir-test-cases)",
        "cases": len(cases),
        "passed": len(cases) - len(failed),
        "note": "",
    }
    SCORE.parent.mkdir(parents=True, exist_ok=True)
    SCORE.write_text(json.dumps(score))
    assert failed == []
    assert len(cases) >= 16


def comes_out(case: dict[str, Any]) -> bool:
    try:
        found = json_patch.patched(case["doc"], case["patch"])
    except (Incorrect, Unprocessable):
        return "error" in case
    return "expected" in case and json.dumps(found, sort_keys=True) == json.dumps(case["expected"], sort_keys=True)
