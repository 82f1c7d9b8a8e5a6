"""`minkang share`: to a database of PostgreSQL or MariaDB, to files, and what was given."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from minkang.app import frontdb_source
from minkang.app.exporting import OPERATOR
from minkang.app.sharing_targets import safe
from minkang.kit.trouble import Trouble
from minkang.store.scope import EVERYTHING
from tests.lib import mariadb
from tests.lib.command_house import CommandHouse
from tests.lib.postgres import Databases
from tests.platform.sharing.test_sharing import TEXT, a_city, a_stay


class House(CommandHouse):
    def __init__(self, url: str, root: Path) -> None:
        super().__init__(url, root / "data")
        self.agreement = root / "a.toml"
        self.agreement.write_text(TEXT, "utf-8")
        self.with_store(lambda store: a_city(store.repository(OPERATOR, EVERYTHING)))

    def stay(self, id: str) -> None:
        self.with_store(lambda store: a_stay(store.repository(OPERATOR, EVERYTHING), id))

    def share(self, *words: str) -> str:
        return self.run("share", *words)


@pytest.fixture
def house(fresh_database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> House:
    monkeypatch.setenv("COLUMNS", "250")
    return House(fresh_database_url, tmp_path)


@pytest.fixture(params=["postgresql", "mariadb"])
def target_url(request: pytest.FixtureRequest, databases: Databases) -> Iterator[str]:
    with mariadb.database_of_others(request.param, databases) as url:
        yield url


def test_a_table_of_theirs_follows_the_record(house: House, target_url: str) -> None:
    for number, (wanted, rows) in enumerate([("1 rows, 0 taken back (everything)", 1), ("changed since", 2)]):
        assert wanted in house.share("run", str(house.agreement), "--to", target_url)
        engine = sa.create_engine(frontdb_source.address(target_url))
        with engine.connect() as connection:
            found = connection.execute(sa.text("SELECT resource_id, visit_no, sex, deleted FROM hospital_stay")).all()
        engine.dispose()
        assert ("1", "V1", "female", 0) in [tuple(one) for one in found]
        assert len([one for one in found if not one.deleted]) == rows
        if number == 0:
            house.stay("7")
    told = house.share("log")
    assert told.count("住院结算共享") == 2


def test_a_file_is_whole(house: House, tmp_path: Path) -> None:
    told = house.share("run", str(house.agreement), "--to", str(tmp_path / "out"))
    [file] = (tmp_path / "out").iterdir()
    assert file.name in told
    with file.open(encoding="utf-8-sig", newline="") as opened:
        [row] = csv.DictReader(opened)
    assert (row["visit_no"], row["reasons"]) == ("V1", "咳嗽; 发热")


def test_what_a_spreadsheet_would_run_is_marked_as_text() -> None:
    assert [safe(one) for one in ("=1+1", "+1", "-2", "@x")] == ["'=1+1", "'+1", "'-2", "'@x"]
    assert [safe(one) for one in ("a=1", 5, None)] == ["a=1", 5, None]


def test_what_cannot_be_done_is_said(house: House, tmp_path: Path) -> None:
    run = ["run", str(house.agreement), "--to"]
    with pytest.raises(Trouble, match="does not take it"):
        house.share(*run, "postgresql://nobody@127.0.0.1:1/none")
    (tmp_path / "file").write_text("")
    with pytest.raises(Trouble, match="cannot be written"):
        house.share(*run, str(tmp_path / "file"))
    with pytest.raises(Trouble, match="cannot be read"):
        house.share("run", str(tmp_path / "none.toml"), "--to", str(tmp_path))
    house.agreement.write_text("x")
    with pytest.raises(Trouble, match="no TOML"):
        house.share(*run, str(tmp_path))
    assert "Nothing has been given" in house.share("log")
