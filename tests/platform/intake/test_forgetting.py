"""The log of messages is kept as long as it is said, by age and by room; documents' originals stay."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest

from minkang.fhir.problem import Gone, NotFound
from minkang.platform.intake import forgetting
from minkang.platform.intake.forgetting import Forgetting, Forgotten, Terms
from minkang.platform.intake.receipt import Receipt
from minkang.platform.intake.taking import Intake
from minkang.store.keys import generate
from minkang.store.scope import EVERYTHING, Actor
from minkang.store.store import Store
from tests.platform.intake.test_taking import a_message, read

pytestmark = pytest.mark.anyio

NOW = datetime(2026, 11, 25, tzinfo=UTC)
TERMS = Terms(timedelta(days=100), timedelta(days=200))
SOME = 5


@pytest.fixture
async def store(fresh_database_url: str) -> AsyncIterator[Store]:
    opened = await Store.open(fresh_database_url, generate())
    yield opened
    await opened.close()


async def take(store: Store, name: str, days: int, *, edition: int | None = None, fails: bool = False) -> Receipt:
    """A message that came so many days ago."""
    message = a_message(name, edition=edition, fails=fails)._replace(received=NOW - timedelta(days=days))
    return await Intake(store.repository(Actor("Device/test"), EVERYTHING)).take(message, read)


def forgetting_by(store: Store, terms: Terms = TERMS) -> Forgetting:
    return Forgetting(store.repository(Actor("Device/test"), EVERYTHING), store.purge(), terms)


async def is_there(store: Store, reference: str) -> bool:
    try:
        await store.repository(Actor("Device/test"), EVERYTHING).read(*reference.split("/"))
    except (NotFound, Gone):
        return False
    return True


async def test_each_outcome_has_its_term(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(forgetting, "PORTION", 2)
    old = [await take(store, f"o{n}", 101) for n in range(SOME)]
    new = await take(store, "n", 99)
    failed = await take(store, "f", 199, fails=True)
    gone = await take(store, "g", 201, fails=True)
    work = forgetting_by(store)
    assert await work.count(NOW) == SOME + 1
    heard: list[int] = []
    assert await work.run(NOW, heard.append) == Forgotten(SOME + 1, SOME + 1)
    assert heard == [2, 4, 5, 6]
    for receipt, stays in [*((one, False) for one in old), (new, True), (failed, True), (gone, False)]:
        assert await is_there(store, f"Task/{receipt.id}") is stays
        assert await is_there(store, receipt.original) is stays
        for written in receipt.resources:
            assert await is_there(store, written), "what a message brought is the record, not the log"
    assert await work.run(NOW) == Forgotten()


async def test_the_original_of_a_document_outlives_its_receipt(store: Store) -> None:
    receipt = await take(store, "a", 1000, edition=1)
    assert await forgetting_by(store).run(NOW) == Forgotten(1, 0)
    assert not await is_there(store, f"Task/{receipt.id}")
    assert await is_there(store, receipt.original)
    assert await is_there(store, receipt.document)


async def test_what_another_door_could_not_read_goes_and_the_document_stays(store: Store) -> None:
    taken = await take(store, "a", 300, edition=1)
    again = a_message("a", edition=1)._replace(door="other", received=NOW - timedelta(days=300))
    intake = Intake(store.repository(Actor("Device/test"), EVERYTHING))

    def refuses(message: object) -> object:
        raise ValueError

    other = await intake.take(again, refuses)  # type: ignore[arg-type]
    assert other.outcome == "quarantined"
    assert await forgetting_by(store).run(NOW) == Forgotten(2, 1)
    assert await is_there(store, taken.original)
    assert not await is_there(store, other.original)


async def test_beyond_its_room_the_oldest_days_go_first_and_what_waits_in_quarantine_stays(store: Store) -> None:
    for n in range(3):
        await take(store, f"t{n}", 50)
    failed = await take(store, "f", 50, fails=True)
    async with store.database.connection() as connection:  # as if written that day
        await connection.execute("UPDATE resource SET updated = $1", NOW - timedelta(days=50))
    new = await take(store, "n", 0)
    rooms = await store.purge().rooms("Binary", forgetting.MESSAGE)
    assert [one.resources for one in rooms] == [1, 4]
    enough, little = (Terms(TERMS.keep, TERMS.keep_errors, sum(one.bytes for one in rooms) - less) for less in (0, 1))
    assert await forgetting_by(store, enough).run(NOW) == Forgotten()
    assert await forgetting_by(store, little).run(NOW) == Forgotten(3, 3)
    assert await is_there(store, new.original)
    assert await is_there(store, failed.original)
