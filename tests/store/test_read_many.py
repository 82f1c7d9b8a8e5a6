"""Several by name in one question, on both stores: what is there and in scope, and no word of the rest."""

from __future__ import annotations

import pytest

from minkang.fhir.resource import from_exact
from minkang.store.scope import EVERYTHING, Actor
from tests.lib.both_stores import RepositoryFor, dsn, repository_for

__all__ = ["dsn", "repository_for"]

pytestmark = pytest.mark.anyio


async def test_several_are_read_at_once(repository_for: RepositoryFor) -> None:
    repository = repository_for(Actor("Device/test"), EVERYTHING)
    for id in ("one", "two", "gone"):
        await repository.update("Basic", id, from_exact({"resourceType": "Basic", "id": id, "code": {"text": id}}))
    await repository.update("Basic", "two", from_exact({"resourceType": "Basic", "id": "two", "code": {"text": "2"}}))
    await repository.delete("Basic", "gone")
    names = [("Basic", id) for id in ("one", "two", "two", "gone", "never")] + [("Patient", "one")]
    found = await repository.read_many(names)
    assert {name: one.version for name, one in found.items()} == {("Basic", "one"): 1, ("Basic", "two"): 2}
    assert b'"text":"2"' in found["Basic", "two"].content
    assert await repository.read_many([]) == {}
