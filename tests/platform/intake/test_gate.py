"""Too many at once: told so, with when to come again; each sender has its share."""

from __future__ import annotations

import pytest

from minkang.app.senders import intake_for
from minkang.fhir.search.grammar import parse
from minkang.gateways.cda import gateway as cda
from minkang.gateways.files import gateway as files
from minkang.gateways.hl7v2 import gateway as hl7v2
from minkang.platform.intake.gate import Full, Gate
from minkang.store.memory import MemoryStore
from minkang.store.scope import EVERYTHING, Actor
from tests.gateways.cda.making import document, observation, section, text
from tests.gateways.files.test_files_door import GOOD, table
from tests.gateways.hl7v2.examples import ADMISSION
from tests.lib.asgi import Client

pytestmark = pytest.mark.anyio

DOCUMENT = document(section("10154-3", observation("DE04.01.119.00", "主诉", text("头痛"))))


def test_a_sender_has_its_share_and_leaves_when_it_is_done() -> None:
    gate = Gate(most=3, each=2)
    with gate.entered("a"), gate.entered("a"):
        with pytest.raises(Full), gate.entered("a"):
            pass
        with gate.entered("b"), pytest.raises(Full), gate.entered(""):
            pass
        with gate.entered(""), pytest.raises(Full), gate.entered("b"):
            pass
    with gate.entered("a"):
        pass


def test_who_fails_inside_leaves_too() -> None:
    gate = Gate(most=1)
    with pytest.raises(ValueError, match="x"), gate.entered("a"):
        raise ValueError("x")
    with gate.entered("a"):
        pass


@pytest.mark.parametrize(
    ("path", "body"), [("/cda", DOCUMENT), ("/hl7v2", ADMISSION.encode()), ("/files?dataset=residents", table(GOOD))]
)
async def test_every_door_says_429_and_nothing_was_taken(path: str, body: bytes) -> None:
    repository = MemoryStore().repository(Actor("Device/test"), EVERYTHING)
    build = {"/cda": cda.build, "/hl7v2": hl7v2.build, "/files": files.build}[path.partition("?")[0]]
    door = Client(build(intake_for(lambda: repository, Gate(most=0)), max_body=100_000), mount="")
    answer = await door.request("POST", path, body)
    assert (answer.status, answer.headers["retry-after"]) == (429, "1")
    assert (await repository.search(parse("Task", [("_summary", "count")], strict=True))).total == 0
    open_door = Client(build(intake_for(lambda: repository), max_body=100_000), mount="")
    assert (await open_door.request("POST", path, body)).status in (200, 201)
