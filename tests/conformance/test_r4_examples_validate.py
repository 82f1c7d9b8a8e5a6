"""HL7's published R4 examples are valid here, but for those that break the standard's own rules."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from minkang.fhir.problem import Incorrect
from minkang.fhir.validation import check, surely_valid
from minkang.fhir.validation.walk import Walk
from tests.conformance.examples import r4_examples

SCORE = Path(__file__).parents[2] / "build" / "conformance" / "r4-examples-validate.json"
INVALID_AS_PUBLISHED = {
    "ImplementationGuide/fhir": "name and status are missing",
    "Questionnaire/qs1": "items without linkId",
    "SearchParameter/questionnaireresponse-extensions-QuestionnaireResponse-item-subject": "an id of 67 characters",
}


def test_published_examples_are_valid() -> None:
    refused: dict[str, str] = {}
    count = files = 0
    for tree in r4_examples():
        count += 1
        told = refusal(tree)
        if told is not None:
            files += 1  # ImplementationGuide/fhir stands in the archive twice
            refused[f"{tree['resourceType']}/{tree['id']}"] = told
    wrong = {name: told for name, told in refused.items() if name not in INVALID_AS_PUBLISHED}
    score = {
        "name": "HL7 R4 examples accepted as valid",
        "cases": count,
        "passed": count - files,
        "note": "refused, invalid as published: " + "; ".join(f"{k} ({v})" for k, v in INVALID_AS_PUBLISHED.items()),
    }
    SCORE.parent.mkdir(parents=True, exist_ok=True)
    SCORE.write_text(json.dumps(score))
    assert wrong == {}
    assert refused.keys() == INVALID_AS_PUBLISHED.keys()
    assert count > 5000


def refusal(tree: dict[str, Any]) -> str | None:
    try:
        check(tree)
    except Incorrect as problem:
        return problem.text
    return None


def test_the_quick_verdict_settles_nearly_all_examples_and_is_never_wrong() -> None:
    count = quick = 0
    for tree in r4_examples(every=10):
        count += 1
        if surely_valid(tree):
            quick += 1
            assert Walk(trusting=False).run(tree) == []
    assert quick >= 0.9 * count
