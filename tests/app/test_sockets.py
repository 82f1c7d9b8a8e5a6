"""Sockets of a running platform, by a client that nobody here wrote: bound, told, bound again without loss, refused."""

from __future__ import annotations

import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import orjson
import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect

from tests.lib.serving import Platform, get, platform, until
from tests.lib.subscriptions import Heard, a_topic_subscription, an_r4_subscription

WAIT = 30.0
TOKEN = "of-this-platform-0123456789abcdef"


@pytest.fixture(scope="module")
def running() -> Iterator[Platform]:
    with platform() as made:
        made.start()
        yield made


def put(running: Platform, tree: dict[str, Any], id: str) -> None:
    url = f"{running.address}/fhir/{tree['resourceType']}/{id}"
    head = {"content-type": "application/fhir+json"}
    asked = urllib.request.Request(url, orjson.dumps({**tree, "id": id}), head, method="PUT")
    with urllib.request.urlopen(asked, timeout=WAIT) as answer:
        assert answer.status in (200, 201)


def by_socket(tree: dict[str, Any]) -> dict[str, Any]:
    channel = {name: value for name, value in tree["channel"].items() if name != "endpoint"}
    return {**tree, "channel": {**channel, "type": "websocket"}}


def subscribe(running: Platform, id: str, *, content: str = "id-only") -> None:
    put(running, by_socket(a_topic_subscription("", f"Patient?family={id}", content=content)), id)
    until(lambda: status(running, id) == "active", f"{id} is active")


def status(running: Platform, id: str) -> str:
    return orjson.loads(get(f"{running.address}/fhir/Subscription/{id}")[1])["status"]


def binding(running: Platform, id: str) -> dict[str, str]:
    code, body = get(f"{running.address}/fhir/Subscription/{id}/$get-ws-binding-token")
    assert code == 200, body
    return {one["name"]: next(v for k, v in one.items() if k != "name") for one in orjson.loads(body)["parameter"]}


@contextmanager
def bound(running: Platform, id: str) -> Iterator[ClientConnection]:
    given = binding(running, id)
    with connect(given["websocket-url"]) as line:
        line.send(f"bind-with-token {given['token']}")
        assert heard(line).kind == "handshake"
        yield line


def heard(line: ClientConnection) -> Heard:
    return Heard("", "", {}, str(line.recv(timeout=WAIT)).encode())


def people(running: Platform, family: str, *ids: str) -> None:
    for id in ids:
        put(running, {"resourceType": "Patient", "name": [{"family": family}]}, id)


def events(line: ClientConnection, count: int) -> list[Heard]:
    found: list[Heard] = []
    while sum(len(one.numbers) for one in found) < count:
        found.append(heard(line))
    return found


def closed(line: ClientConnection) -> tuple[int, str]:
    with pytest.raises(ConnectionClosed) as caught:
        line.recv(timeout=WAIT)
    assert caught.value.rcvd is not None
    return caught.value.rcvd.code, caught.value.rcvd.reason


def test_who_binds_is_greeted_and_told(running: Platform) -> None:
    subscribe(running, "aone")
    with bound(running, "aone") as line:
        people(running, "aone", "a1")
        (told,) = events(line, 1)
        assert (told.kind, told.numbers, told.focus) == ("event-notification", [1], ["Patient/a1"])
    assert "a1" in get(f"{running.address}/fhir/Subscription/aone/$events")[1].decode()


def test_what_happened_while_nobody_listened_is_told_when_somebody_does(running: Platform) -> None:
    subscribe(running, "btwo", content="full-resource")
    people(running, "btwo", "b1")
    with bound(running, "btwo") as line:
        assert [n for one in events(line, 1) for n in one.numbers] == [1]
    people(running, "btwo", "b2", "b3")
    with bound(running, "btwo") as line:
        found = events(line, 2)
        assert [n for one in found for n in one.numbers] == [2, 3]
        resources = [entry["resource"] for one in found for entry in one.tree["entry"][1:]]
        assert [one["id"] for one in resources] == ["b2", "b3"]


def test_two_who_listen_to_one_are_both_told(running: Platform) -> None:
    subscribe(running, "cthree")
    with bound(running, "cthree") as one, bound(running, "cthree") as other:
        people(running, "cthree", "c1")
        assert [events(line, 1)[0].numbers for line in (one, other)] == [[1], [1]]


def test_r4s_own_form_is_bound_by_id_and_pinged(running: Platform) -> None:
    put(running, by_socket(an_r4_subscription("", "Patient?family=dfour")), "dfour")
    until(lambda: status(running, "dfour") == "active", "active")
    with connect(binding(running, "dfour")["websocket-url"]) as line:
        line.send("bind dfour")
        assert line.recv(timeout=WAIT) == "bound dfour"
        people(running, "dfour", "d1")
        assert line.recv(timeout=WAIT) == "ping dfour"


def test_who_listens_hears_that_it_is_over(running: Platform) -> None:
    subscribe(running, "efive")
    with bound(running, "efive") as line:
        put(running, by_socket(a_topic_subscription("", "Patient?family=efive")) | {"status": "off"}, "efive")
        assert heard(line).kind == "query-status"
        assert closed(line)[0] == 1001


@pytest.mark.parametrize(
    "said", ["bind-with-token nonsense", "bind-with-token ", "hello", "bind nobody", "x" * 5000, b"\x00"]
)
def test_other_words_are_refused(running: Platform, said: str | bytes) -> None:
    subscribe(running, "fsix")
    with connect(binding(running, "fsix")["websocket-url"]) as line:
        line.send(said)
        code, reason = closed(line)
        assert code == 1008
        assert reason


def test_pages_of_other_sites_open_no_socket(running: Platform) -> None:
    subscribe(running, "gseven")
    url = binding(running, "gseven")["websocket-url"]
    with pytest.raises(InvalidStatus), connect(url, additional_headers={"Origin": "https://evil.example"}):
        pass
    with pytest.raises(InvalidStatus), connect(url.replace("/fhir/ws", "/elsewhere")):
        pass


def test_only_a_socket_has_a_token(running: Platform) -> None:
    put(running, a_topic_subscription("http://127.0.0.1:1/", "Patient?"), "hook")
    until(lambda: status(running, "hook") != "requested", "looked at")
    assert get(f"{running.address}/fhir/Subscription/hook/$get-ws-binding-token")[0] == 422
    assert get(f"{running.address}/fhir/Subscription/never/$get-ws-binding-token")[0] == 404
    capabilities = orjson.loads(get(f"{running.address}/fhir/metadata")[1])["rest"][0]
    assert capabilities["extension"][0]["valueUri"] == running.address.replace("http", "ws", 1) + "/fhir/ws"


def test_with_a_token_an_id_alone_binds_nothing() -> None:
    with platform(environment={"MINKANG_TOKEN": TOKEN}) as made:
        made.start()
        url = made.address.replace("http", "ws", 1) + "/fhir/ws"
        for headers, words in (({}, "token"), ({"Authorization": f"Bearer {TOKEN}"}, "no active Subscription")):
            with connect(url, additional_headers=headers) as line:
                line.send("bind one")
                assert words in closed(line)[1]
