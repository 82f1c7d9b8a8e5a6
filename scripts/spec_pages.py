"""Write docs/reference/behaviour: the chapters of tests/spec, which both stores are asked, as pages to read.

Usage: python scripts/spec_pages.py      (`make docs` runs it; tests/spec refuses pages that are not current)
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from tests.spec.chapters import CHAPTERS  # noqa: E402 - found only after the line above
from tests.spec.language import Chapter, Row  # noqa: E402

FOLDER = ROOT / "docs" / "reference" / "behaviour"
MADE = "<!-- Written by scripts/spec_pages.py from tests/spec; change the chapter there and run `make docs`. -->\n"
INTRODUCTION = """
Each table below is run against the PostgreSQL store and against its naive twin in every test run (`tests/spec`): what
stands here is what happens. A request is written as on the wire, without the base url.

| An answer such as | means |
|---|---|
| `a b c` | the ids a search finds; in this order only if the request sorts |
| `a b + p` | `p` was included |
| `a b / c` | pages, where the request sorts; `a b c in 2+1` where it does not |
| `a b [7]` | the total that was asked for |
| `created Patient/a 1` | what a write did, to what, and the version that came of it |
| `Patient/a 2` | which version a read answers |
| `a 2 PUT, a 1 POST` | the versions of a history, newest first |
| `nothing` | no resource, and no complaint |
| `NotFound`, `PreconditionFailed` ... | the kind of problem (`fhir/problem.py`) |
| `$x` | an id that the store made |
"""


def main() -> None:
    FOLDER.mkdir(parents=True, exist_ok=True)
    wanted = pages()
    for path in set(FOLDER.glob("*.md")) - set(wanted):
        path.unlink()
    for path, text in wanted.items():
        path.write_text(text, encoding="utf-8")
    print(f"{FOLDER.relative_to(ROOT)}: {len(wanted)} pages")


def pages() -> dict[Path, str]:
    """Every page with what should stand in it."""
    chapters = {FOLDER / f"{name}.md": page(chapter) for name, chapter in CHAPTERS.items()}
    return {FOLDER / "index.md": index(), **chapters}


def index() -> str:
    links = [f"- [{chapter.title}]({name}.md) ({_count(chapter)})" for name, chapter in CHAPTERS.items()]
    return "\n".join([f"{MADE}# Behaviour", INTRODUCTION, *links, ""])


def page(chapter: Chapter) -> str:
    parts = [f"{MADE}# {chapter.title}", chapter.text.strip()]
    if chapter.resources:
        parts += ["## What is there", _resources(chapter)]
    if chapter.cases:
        parts += ["## Questions", _table(chapter.cases)]
    for story in chapter.stories:
        parts += [f"## {story.title}", _table(story.rows)]
    return "\n\n".join(parts) + "\n"


def _count(chapter: Chapter) -> str:
    rows = len(chapter.cases) + sum(len(story.rows) for story in chapter.stories)
    return f"{rows} rows"


def _resources(chapter: Chapter) -> str:
    lines = []
    for name, body in chapter.resources.items():
        by = f"   (written by {chapter.written_by[name]})" if name in chapter.written_by else ""
        lines.append(f"{name}{by}  {_json(body)}")
    return "```\n" + "\n".join(lines) + "\n```"


def _table(rows: Sequence[Row]) -> str:
    """Columns that no row uses are left out."""
    columns: dict[str, list[str]] = {
        "By": [row.by or "" for row in rows],
        "Request": [_request(row) for row in rows],
        "Answer": [_answer(row) for row in rows],
        "Because": [row.why for row in rows],
    }
    columns = {title: cells for title, cells in columns.items() if any(cells)}
    lines = [_line(list(columns)), _line(["---"] * len(columns))]
    return "\n".join([*lines, *(_line(list(cells)) for cells in zip(*columns.values(), strict=True))])


def _request(row: Row) -> str:
    if row.body is None:
        return _code(row.request)
    if row.request.startswith("TRANSACTION"):
        return "<br>".join([_code(row.request), *(_entry(*entry) for entry in row.body)])
    return f"{_code(row.request)}<br>{_code(_json(row.body))}"


def _entry(request: str, body: Any, full_url: str | None = None) -> str:
    parts = [request, _json(body) if body is not None else "", f"as {full_url}" if full_url else ""]
    return "· " + _code("  ".join(part for part in parts if part))


def _answer(row: Row) -> str:
    shown = f"<br>shows {_code(_json(row.shows))}" if row.shows is not None else ""
    return _code(row.answer or "nothing at all") + shown


def _json(body: Mapping[str, Any] | Sequence[Any]) -> str:
    return json.dumps(body, ensure_ascii=False)


def _code(text: str) -> str:
    """Code in a cell of a table, where a bar would end the cell, even between backticks."""
    return f"`{text}`" if not set(text) & set("|`\\") else f"<code>{_escaped(text)}</code>"


def _escaped(text: str) -> str:
    marks = {"&": "&amp;", "<": "&lt;", ">": "&gt;", "|": "&#124;", "*": "&#42;", "_": "&#95;", "`": "&#96;"}
    marks |= {"\\": "&#92;", "[": "&#91;"}
    return "".join(marks.get(letter, letter) for letter in text)


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cells) + " |"


if __name__ == "__main__":
    main()
