"""A front-end database is read into the record: PostgreSQL and, where it is installed, MariaDB."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Any

import orjson
import pytest
import sqlalchemy as sa
from typer.testing import CliRunner

from minkang.app import frontdb_source
from minkang.app.cli import app
from minkang.app.frontdb_pull import Agent, Plan, sender_of
from minkang.app.frontdb_source import Source
from minkang.fhir.problem import Busy
from minkang.fhir.search.grammar import parse
from minkang.gateways.frontdb.wire import layout
from minkang.kit.trouble import Trouble
from minkang.store.contract import Repository
from minkang.store.scope import EVERYTHING, Actor
from tests.gateways.frontdb.rows import CHANGED, a_row, a_thin_row
from tests.lib import mariadb
from tests.lib.both_stores import RepositoryFor, dsn, repository_for
from tests.lib.postgres import Databases

__all__ = ["dsn", "repository_for"]

pytestmark = pytest.mark.anyio

ACTOR = Actor("Device/test")


class Front:
    """The hospital's side."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.engine = sa.create_engine(frontdb_source.address(url))
        self.tables = frontdb_source.metadata("mk_")

    def make(self) -> None:
        """By the published script, as an administrator would run it."""
        name = self.engine.dialect.name
        with self.engine.begin() as connection:
            self.tables.drop_all(connection)
            for one in frontdb_source.statements(name, "mk_").split(";\n"):
                if one.strip():
                    connection.exec_driver_sql(one.replace("%", "%%"))

    def put(self, table: str, *rows: Mapping[str, Any]) -> None:
        with self.engine.begin() as connection:
            there, keys = self.tables.tables[f"mk_{table}"], layout()[table].keys
            for row in rows:
                connection.execute(sa.delete(there).where(*(there.c[one] == row[one] for one in keys)))
                connection.execute(sa.insert(there).values(**row))


@pytest.fixture(scope="module", params=["postgresql", "mariadb"])
def front_url(request: pytest.FixtureRequest, databases: Databases) -> Iterator[str]:
    with mariadb.database_of_others(request.param, databases) as url:
        yield url


@pytest.fixture
def front(front_url: str) -> Iterator[Front]:
    made = Front(front_url)
    made.make()
    yield made
    made.engine.dispose()


@pytest.fixture
def repository(repository_for: RepositoryFor) -> Repository:
    return repository_for(ACTOR, EVERYTHING)


@asynccontextmanager
async def an_agent(front: Front, repository: Repository, **plan: Any) -> AsyncIterator[Agent]:
    source = Source(front.url, "mk_")
    try:
        yield Agent(source, repository, Plan(front.url, **plan))
    finally:
        source.close()


async def looked(front: Front, repository: Repository, **plan: Any) -> dict[str, dict[str, int]]:
    """A look of a new agent, as after a restart."""
    async with an_agent(front, repository, **plan) as agent:
        return {name: dict(+found) for name, found in (await agent.look()).items()}


async def count(repository: Repository, type: str) -> int:
    return (
        await repository.search(parse(type, [("_summary", "count"), ("_total", "accurate")], strict=True))
    ).total or 0


async def only(repository: Repository, type: str) -> dict[str, Any]:
    (hit,) = (await repository.search(parse(type, [], strict=True))).hits
    return orjson.loads(hit.stored.content)


async def test_every_table_is_read_with_a_receipt_for_each_row(front: Front, repository: Repository):
    for name in layout():
        front.put(name, a_row(name))
    found = await looked(front, repository)
    assert list(found) == list(layout())
    assert {name: one.get("accepted", 0) + one.get("warnings", 0) for name, one in found.items()} == dict.fromkeys(
        layout(), 1
    )
    assert await count(repository, "Patient") == 1
    assert await count(repository, "Encounter") == 1
    receipts = parse(
        "Task",
        [("requester", f"Organization/{sender_of('H1')}"), ("_summary", "count"), ("_total", "accurate")],
        strict=True,
    )
    assert (await repository.search(receipts)).total == len(layout())
    money = await only(repository, "ChargeItem")
    assert str(money["priceOverride"]["value"]) == "12.5"


