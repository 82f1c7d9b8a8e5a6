"""The pages of docs/reference/behaviour say what the chapters say."""

from __future__ import annotations

from scripts import spec_pages

from tests.spec.chapters import CHAPTERS


def test_every_page_is_what_the_chapters_say_today() -> None:
    stale = [
        path.name
        for path, text in spec_pages.pages().items()
        if not path.exists() or path.read_text(encoding="utf-8") != text
    ]
    assert stale == [], "run `make docs`"


def test_no_page_is_left_over_from_a_chapter_that_is_gone() -> None:
    assert {path.stem for path in spec_pages.FOLDER.glob("*.md")} == {"index", *CHAPTERS}


def test_every_row_of_a_chapter_stands_on_its_page() -> None:
    for name, chapter in CHAPTERS.items():
        rows = len(chapter.cases) + sum(len(story.rows) for story in chapter.stories)
        text = spec_pages.pages()[spec_pages.FOLDER / f"{name}.md"]
        headings = bool(chapter.cases) + len(chapter.stories)
        assert text.count("\n| ") == rows + 2 * headings, name
