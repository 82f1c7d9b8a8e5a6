"""UCUM's functional tests (FHIR/Ucum-java)."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable
from decimal import ROUND_HALF_UP, Context, Decimal
from pathlib import Path

from minkang.fhir import ucum
from tests.conformance.examples import conformance

SCORE = Path(__file__).parents[2] / "build" / "conformance" / "ucum.json"
Case = ElementTree.Element


def test_every_official_case_comes_out_as_it_should() -> None:
    root = ElementTree.parse(conformance("ucum/UcumFunctionalTests.xml")).getroot()  # noqa: S314
    cases = [(section, case) for section in CHECKS for case in root.find(section) or ()]
    failed = [f"{section} {case.get('id')}" for section, case in cases if not CHECKS[section](case)]
    score = {"name": "UCUM functional tests", "cases": len(cases), "passed": len(cases) - len(failed), "note": NOTE}
    SCORE.parent.mkdir(parents=True, exist_ok=True)
    SCORE.write_text(json.dumps(score))
    assert failed == []
    assert len(cases) >= 573


NOTE = "validation, display names, conversion, multiplication, division"


def validated(case: Case) -> bool:
    return ucum.is_unit(case.attrib["unit"]) == (case.get("valid") == "true")


def displayed(case: Case) -> bool:
    return ucum.display(case.attrib["unit"]) == case.get("display")


def converted(case: Case) -> bool:
    found = ucum.convert(Decimal(case.attrib["value"]), case.attrib["srcUnit"], case.attrib["dstUnit"])
    return alike(found, case.attrib["outcome"])


def multiplied(case: Case) -> bool:
    return combined(case, Decimal(case.attrib["v1"]) * Decimal(case.attrib["v2"]), ".")


def divided(case: Case) -> bool:
    return combined(case, Decimal(case.attrib["v1"]) / Decimal(case.attrib["v2"]), "/")


def combined(case: Case, value: Decimal, operator: str) -> bool:
    unit = f"({case.get('u1')}){operator}({case.get('u2')})"
    return alike(ucum.convert(value, unit, case.attrib["uRes"]), case.attrib["vRes"])


def alike(found: Decimal, expected: str) -> bool:
    """Equal to the digits that the case gives: 1.575 s/m is written 1.6."""
    digits = Decimal(expected).as_tuple().digits
    return Context(prec=len(digits), rounding=ROUND_HALF_UP).plus(found) == Decimal(expected)


CHECKS: dict[str, Callable[[Case], bool]] = {
    "validation": validated,
    "displayNameGeneration": displayed,
    "conversion": converted,
    "multiplication": multiplied,
    "division": divided,
}
