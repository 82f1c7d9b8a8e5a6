"""What a Subscription asks for is understood or refused with words; what is told is valid FHIR that names no more than
was asked for."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import orjson
import pytest

from minkang.fhir.problem import Unprocessable
from minkang.fhir.subscriptions.notification import About, Event, notification, status
from minkang.fhir.subscriptions.wish import FILTER, HEARTBEAT, MAX_COUNT, PAYLOAD, TIMEOUT, topics, wish
from minkang.fhir.validation import check
from tests.lib.builders import an_observation
from tests.lib.subscriptions import CHANGED, a_topic_subscription, an_r4_subscription

NOW = datetime(2026, 5, 4, 3, 2, 1, tzinfo=UTC)
BASE = "https://fhir.example.org/fhir"


def test_a_topic_with_filters() -> None:
    asked = wish(a_topic_subscription("https://x.example/n", "Observation?status=final", "Patient?gender=female"))
    assert asked.topic == CHANGED
    assert asked.types == {"Observation", "Patient"}
    assert asked.on == {"created", "updated", "deleted"}
    assert asked.is_met(an_observation(status="final"))
    assert not asked.is_met(an_observation(status="preliminary"))
    assert not asked.is_met({"resourceType": "Basic"})


def test_filters_on_one_type_are_all_to_be_met() -> None:
    asked = wish(a_topic_subscription("https://x.example/n", "Observation?status=final", "Observation?code=a"))
    assert asked.is_met(an_observation(status="final", code="a"))
    assert not asked.is_met(an_observation(status="final", code="b"))
    assert not asked.is_met(an_observation(status="preliminary", code="a"))


def test_r4s_own_form() -> None:
    asked = wish(an_r4_subscription("https://x.example/n", "Observation?code=http%3A%2F%2Floinc.org%7C8867-4"))
    assert asked.topic is None
    assert asked.on == {"created", "updated"}
    assert asked.content == "empty"
    with_payload = an_r4_subscription("https://x.example/n", "Observation?", payload="application/fhir+json")
    assert wish(with_payload).content == "full-resource"


def test_numbers_are_kept_within_what_is_served() -> None:
    tree = a_topic_subscription("https://x.example/n", "Patient?")
    tree["channel"]["extension"] = [
        {"url": HEARTBEAT, "valueUnsignedInt": 1},
        {"url": TIMEOUT, "valueUnsignedInt": 86_400},
        {"url": MAX_COUNT, "valuePositiveInt": 1_000_000},
    ]
    asked = wish(tree)
    assert (asked.heartbeat, asked.timeout, asked.max_count) == (10, 30, 100)


def _with(tree: dict[str, Any], **channel: Any) -> dict[str, Any]:
    return {**tree, "channel": {**tree["channel"], **channel}}


TOPIC = a_topic_subscription("https://x.example/n", "Patient?")


@pytest.mark.parametrize(
    ("tree", "words"),
    [
        (_with(TOPIC, type="email"), "rest-hook"),
        ({**TOPIC, "criteria": "https://elsewhere.example/topic"}, "There is no topic"),
        ({key: value for key, value in TOPIC.items() if key != "_criteria"}, "Say by a filter"),
        (a_topic_subscription("https://x.example/n", "Patient?nonsense=1"), "nonsense"),
        (a_topic_subscription("https://x.example/n", "Nothing?x=1"), "resource type"),
        (a_topic_subscription("https://x.example/n", "Patient?_sort=name"), "_sort"),
        (a_topic_subscription("https://x.example/n", "Observation?subject:Patient.name=x"), "chains"),
        (a_topic_subscription("https://x.example/n", "Observation?code:in=http://x.example/vs"), ":in"),
        (_with(TOPIC, payload="application/xml"), "channel.payload"),
        (_with(TOPIC, _payload={}), "backport-payload-content"),
        (_with(TOPIC, endpoint=""), "endpoint"),
        (_with(TOPIC, header=["no colon"]), "number 1"),
        (_with(TOPIC, header=["X: y", "Evil: a\r\nHost: b"]), "number 2"),
        (_with(TOPIC, header=["Host: elsewhere.example"]), "Host"),
        (_with(TOPIC, header=["Content-Length: 5"]), "Content-Length"),
    ],
)
def test_what_cannot_be_served_is_refused_with_words(tree: dict[str, Any], words: str) -> None:
    with pytest.raises(Unprocessable, match=words):
        wish(tree)


def test_a_type_alone_means_all_of_them() -> None:
    assert wish(an_r4_subscription("https://x.example/n", "Patient")).is_met({"resourceType": "Patient"})


def test_a_refused_header_is_not_quoted() -> None:
    with pytest.raises(Unprocessable) as refused:
        wish(_with(TOPIC, header=["Authorization Bearer s3cret"]))
    assert "s3cret" not in refused.value.text


EVENTS = [
    Event(
        7,
        "Observation",
        "o1",
        "created",
        NOW,
        b'{"resourceType":"Observation","id":"o1","status":"final","code":{"text":"t"},"valueQuantity":{"value":1.10}}',
    ),
    Event(8, "Patient", "p1", "deleted", NOW),
]
ABOUT = About("s1", next(iter(topics())), "active", 8)


@pytest.mark.parametrize("content", ["empty", "id-only", "full-resource"])
def test_a_notification_is_valid_and_says_what_was_asked_for(content: str) -> None:
    events = EVENTS if content == "full-resource" else [Event(e.number, e.type, e.id, e.did, NOW) for e in EVENTS]
    text = notification("event-notification", ABOUT, events, content, BASE, NOW)
    tree = orjson.loads(text)
    check(tree, "Bundle")
    assert tree["entry"][0]["request"] == {"method": "GET", "url": f"{BASE}/Subscription/s1/$status"}
    names = [one["name"] for one in tree["entry"][0]["resource"]["parameter"]]
    assert (
        names
        == ["subscription", "topic", "status", "type", "events-since-subscription-start"] + ["notification-event"] * 2
    )
    assert (b"Observation" in text) is (content != "empty")
    assert (b"1.10" in text) is (content == "full-resource")
    methods = [one["request"]["method"] for one in tree["entry"][1:]]
    assert methods == ([] if content == "empty" else ["POST", "DELETE"])


def test_an_error_is_told_in_the_status() -> None:
    tree = status("query-status", About("s1", None, "error", 0, "The target answered 500."), BASE)
    check(tree, "Parameters")
    assert tree["parameter"][-1] == {"name": "error", "valueCodeableConcept": {"text": "The target answered 500."}}


def test_the_extensions_are_those_of_the_guide() -> None:
    assert all(
        url.startswith("http://hl7.org/fhir/uv/subscriptions-backport/StructureDefinition/backport-")
        for url in (FILTER, PAYLOAD, HEARTBEAT, TIMEOUT, MAX_COUNT)
    )