async def test_rows_come_once_in_batches_of_any_size_and_after_a_restart(front: Front, repository: Repository):
    rows = [
        a_thin_row("orders", order_no=f"O{number}", update_time=CHANGED + timedelta(seconds=number // 4))
        for number in range(23)
    ]
    front.put("orders", *rows[:15])
    assert (await looked(front, repository, batch=4))["orders"] == {"accepted": 15}
    front.put("orders", *rows[15:])
    second = await looked(front, repository, batch=4, overlap=2)
    assert second["orders"]["accepted"] == 8
    assert second["orders"].get("duplicate", 0) <= 15
    assert await count(repository, "ServiceRequest") == 23


async def test_a_row_is_asked_about_once_by_one_agent(front: Front, repository: Repository):
    front.put("orders", *(a_thin_row("orders", order_no=f"O{number}") for number in range(5)))
    async with an_agent(front, repository) as agent:
        assert (await agent.look())["orders"]["accepted"] == 5
        assert +(await agent.look())["orders"] == {}


async def test_late_corrections_deletes_and_late_commits_arrive(front: Front, repository: Repository):
    front.put("diagnosis", a_thin_row("diagnosis", diag_name="旧"))
    front.put("orders", a_thin_row("orders", order_no="O9", update_time=CHANGED + timedelta(minutes=5)))
    await looked(front, repository)
    late = CHANGED + timedelta(minutes=1)  # before what was read last: its transaction was open for long
    front.put("orders", a_thin_row("orders", order_no="O1", update_time=late))
    front.put("diagnosis", a_thin_row("diagnosis", diag_name="新", update_time=late))
    await looked(front, repository)
    assert await count(repository, "ServiceRequest") == 2
    assert (await only(repository, "Condition"))["code"]["text"] == "新"
    front.put("diagnosis", a_thin_row("diagnosis", deleted=1, update_time=late + timedelta(minutes=1)))
    await looked(front, repository)
    assert await count(repository, "Condition") == 0
    # And back to what it was at first: other bytes, for it was changed later.
    front.put("diagnosis", a_thin_row("diagnosis", diag_name="旧", update_time=late + timedelta(minutes=2)))
    await looked(front, repository)
    assert (await only(repository, "Condition"))["code"]["text"] == "旧"


async def test_a_row_that_is_wrong_waits_in_quarantine_and_its_correction_is_taken(
    front: Front, repository: Repository
):
    front.put("orders", a_thin_row("orders", item_name=" "), a_thin_row("orders", order_no="O2"))
    assert (await looked(front, repository))["orders"] == {"accepted": 1, "quarantined": 1}
    front.put("orders", a_thin_row("orders", update_time=CHANGED + timedelta(minutes=1)))
    assert (await looked(front, repository))["orders"]["accepted"] == 1
    assert await count(repository, "ServiceRequest") == 2


async def test_a_clock_that_is_ahead_does_not_pass_over_what_comes_later(front: Front, repository: Repository):
    ahead = datetime.now().replace(microsecond=0) + timedelta(days=400)
    front.put("orders", a_thin_row("orders", update_time=ahead))
    await looked(front, repository)
    soon = datetime.now().replace(microsecond=0)
    front.put("orders", a_thin_row("orders", order_no="O2", update_time=soon))
    assert (await looked(front, repository))["orders"]["accepted"] == 1


class Failing:
    """The record store that goes away after so many rows."""

    def __init__(self, repository: Repository, rows: int) -> None:
        self._repository, self.rows = repository, rows

    def __getattr__(self, name: str) -> Any:
        return getattr(self._repository, name)

    async def transaction(self, entries: Any, **told: Any) -> Any:
        self.rows -= 1
        if self.rows < 0:
            raise Busy("The database does not answer; try again shortly.")
        return await self._repository.transaction(entries, **told)


@pytest.mark.parametrize("rows", [0, 1, 5, 9])
async def test_broken_off_anywhere_it_loses_and_doubles_nothing(front: Front, repository: Repository, rows: int):
    front.put("orders", *(a_thin_row("orders", order_no=f"O{number:02}") for number in range(12)))
    with pytest.raises(Busy):
        await looked(front, Failing(repository, rows), batch=5)  # type: ignore[arg-type]
    await looked(front, repository, batch=5)
    assert await count(repository, "ServiceRequest") == 12
    assert await count(repository, "Task") == 12
    page = await repository.search(parse("ServiceRequest", [("_count", "50")], strict=True))
    assert {hit.stored.version for hit in page.hits} == {1}


async def test_a_table_without_a_needed_column_is_told_and_one_without_another_is_read(
    front: Front, repository: Repository
):
    with front.engine.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE mk_orders DROP COLUMN doctor_name")
        connection.exec_driver_sql(
            "INSERT INTO mk_orders (org_code, patient_id, visit_no, order_no, item_name, order_time, update_time) "
            "VALUES ('H1', 'P1', 'V1', 'O1', '血常规', '2026-01-05 08:00:00', '2026-01-05 08:00:00')"
        )
    assert (await looked(front, repository))["orders"] == {"accepted": 1}
    with front.engine.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE mk_orders DROP COLUMN item_name")
    with pytest.raises(Trouble, match="item_name"):
        await looked(front, repository)


@pytest.mark.parametrize("dialect", frontdb_source.DIALECTS)
def test_the_script_makes_every_table_with_its_names(dialect: str):
    text = CliRunner().invoke(app, ["frontdb", "ddl", "--dialect", dialect, "--prefix", "x_"]).output
    assert text.count("CREATE TABLE x_") == text.count("CREATE INDEX") == len(layout())
    assert "住院病案首页" in text
    assert "DE02.01.039.00" in text


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("nonsense", "URL such as"),
        ("oracle://u:secret@h/x", "pip install oracledb"),
        ("dm://u:secret@h/x", "dmPython"),
        ("odd://x", "driver"),
    ],
)
def test_what_cannot_be_reached_is_told_without_a_password(url: str, told: str):
    with pytest.raises(Trouble, match=told) as raised:
        Source(url, "mk_")
    assert "secret" not in str(raised.value)


def test_there_is_no_script_for_other_dialects():
    with pytest.raises(Trouble, match="mysql, postgresql"):
        frontdb_source.statements("db2", "mk_")
