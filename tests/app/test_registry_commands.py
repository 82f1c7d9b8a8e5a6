"""`minkang registry`: a table loaded and told, and what is wrong with it said."""

from __future__ import annotations

from pathlib import Path

import orjson
import pytest
from typer.testing import CliRunner

from minkang.app.cli import app
from minkang.app.prepare import key_file
from minkang.kit.folders import DataFolder
from minkang.kit.trouble import Trouble
from minkang.store import keys


class House:
    """A data folder, its database, and the command line over both."""

    def __init__(self, url: str, data: Path) -> None:
        file = key_file(DataFolder(data))
        file.parent.mkdir(mode=0o700, parents=True)
        keys.load_or_create(file)
        self.ours = ["--data", str(data), "--database-url", url]

    def run(self, *words: str, code: int = 0) -> str:
        done = CliRunner().invoke(app, ["registry", *words, *self.ours], catch_exceptions=False)
        assert done.exit_code == code, done.output
        return done.output


@pytest.fixture
def house(fresh_database_url: str, tmp_path: Path) -> House:
    return House(fresh_database_url, tmp_path / "data")


def test_a_table_is_previewed_loaded_changed_and_shown(house: House, tmp_path: Path) -> None:
    file, report = tmp_path / "institutions.csv", tmp_path / "report.csv"
    file.write_text("机构代码,机构名称,机构等级,备注\nH1,第一医院,三级甲等,x\nH2,第二医院,八级,y\n", "gb18030")
    told = house.run("load", "organization", str(file), "--dry-run", code=4)
    assert "1 rows taken, 1 refused" in told
    assert "Not written" in told
    assert "line 3, 机构等级: '八级'; expected one of 三级特等" in told
    assert "备注" in told
    assert "2 added, 0 changed" in house.run("load", "organization", str(file), code=4)
    file.write_text("code,name\nH1,第一人民医院\n", "utf-8")
    told = house.run("load", "organization", str(file), "--report", str(report))
    assert "name: 第一医院 -> 第一人民医院" in told
    assert "type[1].coding[0].code,3-a," in report.read_text("utf-8-sig")
    shown = [orjson.loads(line) for line in house.run("show", "organization").splitlines()]
    assert [one["name"] for one in shown] == ["第一人民医院"] * 2


def test_what_cannot_be_loaded_is_said(house: House, tmp_path: Path) -> None:
    file = tmp_path / "x.csv"
    for words, kind in (("is not there", "organization"), ("no table", "planet"), ("empty", "organization")):
        with pytest.raises(Trouble, match=words):
            house.run("load", kind, str(file))
        file.write_text("")


def test_the_columns_are_told() -> None:
    told = CliRunner().invoke(app, ["registry", "columns", "practitioner"], catch_exceptions=False).output
    assert "执业证书编号" in told
    assert "scope" in told
