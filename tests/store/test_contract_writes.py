"""What the contract of the store promises of writing, beyond the tables of tests/spec: on both stores."""

from __future__ import annotations

import asyncio
from collections import Counter

import orjson
import pytest

from minkang.fhir.problem import Forbidden, Incorrect, PreconditionFailed, Unprocessable
from minkang.fhir.resource import Parsed, instant, parse
from minkang.fhir.search import grammar
from minkang.store.contract import Entry, Repository
from minkang.store.scope import EVERYTHING, Actor, Scope
from tests.lib.both_stores import RepositoryFor
from tests.lib.builders import CARD, a_patient, an_observation, parsed

pytestmark = pytest.mark.anyio
MANY = 12


@pytest.fixture
def repository(repository_for: RepositoryFor) -> Repository:
    return repository_for(Actor("Practitioner/contract", "city-hospital", 390100), EVERYTHING)


DIGITS = (
    b'{"resourceType":"Observation","valueQuantity":{"value":1.10},'
    b'"component":[{"valueInteger":7},{"valueDecimal":6.0}]}'
)


async def test_numbers_keep_their_digits_through_create_update_and_patch(repository: Repository) -> None:
    created = await repository.create("Observation", parse(DIGITS))
    id = created.stored.id
    updated = await repository.update("Observation", id, parse(DIGITS.replace(b"1.10", b"1.100")))
    patched = await repository.patch("Observation", id, lambda text: parse(text.replace(b"6.0", b"6.00")))
    assert b'"value":1.10}' in created.stored.content
    assert b'"value":1.100}' in updated.stored.content
    assert [part in patched.stored.content for part in (b"1.100}", b'"valueDecimal":6.00}', b":7}")] == [True] * 3
    assert (await repository.read("Observation", id)).content == patched.stored.content


async def test_more_digits_are_a_change(repository: Repository) -> None:
    await repository.update("Observation", "a", parse(DIGITS))
    again = await repository.update("Observation", "a", parse(DIGITS.replace(b"6.0", b"6.00")))
    assert (again.did, again.stored.version) == ("updated", 2)


async def test_the_content_says_id_version_and_time_and_keeps_the_rest_of_meta(repository: Repository) -> None:
    meta = {"versionId": "77", "lastUpdated": "2001-01-01T00:00:00Z", "tag": [{"code": "x"}], "source": "urn:his"}
    written = await repository.update("Patient", "a", parsed(a_patient("张丽", id="a", meta=meta)))
    tree = orjson.loads(written.stored.content)
    now = {"versionId": "1", "lastUpdated": instant(written.stored.updated)}
    assert tree["meta"] == meta | now
    assert tree["id"] == "a"


async def test_time_never_runs_backwards_from_version_to_version(repository: Repository) -> None:
    for number in range(5):
        await repository.update("Patient", "a", parsed(a_patient(card=str(number))))
    times = [stored.updated for stored in (await repository.history("Patient", "a")).versions]
    assert times == sorted(times, reverse=True)


async def test_a_tombstone_has_no_content(repository: Repository) -> None:
    await repository.update("Patient", "a", parsed(a_patient("张丽")))
    written = await repository.delete("Patient", "a")
    assert written is not None
    assert (written.stored.content, written.stored.deleted, written.stored.method) == (b"", True, "DELETE")
    assert (await repository.history("Patient", "a")).versions[0].content == b""


async def test_of_many_conditional_creates_one_creates(repository: Repository) -> None:
    condition = grammar.parse("Patient", [("identifier", f"{CARD}|1")], strict=True)
    patient = parsed(a_patient(card="1"))
    many = await asyncio.gather(*(repository.create("Patient", patient, if_none_exist=condition) for _ in range(MANY)))
    assert Counter(written.did for written in many) == {"created": 1, "unchanged": MANY - 1}
    assert len({written.stored.id for written in many}) == 1


async def test_of_many_updates_of_one_version_one_wins(repository: Repository) -> None:
    await repository.update("Patient", "a", parsed(a_patient(card="0")))
    tries = (repository.update("Patient", "a", parsed(a_patient(card=str(n))), if_match=1) for n in range(1, MANY))
    ended = await asyncio.gather(*tries, return_exceptions=True)
    assert Counter(type(end).__name__ for end in ended) == {"Written": 1, "PreconditionFailed": MANY - 2}
    assert (await repository.read("Patient", "a")).version == 2


async def test_a_patch_that_cannot_be_applied_undoes_the_transaction(repository: Repository) -> None:
    def refuse(text: bytes) -> Parsed:
        raise Unprocessable

    await repository.update("Patient", "a", parsed(a_patient(card="1")))
    entries = [
        Entry("PUT", "Patient", "b", parsed=parsed(a_patient(card="2"))),
        Entry("PATCH", "Patient", "a", patch=refuse),
    ]
    with pytest.raises(Unprocessable):
        await repository.transaction(entries)
    assert [(stored.id, stored.version) for stored in (await repository.history()).versions] == [("a", 1)]


async def test_the_entries_of_a_transaction_are_left_as_they_were(repository: Repository) -> None:
    urn = "urn:uuid:6a0f3a1e-0001-4000-8000-000000000001"
    entries = [
        Entry("POST", "Observation", parsed=parsed(an_observation(about=urn))),
        Entry("POST", "Patient", parsed=parsed(a_patient("张丽")), full_url=urn),
    ]
    before = [(entry.id, entry.parsed) for entry in entries]
    first = await repository.transaction(entries)
    second = await repository.transaction(entries)
    assert [(entry.id, entry.parsed) for entry in entries] == before
    assert len({written.stored.id for written in [*first, *second]}) == 4, "sent again, it makes other resources"


