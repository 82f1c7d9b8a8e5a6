"""Searches by words on the PostgreSQL store: what may be read, and that bulk rows and single rows are found alike."""

from __future__ import annotations

import pytest

from minkang.fhir.problem import TooCostly
from minkang.fhir.search.grammar import parse
from minkang.store import keys
from minkang.store.scope import EVERYTHING, Actor
from minkang.store.search import page
from minkang.store.store import Store
from tests.lib.builders import an_observation, parsed

pytestmark = pytest.mark.anyio


async def test_words_of_a_type_without_their_index_are_read_within_bounds(
    fresh_database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(page, "READ", 40)
    store = await Store.open(fresh_database_url, keys.generate())
    repository = store.repository(Actor("Device/test"), EVERYTHING)
    for number in range(120):
        about = "Patient/q" if number == 7 else "Patient/p"
        await repository.create("Observation", parsed(an_observation(about=about, note=[{"text": f"第{number}次"}])))
    with pytest.raises(TooCostly, match=r"patient, identifier.*index_rules"):
        await repository.search(parse("Observation", [("_content", "无此字")], strict=True))
    narrowed = parse("Observation", [("_content", "第7次"), ("subject", "Patient/q")], strict=True)
    assert len((await repository.search(narrowed)).hits) == 1
    await store.close()


async def test_words_are_sought_in_their_index(fresh_database_url: str) -> None:
    """Among many that do not match: more than may be read one by one is never read."""
    store = await Store.open(fresh_database_url, keys.generate())
    repository = store.repository(Actor("Device/test"), EVERYTHING)
    for text in ["急性心肌梗死", *["上呼吸道感染"] * 30]:
        note = {"resourceType": "Communication", "status": "completed", "note": [{"text": text}]}
        await repository.create("Communication", parsed(note))
    opened: list[bytes] = []
    open_ = store.sealer.open
    store.sealer.open = lambda content, name: opened.append(name) or open_(content, name)  # type: ignore[method-assign, func-returns-value]
    found = await repository.search(parse("Communication", [("_content", "心肌梗死")], strict=True))
    assert len(found.hits) == len(opened) == 1
    await store.close()
