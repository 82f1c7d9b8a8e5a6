"""The generated pages are what their generator writes today, and what they promise exists."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
from scripts import reference_pages

from tests.lib.tree import ROOT

COVERAGE = tomllib.loads((ROOT / "docs" / "reference" / "coverage.toml").read_text(encoding="utf-8"))["feature"]
LINK = re.compile(r"\]\(([^)#\s]+)(?:#[^)]*)?\)")
FRONT_DOORS = ["README.md", "README.zh-CN.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md", "GLOSSARY.md"]


@pytest.mark.parametrize("path", reference_pages.pages(), ids=lambda path: path.name)
def test_the_page_is_what_make_docs_writes(path: Path) -> None:
    assert path.read_text(encoding="utf-8") == reference_pages.pages()[path], "run `make docs`"


@pytest.mark.parametrize("row", COVERAGE, ids=lambda row: row["id"])
def test_what_is_said_to_work_is_shown_by_tests_that_exist(row: dict[str, list[str]]) -> None:
    assert [path for path in row["tests"] if not (ROOT / path).is_file()] == []
    assert row["tests"]


def test_every_page_stands_in_the_book_once() -> None:
    from scripts.book import on_config

    class Config:
        docs_dir = str(ROOT / "docs")
        nav = None

    listed = _leaves(on_config(Config()).nav)
    assert sorted(listed) == sorted(
        path.relative_to(ROOT / "docs").as_posix() for path in (ROOT / "docs").rglob("*.md")
    )


@pytest.mark.parametrize("name", FRONT_DOORS)
def test_links_from_the_first_pages_lead_somewhere(name: str) -> None:
    links = LINK.findall((ROOT / name).read_text(encoding="utf-8"))
    assert [link for link in links if "://" not in link and not (ROOT / link).exists()] == []


def test_every_verb_that_the_pages_name_is_in_the_makefile() -> None:
    verbs = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.M))
    pages = [ROOT / name for name in FRONT_DOORS] + list((ROOT / "docs").rglob("*.md"))
    named = {verb for page in pages for verb in re.findall(r"`make ([a-z-]+)", page.read_text(encoding="utf-8"))}
    assert named - verbs == set()


def _leaves(nav: object) -> list[str]:
    if isinstance(nav, str):
        return [nav]
    inside = nav.values() if isinstance(nav, dict) else nav if isinstance(nav, list) else []
    return [leaf for each in inside for leaf in _leaves(each)]
