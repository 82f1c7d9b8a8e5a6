"""What became of everything sent, over HTTP: receipts, originals, replay, and the books against declarations."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import orjson
import pytest

from minkang.app.intake_doors import DOORS
from minkang.gateways.cda.endpoint.taking import taken
from minkang.gateways.frontdb import mapping as frontdb
from minkang.gateways.frontdb.wire import packed
from minkang.gateways.intake.gateway import build
from minkang.kit import clock
from minkang.platform.intake.findings import rules_of
from minkang.platform.intake.senders import Senders
from minkang.platform.intake.taking import Intake, Message
from minkang.store.contract import Repository
from minkang.store.scope import EVERYTHING, Actor
from tests.gateways.cda.making import document, observation, section, text
from tests.gateways.frontdb.rows import a_row
from tests.lib.asgi import Client
from tests.lib.both_stores import RepositoryFor, dsn, repository_for

__all__ = ["dsn", "repository_for"]

pytestmark = pytest.mark.anyio

RULES = rules_of("minkang.gateways.cda")
SENDER = "hospital-1"


@pytest.fixture
def repository(repository_for: RepositoryFor) -> Repository:
    return repository_for(Actor("Device/test"), EVERYTHING)


@pytest.fixture
def door(repository: Repository) -> Client:
    return Client(build(lambda _: repository, DOORS, max_body=100_000), mount="")


async def ask(door: Client, method: str, path: str, body: bytes = b"", status: int = 200) -> Any:
    answer = await door.request(method, path, body)
    assert answer.status == status, answer.body
    return orjson.loads(answer.body)


def a_document(number: str, **more: Any) -> bytes:
    return document(section("10154-3", observation("DE04.01.119.00", "主诉", text("头痛"))), number=number, **more)


async def sent(repository: Repository, *contents: bytes) -> list[str]:
    """Ids of receipts."""
    return [(await taken(Intake(repository, RULES), one, sender=SENDER)).id for one in contents]


async def test_receipts_are_listed_counted_and_paged(door: Client, repository: Repository) -> None:
    ids = await sent(repository, a_document("1"), a_document("2"), b"<broken")
    told = await ask(door, "GET", f"/intake?sender={SENDER}&count=2")
    assert told["counts"] == {"accepted": 2, "warnings": 0, "quarantined": 1, "rejected": 0}
    rest = await ask(door, "GET", told["next"])
    assert {one["id"] for one in [*told["receipts"], *rest["receipts"]]} == set(ids)
    assert "next" not in rest
    (bad,) = (await ask(door, "GET", "/intake?outcome=quarantined&door=cda&since=2020-01-01"))["receipts"]
    assert bad["id"] == ids[2]
    assert (await ask(door, "GET", "/intake?sender=somebody-else"))["receipts"] == []


async def test_one_is_shown_with_its_original_and_replayed_once_corrected(door: Client, repository: Repository) -> None:
    (id,) = await sent(repository, b"<broken")
    assert (await ask(door, "GET", f"/intake/{id}"))["findings"][0]["do_zh"]
    original = await door.request("GET", f"/intake/{id}/original")
    assert original.body == b"<broken"
    assert original.headers["content-disposition"] == "attachment"
    assert (await ask(door, "POST", f"/intake/{id}/$replay"))["outcome"] == "quarantined"
    assert (await ask(door, "POST", f"/intake/{id}/$replay", a_document("9")))["outcome"] == "accepted"


async def test_the_books_tell_what_is_missing_and_what_came_late(
    door: Client, repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    declared = {"sender": SENDER, "day": "2026-03-02", "counts": {"C0002": 4, "C0049": 1}}
    await ask(door, "PUT", "/intake/declared", orjson.dumps(declared))
    for when, number in (("2026-03-02T12:00:00+08:00", "1"), ("2026-03-03T23:59:00+08:00", "2")):
        monkeypatch.setattr(clock, "now", lambda when=when: datetime.fromisoformat(when).astimezone(UTC))
        await sent(repository, a_document(number))
    monkeypatch.setattr(clock, "now", lambda: datetime.fromisoformat("2026-03-04T00:00:00+08:00").astimezone(UTC))
    await sent(repository, a_document("3"))
    where = f"/intake/reconciliation?sender={SENDER}&from=2026-03-01&to=2026-03-02"
    rows = {one["kind"]: one for one in (await ask(door, "GET", where))["rows"]}
    names = ("declared", "in_time", "late", "quarantined", "missing")
    assert [rows["C0002"][name] for name in names] == [4, 2, 1, 0, 1]
    assert [rows["C0049"][name] for name in names] == [1, 0, 0, 0, 1]
    asked = await ask(door, "POST", f"/intake/reconciliation/$ask?sender={SENDER}&day=2026-03-02", status=201)
    assert asked["missing"] == {"C0002": 1, "C0049": 1}
    task = orjson.loads((await repository.read(*asked["task"].split("/"))).content)
    assert task["owner"] == {"reference": f"Organization/{SENDER}"}
    assert await ask(door, "POST", f"/intake/reconciliation/$ask?sender={SENDER}&day=2026-03-09") == {"missing": {}}


async def test_what_was_agreed_stands_beside_it_and_a_correction_counts_once(
    door: Client, repository: Repository
) -> None:
    sender, _ = await Senders(repository).add("第一医院", "H-1", ("hl7v2",), {"visit": 20})
    rules = rules_of("minkang.gateways.frontdb")
    for number, name in (("V1", "内科"), ("V1", "外科"), ("V2", "内科")):
        content = packed("visit", a_row("visit", visit_no=number, dept_name=name, visit_time=datetime(2026, 3, 2, 9)))
        message = Message("frontdb", content, "application/json", sender.id)
        receipt = await Intake(repository, rules).take(message, lambda one: frontdb.read(one.content, one.sender))
        assert receipt.is_taken, receipt.findings
    where = f"/intake/reconciliation?sender={sender.id}&from=2026-03-02&to=2026-03-02"
    [row] = (await ask(door, "GET", where))["rows"]
    assert (row["kind"], row["expected"], row["declared"], row["in_time"] + row["late"]) == ("visit", 20, None, 2)


async def test_declaring_again_replaces(door: Client) -> None:
    for count in (5, 7):
        declared = {"sender": SENDER, "day": "2026-03-05", "counts": {"C0001": count}}
        await ask(door, "PUT", "/intake/declared", orjson.dumps(declared))
    where = f"/intake/reconciliation?sender={SENDER}&from=2026-03-05&to=2026-03-05"
    assert [one["declared"] for one in (await ask(door, "GET", where))["rows"]] == [7]


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("GET", "/intake/none", b"", 404),
        ("GET", "/intake/none/original", b"", 404),
        ("POST", "/intake/none/$replay", b"", 404),
        ("GET", "/intake/a/b/c", b"", 404),
        ("POST", "/intake", b"", 405),
        ("GET", "/intake/declared", b"", 405),
        ("GET", "/intake?outcome=lost", b"", 400),
        ("GET", "/intake?count=0", b"", 400),
        ("GET", "/intake?day=tomorrow", b"", 400),
        ("GET", "/intake?after=nonsense", b"", 400),
        ("GET", "/intake/reconciliation", b"", 400),
        ("GET", "/intake/reconciliation?sender=a&from=2026-01-01&to=2026-03-01", b"", 400),
        ("GET", "/intake/reconciliation?sender=a&from=2026-01-02&to=2026-01-01", b"", 400),
        ("PUT", "/intake/declared", b"no json", 400),
        ("PUT", "/intake/declared", b'{"sender":"a","day":"2026-01-01","counts":{}}', 400),
        ("PUT", "/intake/declared", b'{"sender":"a","day":"2026-01-01","counts":{"C":-1}}', 400),
        ("PUT", "/intake/declared", b'{"sender":"a/b","day":"2026-01-01","counts":{"C":1}}', 400),
        ("PUT", "/intake/declared", b'{"sender":"a","day":"x","counts":{"C":1}}', 400),
        ("PUT", "/intake/declared", b"x" * 100_001, 413),
    ],
)
async def test_what_cannot_be_answered_says_why(door: Client, method: str, path: str, body: bytes, status: int) -> None:
    assert (await ask(door, method, path, body, status))["error"]
