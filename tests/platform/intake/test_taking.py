"""What becomes of a message: on both stores, whatever comes, nothing is lost and nothing doubled."""

from __future__ import annotations

import asyncio
import base64
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from minkang.fhir.problem import Incorrect, NotFound
from minkang.fhir.search.grammar import parse
from minkang.platform.intake.documents import document_id
from minkang.platform.intake.reading import Finding, Reading, Version, id_of
from minkang.platform.intake.receipt import of_task, to_task
from minkang.platform.intake.taking import Intake, Message
from minkang.store.contract import Repository
from minkang.store.memory import MemoryStore
from minkang.store.scope import EVERYTHING, Actor
from tests.lib.both_stores import RepositoryFor, dsn, repository_for

__all__ = ["dsn", "repository_for"]

pytestmark = pytest.mark.anyio

SENDER = "hospital"
PATIENT = id_of(SENDER, "Patient", "1")


@pytest.fixture
async def repository(repository_for: RepositoryFor) -> Repository:
    return repository_for(Actor("Device/test"), EVERYTHING)


def a_message(*readings: str, edition: int | None = None, relation: str = "", **more: Any) -> Message:
    """A message of the test door: its patient, observations by number, which edition of document D it is."""
    told = {"readings": readings, "edition": edition, "relation": relation, **more}
    return Message("testing", orjson.dumps(told), "application/json", SENDER, "a.json")


def read(message: Message) -> Reading:
    told = orjson.loads(message.content)
    if told.get("fails"):
        raise Incorrect("The third field is missing.", expression="line 3")
    found = Reading("T01", message="m1", patient=f"Patient/{PATIENT}")
    found.resources.append({"resourceType": "Patient", "id": PATIENT, "gender": "female"})
    for one in told["readings"]:
        found.resources.append(an_observation(one))
    found.gone = list(told.get("gone", ()))
    found.findings = [Finding(*one) for one in told.get("findings", ())]
    if told["edition"] is not None:
        found.version = Version("D", told["edition"], told["relation"], "D#1" if told["relation"] else "")
    return found


def an_observation(name: str) -> dict[str, Any]:
    return {
        "resourceType": "Observation",
        "id": observation(name),
        "status": "final",
        "code": {"text": name},
        "subject": {"reference": f"Patient/{PATIENT}"},
        "valueString": name,
    }


def observation(name: str) -> str:
    return id_of(SENDER, "Observation", name)


async def there(repository: Repository) -> set[str]:
    """Texts of all observations."""
    page = await repository.search(parse("Observation", [("_count", "100")], strict=True))
    return {orjson.loads(hit.stored.content)["valueString"] for hit in page.hits}


async def count(repository: Repository, type: str) -> int:
    return (
        await repository.search(parse(type, [("_summary", "count"), ("_total", "accurate")], strict=True))
    ).total or 0


async def test_what_is_understood_is_written_with_its_receipt(repository: Repository) -> None:
    message = a_message("a", "b")
    receipt = await Intake(repository).take(message, read)
    assert (receipt.outcome, receipt.kind, receipt.patient) == ("accepted", "T01", f"Patient/{PATIENT}")
    assert set(receipt.resources) == {f"Patient/{PATIENT}", *(f"Observation/{observation(one)}" for one in "ab")}
    assert await there(repository) == {"a", "b"}
    binary = orjson.loads((await repository.read(*receipt.original.split("/"))).content)
    assert base64.b64decode(binary["data"]) == message.content, "byte for byte"
    assert await Intake(repository).receipt(receipt.id) == receipt
    assert of_task(to_task(receipt)) == receipt


async def test_sending_again_gets_the_first_receipt(repository: Repository) -> None:
    intake = Intake(repository)
    first = await intake.take(a_message("a"), read)
    again = await intake.take(a_message("a"), read)
    assert (again.outcome, again.first, again.id) == ("duplicate", "accepted", first.id)
    assert (await repository.read("Observation", observation("a"))).version == 1
    assert await count(repository, "Task") == 1


