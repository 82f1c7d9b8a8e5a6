"""The invented city: valid, repeatable, and nobody in it exists."""

from __future__ import annotations

import re
from datetime import date
from itertools import chain

import orjson
import pytest

from minkang.fhir import validation
from synth.bundles import PER_RESIDENT, bundles, registers
from synth.id_number import check_digit, id_number
from synth.people import ID_SYSTEM, patient, residents

TODAY = date(2026, 11, 22)


def test_the_check_digit_follows_the_standards_own_example() -> None:
    # GB 11643-1999, annex: 11010519491231002X
    assert check_digit("11010519491231002") == "X"
    assert id_number(110105, date(1949, 12, 31), 2) == "11010519491231002X"


def test_every_id_number_is_well_formed_and_of_a_province_that_does_not_exist() -> None:
    for resident in residents(500, 3, today=TODAY):
        if resident.id_number:
            assert re.fullmatch(r"3[89]\d{15}[\dX]", resident.id_number)
            assert resident.id_number[-1] == check_digit(resident.id_number[:17])
            assert resident.id_number[6:14] == f"{resident.born:%Y%m%d}"
            assert int(resident.id_number[16]) % 2 == (resident.sex == "male")


def test_id_numbers_and_cards_are_nobody_elses() -> None:
    everybody = list(residents(2000, 3, today=TODAY))
    assert len({resident.card for resident in everybody}) == len(everybody)
    assert len({resident.id_number for resident in everybody} - {""}) == len([r for r in everybody if r.id_number])


def test_the_newborn_and_the_foreigner_have_no_id_number() -> None:
    cast = {resident.name.text: patient(resident) for resident in residents(9, 7, today=TODAY)}
    systems = {name: {each["system"] for each in made["identifier"]} for name, made in cast.items()}
    assert {name for name, found in systems.items() if ID_SYSTEM not in found} == {"王一诺", "Anna Müller"}


def test_the_same_seed_gives_the_same_city_whoever_makes_which_part() -> None:
    whole = list(bundles(6, 11, today=TODAY))
    parts = chain(bundles(4, 11, today=TODAY), bundles(2, 11, today=TODAY, first=4))
    assert orjson.dumps(whole) == orjson.dumps(list(parts))
    assert orjson.dumps(whole) != orjson.dumps(list(bundles(6, 12, today=TODAY)))


def test_each_resident_has_nineteen_resources_in_three_messages_of_their_own() -> None:
    made = list(bundles(40, 5, today=TODAY))
    assert len(made) == 3 * 40
    assert sum(len(bundle["entry"]) for bundle in made) == PER_RESIDENT * 40
    assert len({bundle["identifier"]["value"] for bundle in made}) == len(made)


def test_every_resource_is_valid_fhir() -> None:
    for bundle in [registers(), *bundles(60, 5, today=TODAY)]:
        assert validation.faults(bundle) == []


def test_no_visit_lies_before_birth_or_in_the_future() -> None:
    born = {resident.id: resident.born for resident in residents(60, 5, today=TODAY)}
    for bundle in bundles(60, 5, today=TODAY):
        encounter = next(e["resource"] for e in bundle["entry"] if e["resource"]["resourceType"] == "Encounter")
        day = date.fromisoformat(encounter["period"]["start"][:10])
        assert born[encounter["subject"]["reference"].removeprefix("Patient/")] <= day <= TODAY


@pytest.mark.parametrize("resource_type", ["Observation", "Encounter", "Condition"])
def test_every_reference_of_a_visit_leads_somewhere(resource_type: str) -> None:
    known = {entry["request"]["url"] for entry in registers()["entry"]}
    for bundle in bundles(20, 5, today=TODAY):
        inside = {entry["fullUrl"] for entry in bundle["entry"]}
        for entry in bundle["entry"]:
            if entry["resource"]["resourceType"] == resource_type:
                for found in re.findall(rb'"reference":"([^"]+)"', orjson.dumps(entry["resource"])):
                    assert found.decode() in known | inside or found.startswith(b"Patient/r5-")
