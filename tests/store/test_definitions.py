"""Value sets on the PostgreSQL store: remembered while unchanged, long ones answered by every way of walking."""

from __future__ import annotations

import pytest

from minkang.fhir.search.grammar import parse
from minkang.store import definitions, keys
from minkang.store.scope import EVERYTHING, Actor
from minkang.store.search import page
from minkang.store.store import Store
from tests.lib.builders import LOCAL, a_condition, parsed

pytestmark = pytest.mark.anyio
URL = "http://minkang.example/vs/many"


def _value_set(codes: list[str]) -> dict[str, object]:
    include = {"system": LOCAL, "concept": [{"code": code} for code in codes]}
    return {"resourceType": "ValueSet", "status": "active", "url": URL, "compose": {"include": [include]}}


@pytest.mark.parametrize("most", [5_000, 0])
async def test_a_value_set_of_thousands_is_searched_by_and_remembered(
    fresh_database_url: str, most: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`most`: few enough hits for the index of terms, or so many that rows are walked."""
    make = page.planning.make

    def with_few_hits(*asked: object) -> object:
        plan = make(*asked)  # type: ignore[arg-type]
        plan.most = most
        return plan

    monkeypatch.setattr(page.planning, "make", with_few_hits)
    store = await Store.open(fresh_database_url, keys.generate())
    repository = store.repository(Actor("Device/test"), EVERYTHING)
    await repository.update("ValueSet", "many", parsed(_value_set([f"c{n}" for n in range(3000)])))
    for code in ("c0", "c2999", "c3000"):
        await repository.update("Condition", code, parsed(a_condition(about="Patient/p", code=code)))
    opened: list[bytes] = []
    sealed = store.sealer.open
    monkeypatch.setattr(store.sealer, "open", lambda content, name: opened.append(name) or sealed(content, name))
    for search in ("code:in", "code:not-in", "code:in"):
        query = parse("Condition", [(search, URL), ("_total", "accurate")], strict=True)
        found = await repository.search(query)
        names = {hit.stored.id for hit in found.hits}
        assert names == ({"c0", "c2999"} if search == "code:in" else {"c3000"})
        assert found.total == len(names)
    assert opened.count(b"ValueSet/many/1") == 1, "opened once for three searches"
    await repository.update("ValueSet", "many", parsed(_value_set(["c3000"])))
    found = await repository.search(parse("Condition", [("code:in", URL)], strict=True))
    assert [hit.stored.id for hit in found.hits] == ["c3000"]
    await store.close()


async def test_memory_for_meanings_is_bounded(fresh_database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(definitions, "REMEMBERED", 500)
    store = await Store.open(fresh_database_url, keys.generate())
    repository = store.repository(Actor("Device/test"), EVERYTHING)
    for number in range(6):
        await repository.update("ValueSet", f"v{number}", parsed(_value_set([f"c{n}" for n in range(200)])))
    await repository.update("Condition", "c", parsed(a_condition(about="Patient/p", code="c7")))
    for number in (0, 1, 2, 3, 4, 5, 0, 5):
        query = parse("Condition", [("code:in", f"ValueSet/v{number}")], strict=True)
        assert len((await repository.search(query)).hits) == 1
        assert store.definitions._size == sum(known.size for known in store.definitions._known.values()) <= 500
    await store.close()


async def test_what_was_expunged_and_made_again_is_looked_up_again(fresh_database_url: str) -> None:
    """Its versions begin with 1 anew, so a version says nothing."""
    store = await Store.open(fresh_database_url, keys.generate())
    repository = store.repository(Actor("Device/test"), EVERYTHING)
    await repository.update("Condition", "c", parsed(a_condition(about="Patient/p", code="new")))
    query = parse("Condition", [("code:in", URL)], strict=True)
    for code, hits in (("old", 0), ("new", 1)):
        await repository.update("ValueSet", "many", parsed(_value_set([code])))
        assert len((await repository.search(query)).hits) == hits
        await repository.expunge("ValueSet", "many")
    await store.close()
