"""What other bureaus are given: the agreed fields and nothing else, what changed since, what is taken back."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

import pytest

from minkang.fhir.problem import Forbidden, Problem
from minkang.platform.sharing.agreement import agreement
from minkang.platform.sharing.giving import Giving, log
from minkang.platform.sharing.rows import Row
from minkang.store.contract import Repository
from minkang.store.scope import EVERYTHING, Actor
from tests.lib.both_stores import RepositoryFor, dsn, repository_for
from tests.lib.builders import a_patient, parsed

__all__ = ["dsn", "repository_for"]

pytestmark = pytest.mark.anyio

TODAY = date(2026, 11, 25)
TEXT = """
name = "住院结算共享"
recipient = "市医疗保障局"
basis = "数据共享协议 2026-014"
until = 2027-12-31
table = "hospital_stay"
criteria = "Encounter?class=IMP&status=finished"

[[column]]
name = "visit_no"
path = "identifier.value.first()"

[[column]]
name = "sex"
of = "subject"
path = "gender"

[[column]]
name = "days"
path = "length.value"

[[column]]
name = "reasons"
path = "reasonCode.text"
"""


class Kept:
    """A target that remembers, and breaks when it is told to."""

    def __init__(self) -> None:
        self.rows: dict[str, Row] = {}
        self.runs = 0
        self.broken = False

    async def put(self, rows: Sequence[Row]) -> None:
        if self.broken:
            raise OSError("disk full")
        self.rows |= {row["resource_id"]: row for row in rows}

    async def finish(self) -> None:
        self.runs += 1


@pytest.fixture
def repository(repository_for: RepositoryFor) -> Repository:
    return repository_for(Actor("Device/test"), EVERYTHING)


async def a_stay(repository: Repository, id: str, *, status: str = "finished", klass: str = "IMP", **more: Any) -> None:
    tree = {
        "resourceType": "Encounter",
        "id": id,
        "identifier": [{"value": f"V{id}"}],
        "status": status,
        "class": {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": klass},
        "subject": {"reference": "Patient/p"},
        **more,
    }
    await repository.update("Encounter", id, parsed(tree))


async def a_city(repository: Repository) -> None:
    await repository.update("Patient", "p", parsed(a_patient("王丽", id="p", gender="female")))
    await a_stay(repository, "1", length={"value": 7}, reasonCode=[{"text": "咳嗽"}, {"text": "发热"}])
    await a_stay(repository, "2", klass="AMB")
    await a_stay(repository, "3", status="in-progress")


def fields(kept: Kept) -> dict[str, tuple[Any, ...]]:
    names = ("deleted", "visit_no", "sex", "days", "reasons")
    return {id: tuple(row[name] for name in names) for id, row in kept.rows.items()}


async def test_the_agreed_fields_of_what_meets_it_are_given(repository: Repository) -> None:
    await a_city(repository)
    kept = Kept()
    given = await Giving(repository, agreement(TEXT)).run(kept, TODAY)
    assert (given.rows, given.taken_back, given.since, kept.runs) == (1, 0, None, 1)
    assert fields(kept) == {"1": (False, "V1", "female", "7", "咳嗽; 发热")}
    assert kept.rows["1"].keys() == {*agreement(TEXT).fields}, "no name, no id number: nothing that was not agreed"


async def test_the_next_run_gives_what_changed_and_takes_back_what_no_longer_meets_it(repository: Repository) -> None:
    await a_city(repository)
    await a_stay(repository, "4")
    await a_stay(repository, "5")
    kept = Kept()
    await Giving(repository, agreement(TEXT)).run(kept, TODAY)
    await a_stay(repository, "3", length={"value": 2})
    await a_stay(repository, "4", status="entered-in-error")
    await repository.delete("Encounter", "5")
    given = await Giving(repository, agreement(TEXT)).run(kept, TODAY)
    assert given.since is not None
    assert given.taken_back >= 2
    empty = (True, None, None, None, None)
    told = fields(kept)
    assert (told["3"], told["4"], told["5"]) == ((False, "V3", "female", "2", None), empty, empty)
    assert not told["1"][0]


async def test_a_run_that_breaks_gives_the_same_again(repository: Repository) -> None:
    await a_city(repository)
    kept, giving = Kept(), Giving(repository, agreement(TEXT))
    kept.broken = True
    with pytest.raises(OSError, match="disk full"):
        await giving.run(kept, TODAY)
    assert await log(repository, 10) == []
    kept.broken = False
    assert (await giving.run(kept, TODAY)).rows == 1
    assert (await giving.run(kept, TODAY, whole=True)).rows == 1


async def test_each_run_is_written_down_with_its_ground_and_its_fields(repository: Repository) -> None:
    await a_city(repository)
    await Giving(repository, agreement(TEXT)).run(Kept(), TODAY)
    [event] = await log(repository, 10)
    assert [one["name"] for one in event["agent"]] == ["Minkang", "市医疗保障局"]
    [entity] = event["entity"]
    assert (entity["name"], entity["description"]) == ("住院结算共享", "数据共享协议 2026-014")
    details = {one["type"]: one["valueString"] for one in entity["detail"]}
    assert details == {
        "rows": "1",
        "taken-back": "0",
        "fields": "resource_id,updated,deleted,visit_no,sex,days,reasons",
    }


async def test_an_agreement_that_has_ended_gives_nothing(repository: Repository) -> None:
    await a_city(repository)
    with pytest.raises(Forbidden, match="ended on 2027-12-31"):
        await Giving(repository, agreement(TEXT)).run(Kept(), date(2028, 1, 1))


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('name = "住院结算共享"', "", "does not say name"),
        ("until = 2027-12-31", "", "no day it ends on"),
        ("until = 2027-12-31", "until = 2027-12-31T00:00:00", "no day it ends on"),
        ("hospital_stay", "Stay; DROP", "table is small letters"),
        ("Encounter?class=IMP", "Encouter?class=IMP", "resource type"),
        ("class=IMP", "subject:Patient.name=x", "no chains"),
        ('path = "gender"', 'path = "gender("', "Column sex"),
        ('name = "days"', 'name = "sex"', "same name: sex"),
        ('name = "days"', 'name = "deleted"', "same name: deleted"),
        ('name = "days"', 'name = "Days"', "column's name"),
        ('of = "subject"', 'of = "subject.x"', "of names an element"),
        ('of = "subject"', 'off = "subject"', "says name, path"),
        ("[[column]]", "[column]", "no TOML"),
        ("until", "whom = 1\nuntil", "means nothing here"),
    ],
)
def test_what_is_wrong_in_an_agreement_is_said(old: str, new: str, words: str) -> None:
    with pytest.raises(Problem, match=words):
        agreement(TEXT.replace(old, new, 1))
