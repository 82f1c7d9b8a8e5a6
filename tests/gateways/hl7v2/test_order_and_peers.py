"""A patient's messages are written as they came, on one line or several; and a client that others wrote is answered."""

from __future__ import annotations

import asyncio

import hl7
import hl7.client
import orjson
import pytest

from minkang.fhir.search.grammar import parse
from minkang.gateways.hl7v2.endpoint.mllp import Lines
from minkang.gateways.hl7v2.endpoint.order import Order
from minkang.gateways.hl7v2.endpoint.taking import ORDER
from minkang.gateways.hl7v2.wire import framed
from minkang.platform.intake.findings import rules_of
from minkang.platform.intake.taking import Intake
from minkang.store.contract import Repository
from minkang.store.scope import EVERYTHING, Actor
from tests.gateways.hl7v2.test_door import an_adt, count, msa
from tests.lib.both_stores import RepositoryFor, dsn, repository_for

__all__ = ["dsn", "repository_for"]

pytestmark = pytest.mark.anyio

RULES = rules_of("minkang.gateways.hl7v2")


@pytest.fixture
def repository(repository_for: RepositoryFor) -> Repository:
    return repository_for(Actor("Device/test"), EVERYTHING)


async def test_who_waits_is_let_in_as_they_came_and_others_at_once():
    order, seen = Order(), []
    begun, go = asyncio.Event(), asyncio.Event()

    async def one(name: str, patients: list[tuple[str, ...]]) -> None:
        async with order.turn(patients):
            begun.set()
            if name == "first":
                await go.wait()
            seen.append(name)

    first = asyncio.create_task(one("first", [("h", "1")]))
    await begun.wait()
    rest = [asyncio.create_task(one(name, [("h", "1"), ("h", "2")])) for name in ("second", "third", "fourth")]
    await one("other", [("h", "3")])
    assert seen == ["other"]
    await asyncio.sleep(0)
    rest[1].cancel()
    go.set()
    await asyncio.gather(first, *rest, return_exceptions=True)
    assert seen == ["other", "first", "second", "fourth"]
    assert len(order) == 0


class Slow(Intake):
    """The first message takes until the second has come, or would never end."""

    def __init__(self, repository: Repository, arrived: asyncio.Event, wait: bool):
        super().__init__(repository, RULES)
        self._arrived, self._wait = arrived, wait

    async def take(self, message, read):
        if self._wait:
            async with asyncio.timeout(20):
                await self._arrived.wait()
        return await super().take(message, read)


async def test_two_messages_of_a_patient_on_two_lines_are_written_as_they_came(repository: Repository):
    arrived = asyncio.Event()
    slow = [True, False]
    lines = Lines(lambda: Slow(repository, arrived, slow.pop(0)), 100_000)
    port = await lines.listen("127.0.0.1", 0)
    answers = []
    writers = []
    for name in ("张^旧", "张^新"):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(framed(an_adt(1, name=name, event="A08").encode()))
        writers.append(writer)
        answers.append(asyncio.create_task(reader.readuntil(b"\x1c\r")))
        async with asyncio.timeout(20):
            while not any(  # noqa: ASYNC110 - nothing tells that somebody waits
                waiting >= len(writers) for _, waiting in ORDER._queues.values()
            ):
                await asyncio.sleep(0)
    arrived.set()
    async with asyncio.timeout(20):
        assert [msa((await one)[1:-2])[1] for one in answers] == ["AA", "AA"]
    for writer in writers:
        writer.close()
    await lines.close()
    page = await repository.search(parse("Patient", [], strict=True))
    assert [orjson.loads(hit.stored.content)["name"][0]["text"] for hit in page.hits] == ["张新"]


async def test_a_client_that_others_wrote_is_answered(repository: Repository):
    lines = Lines(lambda: Intake(repository, RULES), 100_000)
    port = await lines.listen("127.0.0.1", 0)

    def send() -> list[bytes]:
        with hl7.client.MLLPClient("127.0.0.1", port) as client:
            client.socket.settimeout(20)
            return [client.send_message(hl7.parse(an_adt(number))) for number in (1, 2, 1)]

    answers = await asyncio.to_thread(send)
    await lines.close()
    acknowledged = [hl7.parse(one.strip(b"\x0b\x1c\r").decode()) for one in answers]
    assert [str(one.segment("MSA")[1]) for one in acknowledged] == ["AA"] * 3
    assert [str(one.segment("MSA")[2]) for one in acknowledged] == ["C1", "C2", "C1"]
    assert str(acknowledged[0]["MSH.F9.R1.C1"]) == "ACK"
    assert await count(repository, "Patient") == 2
