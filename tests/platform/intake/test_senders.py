"""Senders: made once, known by their key alone, in test mode until they are let in."""

from __future__ import annotations

import orjson
import pytest

from minkang.app.senders import intake_for
from minkang.fhir.problem import Conflict, Incorrect, NotFound, Unauthenticated
from minkang.fhir.validation import faults
from minkang.gateways.cda.gateway import build
from minkang.platform.intake.senders import Senders
from minkang.store.contract import Repository
from minkang.store.scope import EVERYTHING, Actor
from synth.documents import document
from tests.lib.asgi import Answer, Client
from tests.lib.both_stores import RepositoryFor, dsn, repository_for

__all__ = ["dsn", "repository_for"]

pytestmark = pytest.mark.anyio


@pytest.fixture
def repository(repository_for: RepositoryFor) -> Repository:
    return repository_for(Actor("Device/test"), EVERYTHING)


@pytest.fixture
def senders(repository: Repository) -> Senders:
    return Senders(repository)


async def test_a_sender_is_made_once_and_kept_as_valid_resources(senders: Senders, repository: Repository) -> None:
    made, key = await senders.add("第一医院", "H-1", ("cda", "hl7v2"), {"C0002": 800})
    assert await senders.by_key(key) == await senders.one(made.id)
    assert [one.json() for one in await senders.listed()] == [
        {
            "id": made.id,
            "name": "第一医院",
            "code": "H-1",
            "doors": ["cda", "hl7v2"],
            "mode": "test",
            "expected": {"C0002": 800},
        }
    ]
    for type in ("Organization", "Endpoint"):
        stored = (await repository.read(type, made.id)).content
        assert [one.text for one in faults(orjson.loads(stored)) if one.severity == "error"] == []
        assert key.encode() not in stored
    with pytest.raises(Conflict):
        await senders.add("again", "H-1", ("cda",))


async def test_a_new_key_voids_the_former(senders: Senders) -> None:
    made, first = await senders.add("第一医院", "H-1", ("cda",))
    _, second = await senders.new_key(made.id)
    assert (await senders.by_key(second)).id == made.id
    for key in (first, second[:-1] + ("x" if second[-1] != "x" else "y"), "mk_nobody_" + "x" * 52, "", "mk_", "ÿ"):
        with pytest.raises(Unauthenticated):
            await senders.by_key(key)
    with pytest.raises(NotFound):
        await senders.new_key("nobody")


@pytest.mark.parametrize(
    ("name", "code", "doors"), [("", "H", ("cda",)), ("x", "H 1", ("cda",)), ("x", "H", ("fax",)), ("x", "H", ())]
)
async def test_what_makes_no_sender(senders: Senders, name: str, code: str, doors: tuple[str, ...]) -> None:
    with pytest.raises(Incorrect):
        await senders.add(name, code, doors)


async def test_a_key_opens_its_doors_and_no_record(senders: Senders, repository: Repository) -> None:
    made, key = await senders.add("第一医院", "H-1", ("cda",))
    _, other = await senders.add("第二医院", "H-2", ("hl7v2",))
    door = Client(build(intake_for(lambda: repository), max_body=100_000), mount="")

    async def sent(key: str, method: str = "POST", path: str = "/cda") -> Answer:
        content = document("C0002", 5) if method == "POST" else b""
        return await door.request(method, path, content, {"authorization": f"Bearer {key}"})

    trial = orjson.loads((await sent(key)).body)
    assert (trial["outcome"], trial["trial"], trial["sender"]) == ("accepted", True, made.id)
    assert "document" not in trial
    assert (await sent(key[:-1] + ("x" if key[-1] != "x" else "y"))).status == 401
    assert (await sent(other)).status == 403
    assert (await sent(key, "GET", "/cda/Composition/x")).status == 403
    await senders.set_live(made.id, True)
    taken = orjson.loads((await sent(key)).body)
    assert (taken["outcome"], taken["sender"]) == ("accepted", made.id)
    assert taken["document"]
