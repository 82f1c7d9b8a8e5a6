"""What the contract of the store promises of reading, beyond the tables of tests/spec: on both stores."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import Any

import orjson
import pytest

from minkang.fhir.problem import Incorrect
from minkang.fhir.search import grammar
from minkang.fhir.search.query import Query
from minkang.store.contract import Page, Repository, Stored
from minkang.store.scope import EVERYTHING, Actor, Scope
from minkang.store.search import plan
from tests.lib.both_stores import RepositoryFor
from tests.lib.builders import a_patient, an_observation, parsed

pytestmark = pytest.mark.anyio
CITY = Actor("Practitioner/city", "city-hospital", 390100)


@pytest.fixture
def repository(repository_for: RepositoryFor) -> Repository:
    return repository_for(CITY, EVERYTHING)


def query(**asked: Any) -> Query:
    return grammar.parse("Patient", [(name, str(value)) for name, value in asked.items()], strict=True)


def shown(stored: Stored) -> datetime:
    """The time that a client sees."""
    return datetime.fromisoformat(orjson.loads(stored.content)["meta"]["lastUpdated"])


def ids(page: Page) -> list[str]:
    return [hit.stored.id for hit in page.hits]


async def pages(repository: Repository, **asked: Any) -> AsyncIterator[Page]:
    page = await repository.search(query(**asked))
    yield page
    while page.next is not None:
        page = await repository.search(query(**asked, _cursor=page.next))
        yield page


async def later_than(repository: Repository, moment: datetime) -> Stored:
    """Writes until the clock, as clients see it, has moved on."""
    for number in range(10_000):
        written = await repository.update("Patient", "clock", parsed(a_patient(card=str(number))))
        if shown(written.stored) > moment:
            return written.stored
    pytest.fail("the clock stands still")


async def three_versions(repository: Repository) -> list[Stored]:
    """Versions of Patient/a whose times differ for a client."""
    versions = []
    for number in range(3):
        written = await repository.update("Patient", "a", parsed(a_patient(card=str(number))))
        versions.append(written.stored)
        await later_than(repository, shown(written.stored))
    return versions


async def test_a_version_is_current_from_the_moment_that_it_shows(repository: Repository) -> None:
    versions = await three_versions(repository)
    for stored in versions:
        page = await repository.history("Patient", "a", at=shown(stored))
        assert [each.version for each in page.versions] == [stored.version]
    before = await repository.history("Patient", "a", at=shown(versions[0]) - timedelta(milliseconds=1))
    assert before.versions == []


async def test_since_takes_in_the_moment_itself(repository: Repository) -> None:
    versions = await three_versions(repository)
    page = await repository.history("Patient", "a", since=shown(versions[1]))
    assert [each.version for each in page.versions] == [3, 2]
    assert page.total == 3


async def test_last_updated_finds_by_the_moment_that_is_shown(repository: Repository) -> None:
    last = (await three_versions(repository))[-1]
    moment = orjson.loads(last.content)["meta"]["lastUpdated"]
    assert ids(await repository.search(query(_id="a", _lastUpdated=moment))) == ["a"]
    assert ids(await repository.search(query(_id="a", _lastUpdated=f"ge{moment}"))) == ["a"]
    assert ids(await repository.search(query(_id="a", _lastUpdated=f"gt{moment}"))) == []
    assert ids(await repository.search(query(_id="a", _lastUpdated=f"lt{moment}"))) == []


async def test_everything_since_a_moment_keeps_what_changed_then_or_later(repository: Repository) -> None:
    await repository.update("Patient", "p", parsed(a_patient("张丽")))
    old = await repository.update("Observation", "old", parsed(an_observation(about="Patient/p")))
    await later_than(repository, shown(old.stored))
    new = await repository.update("Observation", "new", parsed(an_observation(about="Patient/p")))
    page = await repository.everything("p", since=shown(new.stored))
    assert ids(page) == ["new"]


async def test_a_page_holds_what_a_read_answers(repository: Repository) -> None:
    written = await repository.update("Patient", "a", parsed(a_patient("张丽")))
    page = await repository.search(query(name="zhangli"))
    assert [hit.stored.content for hit in page.hits] == [written.stored.content]
    assert page.hits[0].stored == await repository.read("Patient", "a")


@pytest.mark.parametrize("asked", [{}, {"_sort": "birthdate"}, {"_sort": "-birthdate,gender"}, {"active": "true"}])
async def test_what_is_there_throughout_is_shown_once_whatever_comes_and_goes(
    repository: Repository, asked: dict[str, str]
) -> None:
    for number in range(12):
        await repository.update(
            "Patient", f"stays-{number}", parsed(a_patient(active=True, birthDate=f"19{10 + number}"))
        )
    seen: list[str] = []
    step = 0
    async for page in pages(repository, **asked, _count=2):
        seen += ids(page)
        born = f"19{10 + step * 5 % 12}"
        await repository.update("Patient", f"comes-{step}", parsed(a_patient(active=True, birthDate=born)))
        await repository.delete("Patient", f"comes-{step - 1}")
        step += 1
    staying = [id for id in seen if id.startswith("stays")]
    assert sorted(staying) == sorted(f"stays-{number}" for number in range(12))


async def test_a_cursor_opens_nothing_outside_the_scope(repository_for: RepositoryFor) -> None:
    city = repository_for(CITY, EVERYTHING)
    east = repository_for(CITY, Scope(divisions=frozenset({390101})))
    for number in range(4):
        await city.update("Patient", str(number), parsed(a_patient()))
    first = await city.search(query(_count=1))
    try:
        page = await east.search(query(_count=1, _cursor=first.next))
    except Incorrect:
        return
    assert page.hits == []


async def test_no_page_ends_before_the_hits_of_a_term_that_is_common_after_all(
    repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of too many hits only some are looked at, and none of those may lie behind the place where a page ended."""

    def impatient(*asked: Any) -> plan.Plan:
        made = make(*asked)
        made.most = 5
        return made

    make = plan.make
    monkeypatch.setattr(plan, "make", impatient)
    for year in range(2020, 2000, -1):
        seen = an_observation(device={"reference": "Device/d"}, effectiveDateTime=f"{year}-01-01")
        await repository.create("Observation", parsed(seen))
    found, cursor = list[str](), ""
    while True:
        asked = [("device", "Device/d"), ("_count", "7"), ("_cursor", cursor)]
        page = await repository.search(grammar.parse("Observation", asked, strict=True))
        found += ids(page)
        if page.next is None:
            break
        cursor = page.next
    assert len(found) == len(set(found)) == 20
