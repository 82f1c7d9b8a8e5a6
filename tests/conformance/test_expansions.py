"""The expansions of HL7's terminology tests (FHIR/fhir-tx-ecosystem-ig): the codes that a value set holds.

Only the codes are compared, for that is what a search needs; displays, order, paging, text filters and versions that
the caller chooses belong to `$expand` (`test_terminology.py`).
"""

from __future__ import annotations

import json
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from minkang.fhir.problem import Problem
from minkang.fhir.terminology.asking import is_needed
from minkang.fhir.terminology.codesets import Code, CodeSet
from minkang.fhir.terminology.valuesets import codes_in
from tests.conformance.examples import conformance

SCORE = Path(__file__).parents[2] / "build" / "conformance" / "expansions.json"
NOT_OURS = {"count", "offset", "filter", "activeOnly", "excludeNotForUI", "tx-resource", "valueSetVersion"} | {
    f"{how}-version" for how in ("system", "force-system", "check-system", "default-valueset")
}
"""Parameters that ask for something else than the value set's codes."""

EXPECTED = 113
"""Of those that fail, most need code systems nobody stored (LOINC, SNOMED CT, UCUM, languages), some patterns."""


def test_value_sets_hold_the_codes_that_hl7_says() -> None:
    cases = list(_cases(_files()))
    passed = sum(_codes(url, stored) == CodeSet(frozenset(wanted)) for url, stored, wanted in cases)
    note = "codes only; the rest needs code systems that are not stored (LOINC, SNOMED CT, UCUM, languages), patterns,"
    score = {
        "name": "HL7 terminology tests: expansions",
        "cases": len(cases),
        "passed": passed,
        "note": f"{note} or several versions of one code system in one value set",
    }
    SCORE.parent.mkdir(parents=True, exist_ok=True)
    SCORE.write_text(json.dumps(score))
    assert passed >= EXPECTED


def _files() -> dict[str, Any]:
    with tarfile.open(conformance("terminology/tx-tests.tgz")) as archive:
        files = [one for one in archive if one.isfile() and one.name.endswith(".json")]
        return {
            one.name.partition("tests/")[2]: json.loads(file.read())
            for one in files
            if (file := archive.extractfile(one)) is not None
        }


def _cases(files: dict[str, Any]) -> Iterator[tuple[str, list[Any], set[Code]]]:
    """The value set, what is stored, and the codes it should hold."""
    for suite in files["test-cases.json"]["suites"]:
        stored = [files.get(name) for name in suite.get("setup", [])]
        for test in suite["tests"]:
            request, response = files.get(test.get("request")), files.get(test.get("response"))
            if None in (*stored, request, response) or test.get("operation") != "expand":
                continue
            asked = {one["name"]: one for one in request.get("parameter", [])}
            url = next((text for text in asked.get("url", {}).values() if text != "url"), None)
            if response["resourceType"] == "ValueSet" and url and NOT_OURS.isdisjoint(asked):
                yield url, stored, set(_listed(response["expansion"].get("contains", [])))


def _listed(contains: list[Any]) -> Iterator[Code]:
    for one in contains:
        yield one["system"], one["code"]
        yield from _listed(one.get("contains", []))


def _codes(url: str, stored: list[Any]) -> CodeSet | None:
    asking = codes_in(url)
    try:
        need = next(asking)
        while True:
            need = asking.send([one for one in stored if is_needed(need, one)])
    except StopIteration as done:
        return done.value
    except Problem:
        return None
