"""The door for HL7 v2, over HTTP and over lines: what is answered is durable, whatever comes, however it comes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from minkang.app.senders import intake_for
from minkang.fhir.problem import Busy
from minkang.fhir.search.grammar import parse
from minkang.gateways.hl7v2.endpoint.mllp import Lines
from minkang.gateways.hl7v2.endpoint.taking import taken
from minkang.gateways.hl7v2.gateway import build
from minkang.gateways.hl7v2.wire import framed
from minkang.platform.intake.findings import rules_of
from minkang.platform.intake.taking import Intake
from minkang.store.contract import Repository
from minkang.store.memory import MemoryStore
from minkang.store.scope import EVERYTHING, Actor
from tests.lib.asgi import Client
from tests.lib.both_stores import RepositoryFor, dsn, repository_for

__all__ = ["dsn", "repository_for"]

pytestmark = pytest.mark.anyio

ACTOR = Actor("Device/test")
RULES = rules_of("minkang.gateways.hl7v2")


def an_adt(number: int = 1, event: str = "A01", name: str = "张^丽", sex: str = "F", **header: str) -> str:
    charset = header.get("charset", "UNICODE UTF-8")
    return "\r".join(
        [
            f"MSH|^~\\&|HIS|H1|MINKANG|CITY|20261101080000+0800||ADT^{event}|C{number}|P|2.5.1||||||{charset}",
            "EVN||20261101080000",
            f"PID|1||P{number}^^^H1^MR||{name}||19800102|{sex}",
            f"PV1|1|I|W1^2^3^H1||||||||||||||||V{number}|||||||||||||||||||||||||20261101080000",
            "",
        ]
    )


@pytest.fixture
def repository(repository_for: RepositoryFor) -> Repository:
    return repository_for(ACTOR, EVERYTHING)


async def count(repository: Repository, type: str) -> int:
    page = await repository.search(parse(type, [("_summary", "count"), ("_total", "accurate")], strict=True))
    return page.total or 0


def msa(said: bytes | str) -> list[str]:
    text = said.decode() if isinstance(said, bytes) else said
    return next(line for line in text.split("\r") if line.startswith("MSA")).split("|")


async def test_http_answers_when_it_is_kept(repository: Repository) -> None:
    client = Client(build(intake_for(lambda: repository), max_body=100_000), mount="")
    answer = await client.request("POST", "/hl7v2", an_adt().encode())
    assert answer.status == 200
    assert msa(answer.body)[1:3] == ["AA", "C1"]
    assert await count(repository, "Patient") == await count(repository, "Encounter") == 1
    receipt = answer.headers["location"].removeprefix("/fhir/Task/")
    assert (await Intake(repository).receipt(receipt)).outcome in ("accepted", "warnings")  # type: ignore[union-attr]


async def test_everything_twice_is_once(repository: Repository) -> None:
    client = Client(build(intake_for(lambda: repository), max_body=100_000), mount="")
    answers = [await client.request("POST", "/hl7v2", an_adt(2).encode()) for _ in range(3)]
    assert [msa(one.body)[1] for one in answers] == ["AA"] * 3
    assert len({one.headers["location"] for one in answers}) == 1
    assert await count(repository, "Task") == await count(repository, "Patient") == 1


async def test_what_is_wrong_is_told_and_kept(repository: Repository) -> None:
    client = Client(build(intake_for(lambda: repository), max_body=100_000), mount="")
    answer = await client.request("POST", "/hl7v2", an_adt(event="Q99").encode())
    assert msa(answer.body)[1] == "AE"
    assert "ERR||MSH^1^9|200|E||||[ADT\\S\\Q99]" in answer.body.decode()
    held = await Intake(repository, RULES).receipt(answer.headers["location"].removeprefix("/fhir/Task/"))
    assert held is not None
    assert held.outcome == "quarantined"
    assert held.findings[0].zh
    assert await count(repository, "Patient") == 0


@pytest.mark.parametrize(
    ("method", "body", "status"), [("GET", b"", 405), ("POST", b"x" * 200_000, 413), ("POST", b"", 200)]
)
async def test_http_refuses(repository: Repository, method: str, body: bytes, status: int) -> None:
    client = Client(build(intake_for(lambda: repository), max_body=100_000), mount="")
    assert (await client.request(method, "/hl7v2", body)).status == status


async def test_a_database_that_is_away_is_no_acknowledgement(repository: Repository) -> None:
    class Away:
        async def read_many(self, *_: object) -> None:
            raise Busy("The database does not answer; try again shortly.")

    client = Client(build(intake_for(Away), max_body=100_000), mount="")  # type: ignore[arg-type]
    answer = await client.request("POST", "/hl7v2", an_adt().encode())
    assert (answer.status, msa(answer.body)[1]) == (503, "AR")
    assert answer.headers["retry-after"]


class Line:
    """The other end."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    async def send(self, *pieces: bytes) -> None:
        for piece in pieces:
            self.writer.write(piece)
            await self.writer.drain()

    async def answer(self) -> bytes:
        async with asyncio.timeout(20):
            return (await self.reader.readuntil(b"\x1c\r"))[1:-2]

    async def is_closed(self) -> bool:
        async with asyncio.timeout(20):
            return await self.reader.read(1) == b""


