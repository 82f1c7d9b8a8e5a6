"""Write docs/reference/conformance.md from the scores that the tests of tests/conformance and the real clients left.

Usage: python scripts/conformance_page.py      (`make docs` runs it; without scores it leaves the page as it is)

What has no new score keeps the row it has on the page, so that whoever runs one collection need not run them all.

A score is build/conformance/NAME.json: {"name", "cases", "passed", "note"}.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
SCORES = ROOT / "build" / "conformance"
PAGE = ROOT / "docs" / "reference" / "conformance.md"
MADE = "<!-- Written by scripts/conformance_page.py from the scores of the last test run; run `make docs`. -->\n"
INTRODUCTION = """# Conformance

Cases that nobody here wrote: published examples, test collections of other projects, real clients. They run with the
other tests (`tests/conformance`, `tests/journeys`) where their data is at hand: in the folder that
`MINKANG_CONFORMANCE` names. Nothing is tuned to a single case, and what does not pass is counted.
"""


def main() -> None:
    scores = read(SCORES)
    if not scores:
        print(f"no scores in {SCORES.relative_to(ROOT)}; {PAGE.relative_to(ROOT)} stays as it is")
        return
    PAGE.write_text(page(merged(rows_of(PAGE.read_text("utf-8")), scores)), encoding="utf-8")
    print(f"{PAGE.relative_to(ROOT)}: {len(scores)} scores")


def read(folder: Path) -> list[dict[str, Any]]:
    scores = [json.loads(path.read_text(encoding="utf-8")) for path in sorted(folder.glob("*.json"))]
    return sorted(scores, key=lambda score: str(score["name"]))


def rows_of(text: str) -> list[dict[str, Any]]:
    """The scores that a page shows."""
    cells = ([cell.strip() for cell in re.split(r"(?<!\\)\|", line)] for line in text.splitlines() if line[:1] == "|")
    return [
        {"name": row[1], "passed": _number(row[2]), "cases": _number(row[3]), "note": row[4].replace("\\|", "|")}
        for row in cells
        if row[2].replace(",", "").isdigit()
    ]


def merged(old: list[dict[str, Any]], new: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return sorted({score["name"]: score for score in [*old, *new]}.values(), key=lambda score: str(score["name"]))


def _number(cell: str) -> int:
    return int(cell.replace(",", ""))


def page(scores: list[dict[str, Any]]) -> str:
    lines = ["| What | Passed | Of | Remarks |", "|---|---:|---:|---|"]
    for score in scores:
        note = str(score.get("note", "")).replace("|", "\\|")
        lines.append(f"| {score['name']} | {score['passed']:,} | {score['cases']:,} | {note} |")
    return MADE + INTRODUCTION + "\n" + "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
