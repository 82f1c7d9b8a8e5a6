"""The page "connect by database" happens as it is printed: SQL on the hospital's side, commands on ours."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import psycopg
import pytest
from typer.testing import CliRunner

from minkang.app import frontdb_source
from minkang.app.cli import app
from minkang.app.prepare import key_file
from minkang.kit.folders import DataFolder
from minkang.store import keys

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "connect-by-database.md"
PRINTED = "postgresql://front@127.0.0.1/front"
BLOCK = re.compile(r"```(sql|bash|text)\n(.*?)```", re.DOTALL)


def test_the_page_happens_as_printed(
    fresh_database_url: str, empty_database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "250")
    file = key_file(DataFolder(tmp_path))
    file.parent.mkdir(mode=0o700, parents=True)
    keys.load_or_create(file)
    front = psycopg.connect(empty_database_url, autocommit=True)
    front.execute(frontdb_source.statements("postgresql", "mk_").encode())
    said, seen = "", 0
    for kind, text in BLOCK.findall(PAGE.read_text("utf-8")):
        if kind == "sql":
            front.execute(text.encode())
        elif kind == "bash":
            said = ""
            for line in text.splitlines():
                words = [empty_database_url if word == PRINTED else word for word in shlex.split(line)[1:]]
                ours = ["--data", str(tmp_path), "--database-url", fresh_database_url]
                done = CliRunner().invoke(app, [*words, *ours], catch_exceptions=False)
                said += re.sub(r"[│┃\s]+", " ", done.output)
        else:
            for line in text.splitlines():
                assert line in said
                seen += 1
    front.close()
    assert seen == 5