async def test_two_at_once_are_one(repository: Repository) -> None:
    receipts = await asyncio.gather(*(Intake(repository).take(a_message("a", edition=1), read) for _ in range(6)))
    assert sorted(one.outcome for one in receipts) == ["accepted"] + ["duplicate"] * 5
    assert await count(repository, "Task") == await count(repository, "DocumentReference") == 1


async def test_what_cannot_be_read_waits_with_the_reason(repository: Repository) -> None:
    intake = Intake(repository)
    receipt = await intake.take(a_message("a", fails=True), read)
    assert (receipt.outcome, receipt.resources) == ("quarantined", ())
    [why] = receipt.findings
    assert (why.place, why.severity) == ("line 3", "error")
    assert "The third field is missing." in why.en
    assert "无法解析" in why.zh
    assert await there(repository) == set()
    again = await intake.take(a_message("a", fails=True), read)
    assert (again.outcome, again.first) == ("duplicate", "quarantined")
    found = await repository.search(parse("Task", [("business-status", "quarantined")], strict=True))
    assert [hit.stored.id for hit in found.hits] == [receipt.id]


async def test_quarantine_is_replayed_corrected_or_not(repository: Repository) -> None:
    intake = Intake(repository)
    receipt = await intake.take(a_message("a", fails=True), read)
    assert (await intake.replay(receipt.id, read)).outcome == "quarantined"
    done = await intake.replay(receipt.id, read, a_message("a").content)
    assert (done.outcome, done.id) == ("accepted", receipt.id)
    assert await there(repository) == {"a"}
    assert (await intake.replay(receipt.id, read)).outcome == "duplicate"
    versions = await repository.history("Task", receipt.id)
    told = [of_task(orjson.loads(one.content)).outcome for one in versions.versions]
    assert (told[0], told[-1]) == ("accepted", "quarantined"), "what became of it stays told"
    with pytest.raises(NotFound):
        await intake.replay("never-was", read)


@pytest.mark.parametrize(
    ("how", "rule"),
    [
        (lambda message: 1 / 0, "intake-fault"),
        (lambda message: Reading("X", resources=[{"resourceType": "Observation", "id": "o"}]), "intake-invalid"),
        (lambda message: Reading("X", findings=[Finding("intake-unreadable", value="{place}")]), "intake-unreadable"),
    ],
)
async def test_whatever_a_mapping_does(repository: Repository, how: Any, rule: str) -> None:
    receipt = await Intake(repository).take(a_message(), how)
    assert (receipt.outcome, receipt.findings[0].rule) == ("quarantined", rule)
    assert await Intake(repository).receipt(receipt.id) == receipt


async def test_a_thin_message_takes_nothing_from_a_registration(repository: Repository) -> None:
    def rich(message: Message) -> Reading:
        found = read(message)
        found.resources[0] |= {"birthDate": "1980-01-02", "name": [{"text": "李雷"}]}
        return found

    intake = Intake(repository)
    await intake.take(a_message("a"), rich)
    receipt = await intake.take(a_message("b"), read)
    assert receipt.is_taken
    stored = orjson.loads((await repository.read("Patient", PATIENT)).content)
    assert (stored["birthDate"], stored["gender"], stored["name"]) == ("1980-01-02", "female", [{"text": "李雷"}])


async def test_sent_again_it_is_read_again_while_it_waits(repository: Repository) -> None:
    """As after a correction of the platform: who waits for an operator's replay in vain may simply send again."""
    intake = Intake(repository)
    stopped = await intake.take(a_message("a", fails=True), read)
    assert not stopped.is_taken
    done = await intake.take(a_message("a", fails=True), lambda _: read(a_message("a")))
    assert (done.outcome, done.id) == ("accepted", stopped.id)
    assert await there(repository) == {"a"}


async def test_what_says_nothing_new_of_a_patient_writes_none(repository: Repository) -> None:
    for name in ("a", "b"):
        await Intake(repository).take(a_message(name), read)
    assert (await repository.read("Patient", PATIENT)).version == 1


