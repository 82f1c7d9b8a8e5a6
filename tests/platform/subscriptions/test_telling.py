"""Targets are told of what changed: at least once, in order, within the author's scope; none holds up another."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import ExitStack
from datetime import timedelta
from typing import Any

import orjson
import pytest
import structlog.testing

from minkang.fhir.problem import NotFound
from minkang.fhir.resource import Resource
from minkang.fhir.subscriptions.wish import HEARTBEAT, MAX_COUNT
from minkang.fhir.validation import check
from minkang.platform.subscriptions import delivering, desk, telling
from minkang.platform.subscriptions.delivering import Delivering
from minkang.platform.subscriptions.desk import SubscriptionDesk
from minkang.platform.subscriptions.following import Subscribing
from minkang.platform.subscriptions.records import ACTOR, FAILED
from minkang.platform.subscriptions.telling import House
from minkang.platform.workflow import follow
from minkang.platform.workflow.follow import Following
from minkang.store.keys import generate
from minkang.store.scope import EVERYTHING, Actor, Scope
from minkang.store.store import Store
from tests.lib.builders import a_patient, an_observation, parsed
from tests.lib.subscriptions import Heard, Listener, a_topic_subscription, an_r4_subscription, listening

pytestmark = pytest.mark.anyio

OPERATOR = Actor("Device/operator")
COUNTY = Actor("Organization/a", "a", 380101)
BASE = "https://fhir.example.org/fhir"
SCOPES = {OPERATOR.reference: (OPERATOR, EVERYTHING), COUNTY.reference: (COUNTY, Scope(divisions=frozenset({380101})))}

Listening = Callable[..., Listener]


class Platform:
    """What runs behind the doors, in this process."""

    def __init__(self, store: Store, targets: list[str]) -> None:
        self.store = store
        self.targets = targets
        self.scopes: dict[str, tuple[Actor, Scope]] = dict(SCOPES)
        self.house = House(
            store.database,
            store.sealer,
            store.repository,
            lambda actor: store.repository(actor, EVERYTHING),
            lambda reference: self.scopes.get(reference),
            self.targets,
            BASE,
        )
        self.tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        subscribing = Subscribing(self.store.sealer, self.house.authority, self.targets)
        following = Following(self.store.database, self.store.sealer, subscribing)
        parts = [following.run(), Delivering(self.house).run(), self._number()]
        self.tasks = [asyncio.create_task(part) for part in parts]

    async def _number(self) -> None:
        while True:
            await self.store.sequence()
            await asyncio.sleep(0.005)

    async def stop(self) -> None:
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)

    async def put(self, tree: Resource, id: str, actor: Actor = OPERATOR) -> None:
        repository = self.store.repository(actor, EVERYTHING)
        await repository.update(tree["resourceType"], id, parsed({**tree, "id": id}))

    async def delete(self, type: str, id: str) -> None:
        await self.store.repository(OPERATOR, EVERYTHING).delete(type, id)

    async def subscription(self, id: str) -> dict[str, Any]:
        return orjson.loads((await self.store.repository(OPERATOR, EVERYTHING).read("Subscription", id)).content)

    async def status(self, id: str) -> str:
        return (await self.subscription(id))["status"]

    async def subscribe(self, tree: Resource, id: str, actor: Actor = OPERATOR) -> None:
        """Returns when it is active."""
        await self.put(tree, id, actor)
        await come(lambda: self._is(id, "active"), f"{id} is active")

    async def _is(self, id: str, status: str) -> bool:
        return await self.status(id) == status

    async def becomes(self, id: str, status: str) -> None:
        await come(lambda: self._is(id, status), f"{id} is {status}")

    async def value(self, statement: str, *arguments: Any) -> Any:
        async with self.store.database.connection() as connection:
            return await connection.fetchval(statement, *arguments)


async def come(condition: Callable[[], Awaitable[object]], what: str) -> None:
    """Looks often; fails after half a minute."""
    async with asyncio.timeout(30):
        for _ in range(100_000):
            if await condition():
                return
            await asyncio.sleep(0.01)
    raise AssertionError(what)


async def heard(listener: Listener, count: int) -> list[Heard]:
    """The event notifications, as soon as there are so many."""

    async def enough() -> bool:
        return len(listener.events) >= count

    await come(enough, f"{count} notifications")
    return listener.events


async def events(listener: Listener, count: int) -> list[str]:
    """What was told of, as soon as there are so many events."""

    async def enough() -> bool:
        return sum(len(one.numbers) for one in listener.events) >= count

    await come(enough, f"{count} events")
    return [name for one in listener.events for name in one.focus]


@pytest.fixture
async def platform(fresh_database_url: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Platform]:
    for module in (follow, delivering):
        monkeypatch.setattr(module, "PAUSE", 0.005)
        monkeypatch.setattr(module, "STANDBY", 0.01)
    monkeypatch.setattr(telling, "FIRST_PAUSE", timedelta(milliseconds=20))
    monkeypatch.setattr(telling, "LONGEST_PAUSE", timedelta(milliseconds=50))
    monkeypatch.setattr(telling, "LATER", timedelta(milliseconds=10))
    made = Platform(await Store.open(fresh_database_url, generate(), connections=30), [])
    made.start()
    yield made
    await made.stop()
    await made.store.close()


@pytest.fixture
def a_target(platform: Platform) -> Iterator[Listening]:
    """Makes targets that the platform may tell."""
    with ExitStack() as stack:

        def make(answers: Callable[[Heard], int | None] = lambda _: 200) -> Listener:
            made = stack.enter_context(listening(answers))
            platform.targets.append(made.address)
            return made

        yield make


# --- what is told


async def test_a_target_is_greeted_and_told(platform: Platform, a_target: Listening) -> None:
    target = a_target()
    await platform.put(an_observation(status="final"), "before")
    await platform.subscribe(a_topic_subscription(f"{target.address}/n", "Observation?status=final"), "s1")
    assert target.heard[0].kind == "handshake"
    await platform.put(an_observation(status="final"), "o1")
    await platform.put(an_observation(status="preliminary"), "o2")
    await platform.put(a_patient("王小明"), "p1")
    await platform.put(an_observation(status="final", code="x"), "o1")
    await platform.delete("Observation", "o1")
    names = await events(target, 3)
    assert [name for name in names if name != "Observation/before"] == ["Observation/o1"] * 3
    for one in target.heard:
        check(one.tree, "Bundle")
        assert one.headers["content-type"] == "application/fhir+json"
        assert one.path == "/n"
    methods = [e["request"]["method"] for one in target.events for e in one.tree["entry"][1:]]
    assert methods[-3:] == ["POST", "PUT", "DELETE"]
    assert all("resource" not in e for one in target.events for e in one.tree["entry"][1:])


@pytest.mark.parametrize("content", ["empty", "full-resource"])
async def test_a_notification_holds_what_was_asked_for(platform: Platform, a_target: Listening, content: str) -> None:
    target = a_target()
    await platform.subscribe(a_topic_subscription(target.address, "Patient?", content=content), "s1")
    await platform.put(a_patient("王小明"), "p1")
    [told] = await heard(target, 1)
    assert told.numbers == [1]
    assert ("王小明".encode() in told.body) is (content == "full-resource")
    assert (b"p1" in told.body) is (content == "full-resource")


async def test_the_version_told_is_the_one_that_was_written(platform: Platform, a_target: Listening) -> None:
    target = a_target(lambda one: 200 if one.kind == "handshake" or len(target.heard) > 5 else 503)
    await platform.subscribe(a_topic_subscription(target.address, "Patient?", content="full-resource"), "s1")
    for name in ("王一", "王二", "王三"):
        await platform.put(a_patient(name), "p1")

    async def last_is_told() -> bool:
        return (
            "王三".encode() in target.heard[-1].body and await platform.value("SELECT delivered FROM subscription") == 3
        )

    await come(last_is_told, "all three are taken")
    told = [e["resource"]["name"][0]["text"] for one in target.events for e in one.tree["entry"][1:]]
    assert list(dict.fromkeys(told)) == ["王一", "王二", "王三"]


async def test_r4s_own_form_without_a_payload(platform: Platform, a_target: Listening) -> None:
    target = a_target()
    tree = an_r4_subscription(target.address, "Observation?status=final")
    tree["channel"]["header"] = ["Authorization: Bearer s3cret"]
    await platform.subscribe(tree, "s1")
    await platform.put(an_observation(status="final"), "o1")

    async def told() -> bool:
        return bool(target.heard)

    await come(told, "it is told")
    assert (target.heard[0].method, target.heard[0].body) == ("POST", b"")
    assert target.heard[0].headers["authorization"] == "Bearer s3cret"


async def test_r4s_own_form_with_a_payload_updates_a_server(platform: Platform, a_target: Listening) -> None:
    target = a_target()
    tree = an_r4_subscription(f"{target.address}/base?key=1", "Patient?", payload="application/fhir+json")
    await platform.subscribe(tree, "s1")
    await platform.put(a_patient("王小明"), "p1")
    await platform.put(a_patient("李"), "p2")

    async def told() -> bool:
        return len(target.heard) == 2

    await come(told, "both are told")
    assert [(one.method, one.path) for one in target.heard] == [
        ("PUT", "/base/Patient/p1?key=1"),
        ("PUT", "/base/Patient/p2?key=1"),
    ]
    assert target.heard[0].tree["name"][0]["text"] == "王小明"


# --- order and repetition


async def test_each_is_told_in_order_and_by_number(platform: Platform, a_target: Listening) -> None:
    targets = [a_target() for _ in range(3)]
    for number, target in enumerate(targets):
        await platform.subscribe(a_topic_subscription(target.address, "Patient?"), f"s{number}")
    for number in range(30):
        await platform.put(a_patient("王"), f"p{number}")
    for target in targets:
        assert await events(target, 30) == [f"Patient/p{number}" for number in range(30)]
        assert [number for one in target.events for number in one.numbers] == list(range(1, 31))


async def test_one_look_tells_all_there_is_but_not_without_end(
    platform: Platform, a_target: Listening, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(delivering, "ROUNDS", 4)
    target = a_target()
    tree = a_topic_subscription(target.address, "Patient?")
    tree["channel"]["extension"] = [{"url": MAX_COUNT, "valuePositiveInt": 1}]
    await platform.subscribe(tree, "s1")
    target.answers = lambda _: 503
    for number in range(6):
        await platform.put(a_patient("王"), f"p{number}")
    await come(lambda: platform.value("SELECT events = 6 AND failures > 0 FROM subscription"), "all are numbered")
    await platform.stop()
    target.answers = lambda _: 200
    told = len(target.events)
    alone = Delivering(platform.house)
    for expected in (4, 6):
        visits: dict[str, asyncio.Task[None]] = {"s1": asyncio.create_task(asyncio.sleep(0))}
        await alone._visit("s1", visits)
        assert [one.numbers for one in target.events[told:]] == [[number + 1] for number in range(expected)]
        assert not visits


async def test_a_target_that_fails_is_told_when_it_recovers(platform: Platform, a_target: Listening) -> None:
    target = a_target()
    await platform.subscribe(a_topic_subscription(target.address, "Patient?"), "s1")
    target.answers = lambda _: 503
    for number in range(5):
        await platform.put(a_patient("王"), f"p{number}")
    await platform.becomes("s1", "error")
    assert "503" in (await platform.subscription("s1"))["error"]
    target.answers = lambda _: 200
    await platform.becomes("s1", "active")
    assert "error" not in await platform.subscription("s1")
    taken = list(dict.fromkeys(number for one in target.events for number in one.numbers))
    assert taken == [1, 2, 3, 4, 5]


async def test_one_that_never_answers_holds_up_nobody(
    platform: Platform, a_target: Listening, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("minkang.fhir.subscriptions.wish.LONGEST_TIMEOUT", 2)
    dumb = a_target()
    names = [f"dumb{number}" for number in range(delivering.SLOTS + 4)]
    for name in names:
        await platform.put(a_topic_subscription(f"{dumb.address}/{name}", "Patient?"), name)
    for name in names:
        await platform.becomes(name, "active")
    dumb.answers = lambda _: None
    await platform.put(a_patient("王"), "p0")
    one_waits = "SELECT count(*) > 0 FROM subscription WHERE failures > 0"
    await come(lambda: platform.value(one_waits), "the first timeout")
    well = a_target()
    await platform.subscribe(a_topic_subscription(well.address, "Patient?"), "well")
    await platform.put(a_patient("王"), "p1")
    assert await events(well, 1) == ["Patient/p1"]
    assert await platform.value("SELECT sum(delivered) FROM subscription WHERE id <> 'well'") == 0


async def test_an_event_refused_again_and_again_is_put_aside_and_can_be_told_again(
    platform: Platform, a_target: Listening, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(telling, "MOST_REFUSALS", 3)
    target = a_target(lambda one: 422 if b"Patient/p1" in one.body else 200)
    await platform.subscribe(a_topic_subscription(target.address, "Patient?"), "s1")
    for number in range(4):
        await platform.put(a_patient("王"), f"p{number}")
    aside = "SELECT delivered = 4 AND EXISTS (SELECT FROM subscription_event WHERE aside) FROM subscription"
    await come(lambda: platform.value(aside), "the others are taken")
    assert await platform.value("SELECT array_agg(number) FROM subscription_event WHERE aside") == [2]
    target.answers = lambda _: 200
    count = len(target.events)
    async with platform.store.database.connection() as connection:
        assert await desk.replay(connection, "s1") == 1
        assert await desk.replay(connection, "s1") == 0
    again = (await heard(target, count + 1))[-1]
    assert (again.numbers, again.focus) == ([2], ["Patient/p1"])
    rest = "SELECT NOT EXISTS (SELECT FROM subscription_event WHERE again OR aside)"
    await come(lambda: platform.value(rest), "nothing lies aside")


async def test_what_was_taken_is_told_again_after_a_death_before_it_was_recorded(
    platform: Platform, a_target: Listening, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = a_target()
    await platform.subscribe(a_topic_subscription(target.address, "Patient?"), "s1")

    async def die(*_: Any) -> None:
        raise asyncio.CancelledError

    with monkeypatch.context() as death:
        death.setattr(telling.Visit, "taken", die)
        await platform.put(a_patient("王"), "p1")
        await heard(target, 1)
    await platform.stop()
    platform.start()
    assert set(await events(target, 2)) == {"Patient/p1"}
    assert {number for one in target.events for number in one.numbers} == {1}


async def test_of_two_processes_one_tells(platform: Platform, a_target: Listening) -> None:
    other = Platform(platform.store, platform.targets)
    other.start()
    try:
        target = a_target()
        await platform.subscribe(a_topic_subscription(target.address, "Patient?"), "s1")
        for number in range(10):
            await platform.put(a_patient("王"), f"p{number}")
        assert await events(target, 10) == [f"Patient/p{number}" for number in range(10)]
    finally:
        await other.stop()


# --- status


async def test_a_target_that_is_not_allowed_is_never_asked(platform: Platform, a_target: Listening) -> None:
    target = a_target()
    platform.targets.clear()
    await platform.put(a_topic_subscription(target.address, "Patient?"), "s1")
    await platform.becomes("s1", "error")
    assert "not among the targets" in (await platform.subscription("s1"))["error"]
    await platform.put(a_patient("王"), "p1")
    await come(lambda: platform.value("SELECT position >= 3 FROM cursor"), "the follower has seen it")
    assert target.heard == []


async def test_a_target_that_is_no_longer_allowed_is_not_asked(platform: Platform, a_target: Listening) -> None:
    target = a_target()
    await platform.subscribe(a_topic_subscription(target.address, "Patient?"), "s1")
    count = len(target.heard)
    platform.targets.clear()
    await platform.put(a_patient("王"), "p1")
    await platform.becomes("s1", "error")
    assert len(target.heard) == count


async def test_what_cannot_be_understood_shows_why(platform: Platform) -> None:
    await platform.put(a_topic_subscription("http://127.0.0.1:1/", "Patient?nonsense=1"), "s1")
    await platform.becomes("s1", "error")
    assert "nonsense" in (await platform.subscription("s1"))["error"]


async def test_corrected_it_is_served(platform: Platform, a_target: Listening) -> None:
    target = a_target()
    await platform.put(a_topic_subscription(target.address, "Patient?nonsense=1"), "s1")
    await platform.becomes("s1", "error")
    await platform.subscribe(a_topic_subscription(target.address, "Patient?"), "s1")
    await platform.put(a_patient("王"), "p1")
    assert await events(target, 1) == ["Patient/p1"]


async def test_a_greeting_that_fails_is_tried_until_it_is_taken(platform: Platform, a_target: Listening) -> None:
    target = a_target(lambda _: 401)
    await platform.put(a_topic_subscription(target.address, "Patient?"), "s1")
    await platform.becomes("s1", "error")
    assert {one.kind for one in target.heard} == {"handshake"}
    assert len(target.heard) >= FAILED
    target.answers = lambda _: 204
    await platform.becomes("s1", "active")


async def test_switched_off_or_deleted_nothing_is_told(platform: Platform, a_target: Listening) -> None:
    target = a_target()
    tree = a_topic_subscription(target.address, "Patient?")
    for id in ("off", "gone", "expunged", "witness"):
        await platform.subscribe({**tree, "channel": {**tree["channel"], "endpoint": f"{target.address}/{id}"}}, id)
    await platform.put({**tree, "status": "off"}, "off")
    await platform.delete("Subscription", "gone")
    await platform.store.repository(OPERATOR, EVERYTHING).expunge("Subscription", "expunged")
    await platform.put(a_patient("王"), "p1")
    rest = "SELECT count(*) = 0 FROM subscription WHERE id IN ('gone', 'expunged')"
    await come(lambda: platform.value(rest), "both are forgotten")

    async def told() -> bool:
        return any(one.path == "/witness" for one in target.events)

    await come(told, "the witness is told")
    assert {one.path for one in target.events} == {"/witness"}
    assert await platform.status("off") == "off"


async def test_at_its_end_it_is_off(platform: Platform, a_target: Listening) -> None:
    target = a_target()
    await platform.subscribe(a_topic_subscription(target.address, "Patient?", end="2999-01-01T00:00:00Z"), "s1")
    await platform.put(a_topic_subscription(target.address, "Patient?", end="2001-01-01T00:00:00Z"), "s2")
    await platform.becomes("s2", "off")
    await platform.value("UPDATE subscription SET ends = now(), due = now() WHERE id = 's1' RETURNING 1")
    await platform.becomes("s1", "off")
    assert "end" in (await platform.subscription("s1"))["error"]
    count = len(target.heard)
    await platform.put(a_patient("王"), "p1")
    await come(lambda: platform.value("SELECT position = (SELECT max(position) FROM batch) FROM cursor"), "it is seen")
    assert len(target.heard) == count


async def test_a_quiet_target_hears_a_heartbeat(
    platform: Platform, a_target: Listening, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = a_target()
    tree = a_topic_subscription(target.address, "Patient?")
    tree["channel"]["extension"] = [{"url": HEARTBEAT, "valueUnsignedInt": 60}]
    await platform.subscribe(tree, "s1")
    due = "SELECT due - now() BETWEEN interval '50 s' AND interval '60 s' FROM subscription"
    await come(lambda: platform.value(due), "the next is due in a minute")
    await platform.value("UPDATE subscription SET beat = now() - interval '61 s', due = now() RETURNING 1")

    async def beaten() -> bool:
        return target.heard[-1].kind == "heartbeat"

    await come(beaten, "a heartbeat")
    await come(lambda: platform.value(due), "the next is due in a minute")


async def test_its_own_status_is_no_event(platform: Platform, a_target: Listening) -> None:
    target = a_target()
    await platform.subscribe(a_topic_subscription(target.address, "Subscription?"), "s1")
    await platform.subscribe(a_topic_subscription(target.address, "Basic?"), "s2")
    assert await events(target, 1) == ["Subscription/s2"]
    seen = "SELECT position = (SELECT max(position) FROM batch) FROM cursor"
    await come(lambda: platform.value(seen), "its status is seen")
    assert await platform.value("SELECT events FROM subscription WHERE id = 's1'") == 1


# --- who may be told what


async def test_nobody_is_told_more_than_the_author_may_see(platform: Platform, a_target: Listening) -> None:
    county, all_of_it = a_target(), a_target()
    await platform.subscribe(a_topic_subscription(county.address, "Patient?", content="full-resource"), "c", COUNTY)
    await platform.subscribe(a_topic_subscription(all_of_it.address, "Patient?", content="full-resource"), "o")
    elsewhere = Actor("Organization/b", "b", 380202)
    await platform.put(a_patient("李"), "p1", elsewhere)
    await platform.put(a_patient("王"), "p2", COUNTY)
    assert await events(all_of_it, 2) == ["Patient/p1", "Patient/p2"]
    assert await events(county, 1) == ["Patient/p2"]
    await platform.delete("Patient", "p1")
    await events(all_of_it, 3)
    assert [name for one in county.events for name in one.focus] == ["Patient/p2"]


async def test_the_status_leaves_the_custodian_as_it_was(platform: Platform, a_target: Listening) -> None:
    await platform.subscribe(a_topic_subscription(a_target().address, "Patient?"), "c", COUNTY)
    regions = "SELECT region FROM resource WHERE id = 'c' AND version = 2"
    assert await platform.value(regions) == 380101
    assert await platform.value("SELECT actor FROM batch ORDER BY id DESC LIMIT 1") == ACTOR


async def test_an_author_who_may_see_nothing_any_more_ends_it(platform: Platform, a_target: Listening) -> None:
    target = a_target()
    await platform.subscribe(a_topic_subscription(target.address, "Patient?"), "c", COUNTY)
    count = len(target.heard)
    del platform.scopes[COUNTY.reference]
    await platform.put(a_patient("王"), "p1", COUNTY)
    await platform.value("UPDATE subscription SET due = now() RETURNING 1")
    await come(lambda: platform.value("SELECT status = 'off' FROM subscription"), "it is off")
    assert len(target.heard) == count


async def test_secrets_and_patients_are_not_logged_nor_readable_on_the_disk(
    platform: Platform, a_target: Listening
) -> None:
    target = a_target(lambda one: 500 if one.kind != "handshake" else 200)
    tree = a_topic_subscription(target.address, "Patient?", content="full-resource")
    tree["channel"]["header"] = ["Authorization: Bearer s3cret"]
    with structlog.testing.capture_logs() as logs:
        await platform.subscribe(tree, "s1")
        await platform.put(a_patient("王小明"), "p1")
        await platform.becomes("s1", "error")
    assert target.heard[0].headers["authorization"] == "Bearer s3cret"
    assert logs
    assert "s3cret" not in str(logs)
    assert "王小明" not in str(logs)
    for table in ("subscription", "subscription_event"):
        async with platform.store.database.connection() as connection:
            rows = [bytes(row[0]) for row in await connection.fetch(f"SELECT {table}::text::bytea FROM {table}")]
        assert rows
        assert all(b"s3cret" not in row and "王小明".encode() not in row for row in rows)


# --- asking


async def test_the_desk_tells_how_it_stands_and_what_was_told(platform: Platform, a_target: Listening) -> None:
    target = a_target()
    asked = SubscriptionDesk(platform.store.database, platform.store.sealer)
    repository = platform.store.repository(OPERATOR, EVERYTHING)
    with pytest.raises(NotFound):
        await asked.standing(repository, "s1")
    await platform.subscribe(a_topic_subscription(target.address, "Patient?", content="full-resource"), "s1")
    for number in range(5):
        await platform.put(a_patient("王"), f"p{number}")
    await platform.delete("Patient", "p1")
    await events(target, 6)
    standing = await asked.standing(repository, "s1")
    assert (standing.about.status, standing.about.events, standing.content) == ("active", 6, "full-resource")
    found = await asked.events(repository, "s1", 2, 6, "full-resource")
    assert [(one.number, one.id, one.did) for one in found][::4] == [(2, "p1", "created"), (6, "p1", "deleted")]
    assert found[-1].text is None
    assert found[0].text is not None
    bare = await asked.events(repository, "s1", 2, 3, "id-only")
    assert [one.text for one in bare] == [None, None]
    outside = platform.store.repository(COUNTY, Scope(divisions=frozenset({1})))
    with pytest.raises(NotFound):
        await asked.standing(outside, "s1")


async def test_events_taken_long_ago_go(platform: Platform, a_target: Listening) -> None:
    target = a_target()
    await platform.subscribe(a_topic_subscription(target.address, "Patient?"), "s1")
    for number in range(3):
        await platform.put(a_patient("王"), f"p{number}")
    await events(target, 3)
    await come(lambda: platform.value("SELECT delivered = 3 FROM subscription"), "all are taken")
    await platform.value("UPDATE subscription_event SET happened = now() - interval '8 d' WHERE number < 3 RETURNING 1")
    await platform.stop()
    platform.start()  # which sweeps
    await come(lambda: platform.value("SELECT count(*) = 1 FROM subscription_event"), "the old ones are gone")
