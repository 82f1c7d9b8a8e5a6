"""The page of scores."""

from __future__ import annotations

import json
from pathlib import Path

from scripts import conformance_page


def test_every_score_stands_on_the_page_with_what_did_not_pass(tmp_path: Path) -> None:
    (tmp_path / "b.json").write_text(json.dumps({"name": "Searches", "cases": 1200, "passed": 1188, "note": "a|b"}))
    (tmp_path / "a.json").write_text(json.dumps({"name": "Patches", "cases": 16, "passed": 16}))
    text = conformance_page.page(conformance_page.read(tmp_path))
    assert conformance_page.rows_of(text) == [
        score | {"note": score.get("note", "")} for score in conformance_page.read(tmp_path)
    ]
    assert text.index("| Patches | 16 | 16 |") < text.index("| Searches | 1,188 | 1,200 | a\\|b |")


def test_a_new_score_replaces_its_row_and_leaves_the_others() -> None:
    old = [{"name": "Patches", "cases": 16, "passed": 15}, {"name": "Searches", "cases": 9, "passed": 9}]
    new = [{"name": "Patches", "cases": 16, "passed": 16}]
    assert conformance_page.merged(old, new) == [new[0], old[1]]
