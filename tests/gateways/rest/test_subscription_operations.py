"""$status and $events of a Subscription at the door."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from minkang.fhir.problem import Forbidden
from minkang.fhir.validation import check
from minkang.gateways.rest.gateway import build
from minkang.kit import clock
from minkang.platform.subscriptions.desk import SubscriptionDesk
from minkang.platform.subscriptions.following import Subscribing
from minkang.platform.workflow.follow import Following
from minkang.store.keys import generate
from minkang.store.scope import EVERYTHING, Actor
from minkang.store.sql import SQL
from minkang.store.store import Store
from tests.lib.asgi import JSON, Client
from tests.lib.builders import a_patient, parsed
from tests.lib.subscriptions import a_topic_subscription, an_r4_subscription

pytestmark = pytest.mark.anyio

OPERATOR = Actor("Device/operator")


@pytest.fixture
async def client(fresh_database_url: str) -> AsyncIterator[Client]:
    """A door where s1 is active with three events, s2 cannot be served, and nobody has looked at s3 yet."""
    store = await Store.open(fresh_database_url, generate())
    repository = store.repository(OPERATOR, EVERYTHING)
    subscribing = Subscribing(store.sealer, lambda _: (OPERATOR, EVERYTHING), ["http://127.0.0.1:1"])
    following = Following(store.database, store.sealer, subscribing)
    trees = {
        "s1": an_r4_subscription("http://127.0.0.1:1/", "Patient?", payload="application/fhir+json"),
        "s2": a_topic_subscription("http://127.0.0.1:2/", "Patient?"),
    }
    async with store.database.connection() as connection:
        await connection.execute(SQL["cursor_open"], "subscriptions", True)
        for id, tree in trees.items():
            await repository.update("Subscription", id, parsed({**tree, "id": id}))
        await store.sequence()
        await following.step(connection)
        for name in ("p1", "p2", "p3"):
            await repository.update("Patient", name, parsed(a_patient("王小明", id=name)))
        await store.sequence()
        await following.step(connection)
    await repository.update("Subscription", "s3", parsed({**trees["s1"], "id": "s3"}))
    yield Client(
        build(
            lambda _: store.repository(OPERATOR, EVERYTHING),
            subscriptions=lambda: SubscriptionDesk(store.database, store.sealer),
        )
    )
    await store.close()


def told(tree: dict) -> dict[str, str]:
    return {one["name"]: next(v for k, v in one.items() if k.startswith("value")) for one in tree["parameter"]}


async def test_status_of_one(client: Client) -> None:
    answer = await client.request("GET", "/Subscription/s1/$status")
    assert answer.status == 200
    check(answer.json, "Bundle")
    [entry] = answer.json["entry"]
    parameters = told(entry["resource"])
    assert (parameters["status"], parameters["type"]) == ("active", "query-status")
    assert parameters["events-since-subscription-start"] == "3"


async def test_status_says_why_it_is_in_error(client: Client) -> None:
    answer = await client.request("GET", "/Subscription/s2/$status")
    parameters = told(answer.json["entry"][0]["resource"])
    assert parameters["status"] == "error"
    assert "not among the targets" in str(parameters["error"])


async def test_status_of_several(client: Client) -> None:
    answer = await client.request("GET", "/Subscription/$status?id=s1,s2")
    assert answer.json["total"] == 2
    answer = await client.request("GET", "/Subscription/$status?id=s1&id=s2&status=active")
    assert answer.json["total"] == 1
    body = b'{"resourceType":"Parameters","parameter":[{"name":"id","valueId":"s1"}]}'
    answer = await client.request("POST", "/Subscription/$status", body, {"content-type": JSON})
    assert answer.json["total"] == 1


@pytest.mark.parametrize(
    ("query", "numbers", "has_resources"),
    [
        ("", ["1", "2", "3"], True),
        ("?eventsSinceNumber=2", ["2", "3"], True),
        ("?eventsSinceNumber=2&eventsUntilNumber=2&content=id-only", ["2"], False),
        ("?content=empty", ["1", "2", "3"], False),
        ("?eventsSinceNumber=999", [], False),
    ],
)
async def test_events(client: Client, query: str, numbers: list[str], has_resources: bool) -> None:
    answer = await client.request("GET", f"/Subscription/s1/$events{query}")
    assert answer.status == 200, answer.body
    check(answer.json, "Bundle")
    parameters = answer.json["entry"][0]["resource"]["parameter"]
    events = [one["part"] for one in parameters if one["name"] == "notification-event"]
    assert [part["valueString"] for parts in events for part in parts if part["name"] == "event-number"] == numbers
    assert ("王小明".encode() in answer.body) is has_resources


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/Subscription/s3/$status", 404),
        ("/Subscription/nobody/$status", 404),
        ("/Subscription/nobody/$events", 404),
        ("/Subscription/$status", 400),
        ("/Subscription/$status?id=" + "&id=".join(f"s{n}" for n in range(101)), 400),
        ("/Subscription/s1/$events?content=all", 400),
        ("/Subscription/s1/$events?eventsSinceNumber=-1", 400),
        ("/Subscription/s1/$events?eventsSinceNumber=" + "9" * 30, 400),
        ("/Subscription/s1/$events?nonsense=1", 400),
        ("/Subscription/s1/$get-ws-binding-token", 422),
    ],
)
async def test_what_cannot_be_answered(client: Client, path: str, status: int) -> None:
    answer = await client.request("GET", path)
    assert answer.status == status
    assert answer.json["resourceType"] == "OperationOutcome"


async def test_topics_and_operations_are_told(client: Client) -> None:
    answer = await client.request("GET", "/metadata")
    check(answer.json, "CapabilityStatement")
    one = next(r for r in answer.json["rest"][0]["resource"] if r["type"] == "Subscription")
    assert {"status", "events"} <= {operation["name"] for operation in one["operation"]}
    assert len(one["extension"]) == 4


async def test_a_binding_token_ends_and_cannot_be_made_up(fresh_database_url: str) -> None:
    store = await Store.open(fresh_database_url, generate())
    desk = SubscriptionDesk(store.database, store.sealer)
    now = clock.now()
    token, expires = await desk.binding(store.repository(OPERATOR, EVERYTHING), [], now)
    assert desk.bound(token, now) == []
    wrong = [token[:-2] + "AA", token[:10], "", "ÿ" * 40, "A" * 80]
    for one, when in [(token, expires + timedelta(seconds=1)), *((one, now) for one in wrong)]:
        with pytest.raises(Forbidden):
            desk.bound(one, when)
    await store.close()
