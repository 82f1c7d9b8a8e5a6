"""$bulk-delete over HTTP: counted, carried out, told; and what is refused."""

from __future__ import annotations

from typing import Any

import pytest

from minkang.store.contract import Entry
from tests.gateways.bulk.conftest import ASYNC, BASE, Door
from tests.lib.builders import a_patient, parsed

pytestmark = pytest.mark.anyio


def asked(**named: Any) -> dict[str, Any]:
    values = {name.replace("typeFilter", "_typeFilter"): value for name, value in named.items()}
    kinds = {bool: "valueBoolean", int: "valueInteger", str: "valueString"}
    return {
        "resourceType": "Parameters",
        "parameter": [{"name": name, kinds[type(value)]: value} for name, value in values.items()],
    }


async def done(door: Door, body: dict[str, Any]) -> dict[str, Any]:
    answer = await door.client.request("POST", "/$bulk-delete", body, headers=ASYNC)
    assert answer.status == 202, answer.body
    await door.work()
    answer = await door.client.get(answer.headers["content-location"].removeprefix(BASE))
    assert answer.status == 200
    assert answer.json["resourceType"] == "Parameters"
    return {part["name"]: part for part in answer.json["parameter"]}


async def test_a_source_is_counted_then_taken_out(door: Door) -> None:
    entries = [Entry("PUT", "Patient", f"p{n}", parsed=parsed(a_patient("王", id=f"p{n}"))) for n in range(3)]
    await door.repository.transaction(entries, source="wrong")
    counted = await done(door, asked(mode="expunge", source="wrong", dryRun=True))
    assert counted["dryRun"]["valueBoolean"] is True
    assert counted["removed"]["part"] == [
        {"name": "type", "valueCode": "Patient"},
        {"name": "count", "valueInteger": 3},
    ]
    assert (await door.repository.read("Patient", "p0")).version == 1
    removed = await done(door, asked(mode="expunge", source="wrong"))
    assert removed["versions"]["valueInteger"] == 3
    assert await done(door, asked(mode="delete", typeFilter="Patient?name=王")) == {
        "dryRun": {"name": "dryRun", "valueBoolean": False},
        **{name: {"name": name, "valueInteger": 0} for name in ("restored", "kept", "versions")},
    }


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (asked(source="x"), "Say the mode"),
        (asked(mode="purge", source="x"), "Say the mode"),
        (asked(mode="delete"), "by one of"),
        (asked(mode="delete", source="x", batch="1"), "by one of"),
        (asked(mode="delete", batch="first"), "is not the number of a batch"),
        (asked(mode="delete", batch="9" * 30), "is not the number of a batch"),
        (asked(mode="delete", typeFilter="Patient"), "takes searches such as"),
        (asked(mode="delete", typeFilter="Patient?"), "no search criteria"),
        (asked(mode="delete", source="x", dryRun="perhaps"), "dryRun takes"),
        (asked(mode="delete", source="x", sauce="y"), "Unknown parameter 'sauce'"),
        ({"resourceType": "Patient"}, "Parameters"),
    ],
)
async def test_what_is_refused_says_why(door: Door, body: dict[str, Any], said: str) -> None:
    answer = await door.client.request("POST", "/$bulk-delete", body, headers=ASYNC)
    assert answer.status in (400, 422), answer.body
    assert said in answer.text
    assert await door.runner.waiting() == []


async def test_it_is_ordered_by_post_at_the_system_alone(door: Door) -> None:
    assert (await door.client.request("GET", "/$bulk-delete?mode=delete&source=x", headers=ASYNC)).status == 405
    assert (await door.client.request("POST", "/Patient/$bulk-delete", asked(mode="delete"), ASYNC)).status == 404
