"""Words that must not stand in certain places: names that mean nothing, a programme's words in the floors below it,
traces of one person's machine, and SQL outside the floors that own it."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from tests.lib.tree import ROOT, SOURCE, files, python, short, tree

EMPTY_NAMES = {
    "utils",
    "util",
    "helpers",
    "helper",
    "common",
    "base",
    "manager",
    "managers",
    "service",
    "services",
    "misc",
}

PROGRAMME_WORDS = re.compile(
    r"(?<![a-z])(referrals?|bookings?|pregnan\w*|hypertens\w*|diabet\w*|screenings?|teleconsult\w*)(?![a-z])",
    re.IGNORECASE,
)
"""What the people of one programme say. A floor that needs such a word does something for one programme only."""

# Put together here so that this file does not hold what it looks for.
TRACES = re.compile(
    "|".join(
        [
            r"(?<![\w.])/" + r"(?:work|farm)/\w",
            r"(?<![\w.$}])/" + r"root/\w",
            r"(?<![\w.])/" + r"(?:home|Users)/\w",
            r"pythonhosted" + r"\.org",
            r"pypi" + r"\.org/simple",
            r"registry\.npmjs" + r"\.org",
            r"(?:deb|security)\.debian" + r"\.org",
        ]
    )
)

SQL = re.compile(
    r"^\s*(?:SELECT\s.+\sFROM\s|INSERT\s+INTO\s|UPDATE\s+\w+\s+SET\s|DELETE\s+FROM\s|(?:CREATE|ALTER|DROP)\s+(?:TABLE|INDEX|DATABASE)\s"
    r"|TRUNCATE\s|COPY\s+\w+\s+(?:FROM|TO)\s|WITH\s+\w+\s+AS\s*\()",
    re.DOTALL,
)
SQL_FLOORS = {"store", "platform", "kit"}

TEXT_ENDINGS = {
    ".py",
    ".md",
    ".toml",
    ".txt",
    ".sh",
    ".sql",
    ".yml",
    ".yaml",
    ".html",
    ".css",
    ".js",
    ".json",
    ".ndjson",
    "",
}


def test_the_name_of_every_file_says_something() -> None:
    empty = [
        short(path)
        for path in python("src", "tests", "scripts", "bench")
        if {*path.relative_to(ROOT).parts[:-1], path.stem.removeprefix("test_")} & EMPTY_NAMES
    ]
    assert empty == [], "name a file by what it holds"


def test_no_programme_is_named_in_the_floors_below() -> None:
    floors = python(*(f"src/minkang/{floor}" for floor in ("kit", "fhir", "store", "platform", "web")))
    assert _found(PROGRAMME_WORDS, floors) == {}


def test_nobodys_machine_and_no_download_host_is_named() -> None:
    assert _found(TRACES, [path for path in files() if path.suffix in TEXT_ENDINGS]) == {}


def test_sql_is_spoken_only_where_it_belongs() -> None:
    elsewhere = [path for path in python("src/minkang") if path.relative_to(SOURCE).parts[0] not in SQL_FLOORS]
    spoken = {short(path): [node.value for node in ast.walk(tree(path)) if _is_sql(node)] for path in elsewhere}
    assert {path: found for path, found in spoken.items() if found} == {}


def _found(pattern: re.Pattern[str], paths: list[Path]) -> dict[str, list[str]]:
    hits = {short(path): pattern.findall(path.read_text(encoding="utf-8", errors="ignore")) for path in paths}
    return {path: found for path, found in hits.items() if found}


def _is_sql(node: ast.AST) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, str) and SQL.match(node.value) is not None


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT id FROM resource",
        "insert".upper() + " INTO resource VALUES (1)",
        "WITH found AS (SELECT 1) SELECT 2 FROM found",
    ],
)
def test_a_statement_is_recognised(statement: str) -> None:
    assert SQL.match(statement)


def test_ordinary_words_are_no_statement() -> None:
    assert not SQL.match("Select the folder to restore from the list")