async def test_a_message_sent_again_is_told_what_came_of_it_then(repository: Repository) -> None:
    entries = [Entry("PUT", "Patient", "a", parsed=parsed(a_patient(card="1"))), Entry("DELETE", "Patient", "b")]
    first = await repository.transaction(entries, source="his", message_id="1")
    await repository.update("Patient", "a", parsed(a_patient(card="2")))
    again = await repository.transaction(entries, source="his", message_id="1")
    assert again == first
    assert (await repository.read("Patient", "a")).version == 2


async def test_of_many_sendings_of_one_message_one_writes(repository: Repository) -> None:
    entries = [Entry("POST", "Patient", parsed=parsed(a_patient(card="1")))]
    many = await asyncio.gather(*(repository.transaction(entries, source="his", message_id="1") for _ in range(MANY)))
    assert len({answer[0].stored.id for answer in many}) == 1
    everybody = grammar.parse("Patient", [("_summary", "count")], strict=True)
    assert (await repository.search(everybody)).total == 1


async def test_a_refused_write_leaves_no_trace(repository: Repository) -> None:
    await repository.update("Patient", "a", parsed(a_patient(card="1")))
    with pytest.raises(PreconditionFailed):
        await repository.update("Patient", "a", parsed(a_patient(card="2")), if_match=9)
    with pytest.raises(PreconditionFailed):
        await repository.update("Patient", "a", parsed(a_patient(card="2")), if_none_match="*")
    history = await repository.history()
    assert [(stored.id, stored.version) for stored in history.versions] == [("a", 1)]


async def test_what_names_nobody_any_more_leaves_the_record_of_the_patient(repository: Repository) -> None:
    await repository.update("Patient", "a", parsed(a_patient("张丽", id="a")))
    made = await repository.create("Observation", parsed(an_observation(about="Patient/a")))
    id = made.stored.id
    named = [hit.stored.id for hit in (await repository.everything("a")).hits]
    await repository.update("Observation", id, parsed(an_observation(id=id)))
    left = [hit.stored.id for hit in (await repository.everything("a")).hits]
    assert (sorted(named), left) == (sorted(["a", id]), ["a"])
    assert (await repository.read("Observation", id)).version == 2
    assert (await repository.vread("Observation", id, 1)).content == made.stored.content


async def test_an_id_that_imitates_ours_puts_nothing_into_a_strangers_record(repository: Repository) -> None:
    await repository.update("Patient", "a", parsed(a_patient("张丽", id="a")))
    made = await repository.create("Observation", parsed(an_observation(about="Patient/a")))
    await repository.delete("Observation", made.stored.id)
    imitation = made.stored.id[:-1] + ("1" if made.stored.id[-1] == "0" else "0")
    await repository.update("Observation", imitation, parsed(an_observation(id=imitation)))
    assert [hit.stored.id for hit in (await repository.everything("a")).hits] == ["a"]
    assert (await repository.read("Observation", imitation)).version == 1


async def test_a_resource_whose_reference_is_rewritten_from_a_relative_one_is_found(repository: Repository) -> None:
    base = "http://elsewhere.example/fhir"
    patient = Entry("POST", "Patient", parsed=parsed(a_patient("张丽")), full_url=f"{base}/Patient/5")
    about = parsed(an_observation(about="Patient/5"))
    both = await repository.transaction(
        [patient, Entry("POST", "Observation", parsed=about, full_url=f"{base}/Observation/9")]
    )
    person, seen = (written.stored.id for written in both)
    tree = orjson.loads((await repository.read("Observation", seen)).content)
    assert tree["subject"]["reference"] == f"Patient/{person}"
    assert {hit.stored.id for hit in (await repository.everything(person)).hits} == {person, seen}


@pytest.mark.parametrize("method", ["POST", "PUT"])
async def test_one_criterion_creates_once_in_a_transaction(repository: Repository, method: str) -> None:
    query = grammar.parse("Patient", [("identifier", f"{CARD}|77")], strict=True)
    body = parsed(a_patient("张丽", card="77"))
    with pytest.raises(Incorrect):
        await repository.transaction([Entry(method, "Patient", parsed=body, condition=query) for _ in range(2)])
    assert not (await repository.search(query)).hits


async def test_a_transaction_may_name_more_than_there_are_locks(repository: Repository) -> None:
    many = 9_000
    entries = [
        Entry("PUT", "Basic", f"b{n}", parsed=parse(b'{"resourceType":"Basic","id":"b%d"}' % n)) for n in range(many)
    ]
    assert Counter(written.did for written in await repository.transaction(entries)) == {"created": many}


async def test_a_resend_is_told_when_it_was_deleted(repository: Repository) -> None:
    await repository.update("Observation", "a", parse(DIGITS))
    gone = [Entry("DELETE", "Observation", "a")]
    first = await repository.transaction(gone, source="his", message_id="d")
    again = await repository.transaction(gone, source="his", message_id="d")
    assert again == first


async def test_who_may_not_write_a_type_learns_nothing_by_trying(repository_for: RepositoryFor) -> None:
    everybody = repository_for(Actor("Practitioner/contract"), EVERYTHING)
    await everybody.update("Observation", "a", parse(DIGITS))
    reader = repository_for(Actor("Practitioner/reader"), Scope(writable=frozenset({"Patient"})))
    for id in ("a", "nothing"):
        query = grammar.parse("Observation", [("_id", id)], strict=True)
        for tried in (
            reader.create("Observation", parse(DIGITS), if_none_exist=query),
            reader.delete_where(query),
            reader.patch("Observation", id, parse),
            reader.expunge("Observation", id),
        ):
            with pytest.raises(Forbidden):
                await tried
    assert (await everybody.read("Observation", "a")).version == 1