async def test_messages_of_one_new_patient_at_once(repository: Repository) -> None:
    receipts = await asyncio.gather(*(Intake(repository).take(a_message(f"o{n}"), read) for n in range(5)))
    assert all(one.is_taken for one in receipts)
    assert await there(repository) == {f"o{n}" for n in range(5)}


async def test_nothing_is_rejected(repository: Repository) -> None:
    receipt = await Intake(repository).take(Message("testing", b"", "text/plain"), read)
    assert (receipt.outcome, receipt.original) == ("rejected", "")


async def test_a_newer_edition_replaces(repository: Repository) -> None:
    intake = Intake(repository)
    first = await intake.take(a_message("a", "b", edition=1), read)
    second = await intake.take(a_message("b", "c", edition=2, relation="replace"), read)
    assert await there(repository) == {"b", "c"}
    assert second.gone == (f"Observation/{observation('a')}",)
    late = await intake.take(a_message("z", edition=0), read)
    assert (late.outcome, late.resources) == ("accepted", ())
    assert late.findings[0].rule == "intake-older"
    assert await there(repository) == {"b", "c"}
    status = {
        one.document: orjson.loads((await repository.read(*one.document.split("/"))).content)["status"]
        for one in (second, late)
    }
    assert status == {second.document: "current", late.document: "superseded"}
    assert first.document != second.document
    old = await repository.history("Observation", observation("a"))
    assert [one.deleted for one in old.versions] == [True, False], "what was there stays in the history"


async def test_the_document_before_is_superseded(repository: Repository) -> None:
    intake = Intake(repository)
    first = await intake.take(a_message("a", edition=1), read)
    await intake.take(a_message("a", edition=2), read)
    stored = orjson.loads((await repository.read(*first.document.split("/"))).content)
    assert stored["status"] == "superseded"


async def test_an_appendix_takes_nothing_away(repository: Repository) -> None:
    intake = Intake(repository)
    await intake.take(a_message("a", edition=1), read)
    await intake.take(a_message("b", edition=2, relation="append"), read)
    assert await there(repository) == {"a", "b"}
    await intake.take(a_message("c", edition=3), read)
    assert await there(repository) == {"c"}


async def test_the_same_edition_with_other_content_is_told(repository: Repository) -> None:
    intake = Intake(repository)
    await intake.take(a_message("a", edition=1), read)
    receipt = await intake.take(a_message("b", edition=1), read)
    assert (receipt.outcome, receipt.findings[0].rule) == ("warnings", "intake-same-edition")
    assert await there(repository) == {"b"}


async def test_editions_that_race_leave_the_newest(repository: Repository) -> None:
    messages = [a_message(f"e{number}", edition=number) for number in range(5)]
    receipts = await asyncio.gather(*(Intake(repository).take(one, read) for one in messages))
    assert all(one.is_taken for one in receipts)
    assert await there(repository) == {"e4"}
    assert await count(repository, "DocumentReference") == 5
    newest = document_id(SENDER, Version("D", 4), messages[4].content)
    current = await repository.search(parse("DocumentReference", [("status", "current")], strict=True))
    assert [hit.stored.id for hit in current.hits] == [newest]


async def test_a_message_takes_back_what_it_cancels(repository: Repository) -> None:
    intake = Intake(repository)
    await intake.take(a_message("a", "b"), read)
    receipt = await intake.take(a_message("b", gone=[f"Observation/{observation('a')}"]), read)
    assert receipt.gone == (f"Observation/{observation('a')}",)
    assert await there(repository) == {"b"}


@given(content=st.binary(max_size=200))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_bytes_get_a_receipt(content: bytes) -> None:
    async def take() -> None:
        repository = MemoryStore().repository(Actor("Device/test"), EVERYTHING)
        receipt = await Intake(repository).take(Message("testing", content, "application/octet-stream"), read)
        assert receipt.outcome in ("quarantined", "rejected", "accepted")
        assert await Intake(repository).receipt(receipt.id) == receipt

    asyncio.run(take())