@asynccontextmanager
async def a_line(repository: Repository, limit: int = 100_000, stalled: float = 20.0) -> AsyncIterator[Line]:
    lines = Lines(lambda: Intake(repository, RULES), limit, stalled=stalled)
    port = await lines.listen("127.0.0.1", 0)
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        yield Line(reader, writer)
    finally:
        writer.close()
        await lines.close()


async def test_a_line_answers_each_in_order(repository: Repository) -> None:
    async with a_line(repository) as line:
        await line.send(b"".join(framed(an_adt(number).encode()) for number in range(5)))
        assert [msa(await line.answer())[1:3] for _ in range(5)] == [["AA", f"C{number}"] for number in range(5)]
    assert await count(repository, "Encounter") == 5


async def test_a_line_takes_pieces_of_any_size(repository: Repository) -> None:
    async with a_line(repository) as line:
        await line.send(*(bytes([byte]) for byte in framed(an_adt(7).encode())))
        assert msa(await line.answer())[1:3] == ["AA", "C7"]


async def test_gbk_under_the_name_of_utf_8_is_read_and_told(repository: Repository) -> None:
    async with a_line(repository) as line:
        await line.send(framed(an_adt(8).encode("gb18030")))
        said = await line.answer()
        assert msa(said.decode("gb18030"))[1] == "AA"
    page = await repository.search(parse("Patient", [("name", "张丽")], strict=True))
    assert len(page.hits) == 1


async def test_a_line_outlives_what_is_no_message(repository: Repository) -> None:
    async with a_line(repository, limit=2_000) as line:
        await line.send(b"GET / HTTP/1.1\r\n\r\n")
        assert msa(await line.answer())[1] == "AR"
        await line.send(b"\x0bMSH|^~\\&|half", framed(an_adt(1).encode()))  # given up, then begun anew
        assert [msa(await line.answer())[1] for _ in range(2)] == ["AR", "AA"]
        await line.send(framed(b"MSH|" + b"x" * 10_000))
        assert msa(await line.answer())[1] == "AR"
        await line.send(framed(b"no header"))
        assert msa(await line.answer())[1] == "AE"  # a block, so it is kept for somebody to look at
        await line.send(framed(an_adt(2).encode()))
        assert msa(await line.answer())[1:3] == ["AA", "C2"]


async def test_a_line_that_stops_in_the_middle_is_closed(repository: Repository) -> None:
    async with a_line(repository, stalled=0.05) as line:
        await line.send(b"\x0bMSH|^~\\&|")
        assert await line.is_closed()
    assert await count(repository, "Task") == 0


async def test_many_lines_at_once(repository: Repository) -> None:
    lines = Lines(lambda: Intake(repository, RULES), 100_000)
    port = await lines.listen("127.0.0.1", 0)

    async def send(first: int) -> list[str]:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        line = Line(reader, writer)
        codes = []
        for number in range(first, first + 5):
            await line.send(framed(an_adt(number).encode()))
            codes.append(msa(await line.answer())[1])
        writer.close()
        return codes

    found = await asyncio.gather(*(send(10 * line) for line in range(8)))
    await lines.close()
    assert found == [["AA"] * 5] * 8
    assert await count(repository, "Patient") == 40


@given(content=st.binary(max_size=120) | st.text(max_size=80).map(lambda text: f"MSH|^~\\&|{text}".encode()))
@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_bytes_get_an_answer(content: bytes) -> None:
    async def send() -> None:
        repository = MemoryStore().repository(ACTOR, EVERYTHING)
        found = await taken(Intake(repository, RULES), content)
        assert found.receipt is not None
        assert found.answer is None or b"MSA|" in found.answer or b"MSA" in found.answer
        assert await Intake(repository, RULES).receipt(found.receipt.id) == found.receipt

    asyncio.run(send())
