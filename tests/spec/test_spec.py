"""Every chapter of the specification, on both stores."""

from __future__ import annotations

import pytest

from tests.lib.both_stores import RepositoryFor
from tests.spec.chapters import CHAPTERS
from tests.spec.language import Chapter, Row
from tests.spec.running import Mismatch, Run

pytestmark = pytest.mark.anyio

CASES = [pytest.param(chapter, id=name) for name, chapter in CHAPTERS.items() if chapter.cases]
STORIES = [
    pytest.param(chapter, story.rows, id=f"{name}-{story.title.replace(' ', '-').lower()}")
    for name, chapter in CHAPTERS.items()
    for story in chapter.stories
]


@pytest.mark.parametrize("chapter", CASES)
async def test_every_case_is_answered_as_the_chapter_says(chapter: Chapter, repository_for: RepositoryFor) -> None:
    run = Run(chapter, repository_for)
    await run.load()
    differing = [mismatch for row in chapter.cases if (mismatch := await _differs(run, row)) is not None]
    assert not differing, f"{len(differing)} of {len(chapter.cases)} differ:\n" + "\n".join(differing)


@pytest.mark.parametrize(("chapter", "rows"), STORIES)
async def test_every_story_goes_as_the_chapter_says(
    chapter: Chapter, rows: list[Row], repository_for: RepositoryFor
) -> None:
    run = Run(chapter, repository_for)
    await run.load()
    for place, row in enumerate(rows, 1):
        mismatch = await _differs(run, row)
        assert mismatch is None, f"step {place} of {len(rows)}: {mismatch}"


async def _differs(run: Run, row: Row) -> str | None:
    try:
        await run.check(row)
    except Mismatch as mismatch:
        return str(mismatch)
    return None


def test_the_runner_notices_a_wrong_answer() -> None:
    """The specification itself can fail: an expectation that differs from the answer is reported."""
    run = Run(Chapter("Probe", ""), lambda actor, scope: pytest.fail("no store is asked"))
    assert run.agrees("created Patient/$x 1", "created Patient/made-up 1")
    assert run.agrees("Patient/$x 1", "Patient/$x 1"), "it has a name now, by which answers call it"
    assert not run.agrees("Patient/$x 1", "Patient/another 1")
    assert not run.agrees("a b", "a b c")
