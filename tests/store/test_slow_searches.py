"""The log of slow searches names what was asked, never a value."""

from __future__ import annotations

from urllib.parse import parse_qsl

import pytest
import structlog

from minkang.fhir.problem import Incorrect
from minkang.fhir.resource import parse
from minkang.fhir.search import grammar
from minkang.store.keys import generate
from minkang.store.scope import EVERYTHING, Actor
from minkang.store.search.slow import named
from minkang.store.store import Store


def query(search, compartment=None):
    type, _, pairs = search.partition("?")
    return grammar.parse(type, parse_qsl(pairs), strict=True, compartment=compartment)


@pytest.mark.parametrize(
    ("search", "name"),
    [
        ("Patient?name:exact=Zhang&_sort=-birthdate,name", "Patient?name:exact&_sort=-birthdate,name"),
        ("Observation?patient.organization.name=Zhang", "Observation?patient.organization.name"),
        ("Patient?_has:Condition:patient:code:not=Zhang&_id=Zhang", "Patient?_has:Condition:patient:code:not&_id"),
        ("Observation?subject:Patient=Zhang&_include=*&_total=accurate", "Observation?subject:Patient&_include&_total"),
    ],
)
def test_a_search_is_named_without_its_values(search, name):
    assert named(query(search)) == name
    assert named(query("Observation?code=x", ("Patient", "Zhang"))) == "Patient/*/Observation?code"


async def test_what_takes_longer_is_logged_and_what_is_refused_too(fresh_database_url):
    store = await Store.open(fresh_database_url, generate(), slow_search_ms=-1)  # every search is longer
    try:
        repository = store.repository(Actor("Device/test"), EVERYTHING)
        await repository.create("Patient", parse(b'{"resourceType":"Patient","gender":"male"}'))
        with structlog.testing.capture_logs() as lines:
            await repository.search(query("Patient?gender=male&birthdate:missing=true"))
            with pytest.raises(Incorrect):
                await repository.search(query("Patient?gender=male&_cursor=Zhang"))
    finally:
        await store.close()
    assert [(line["event"], line["search"], line["way"]) for line in lines] == [
        ("slow search", "Patient?gender&birthdate:missing", "walk"),
        ("slow search", "Patient?gender", "walk"),
    ]
    assert (lines[0]["rows"], lines[0]["rechecked"]) == (1, ["birthdate:missing"])
    assert "Zhang" not in str(lines)
