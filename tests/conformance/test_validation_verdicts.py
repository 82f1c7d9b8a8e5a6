"""Our verdicts against those of HL7's own validator (FHIR/fhir-test-cases).

That validator also judges profiles, terminology, invariants and house rules. `validation-out-of-scope.json` names the
cases that hang on those, one reason each; every other case must come out alike, and none may leave the list unnoticed.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from minkang.fhir.problem import Incorrect
from minkang.fhir.resource import parse
from minkang.fhir.validation import check
from tests.conformance.examples import conformance

SCORE = Path(__file__).parents[2] / "build" / "conformance" / "validate.json"
BEYOND = json.loads(Path(__file__).with_name("validation-out-of-scope.json").read_text("utf-8"))


def test_every_structural_error_is_found_and_no_valid_resource_refused() -> None:
    cases = json.loads(conformance("validate/cases.json").read_text("utf-8"))["cases"]
    missed, refused, passed = set[str](), set[str](), 0
    for case in cases:
        valid = accepted(conformance(f"validate/files/{case['file']}").read_bytes())
        if valid == case["valid"]:
            passed += 1
        else:
            (missed if valid else refused).add(case["file"])
    _write(len(cases), passed)
    assert missed == BEYOND["missed"].keys()
    assert refused == BEYOND["refused"].keys()


def accepted(body: bytes) -> bool:
    try:
        tree: dict[str, Any] = parse(body).tree
        check(tree)
    except Incorrect:
        return False
    return True


def _write(cases: int, passed: int) -> None:
    note = (
        f"every structural verdict agrees; {len(BEYOND['missed'])} files are refused by HL7's validator for profiles, "
        "terminology, invariants, resolution or policy, which are not structure; one file has two contrary verdicts"
    )
    SCORE.parent.mkdir(parents=True, exist_ok=True)
    SCORE.write_text(json.dumps({"name": "HL7 validator verdicts", "cases": cases, "passed": passed, "note": note}))
