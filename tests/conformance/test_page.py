"""The page of scores."""

from __future__ import annotations

import json
from pathlib import Path

from scripts import conformance_page


def test_every_score_stands_on_the_page_with_what_did_not_pass(tmp_path: Path) -> None:
    (tmp_path / "b.json").write_text(json.dumps({"name": "Searches", "cases": 1200, "passed": 1188, "note": "a|b"}))
    (tmp_path / "a.json").write_text(json.dumps({"name": "Patches", "cases": 16, "passed": 16}))
    text = conformance_page.page(conformance_page.read(tmp_path))
    assert text.index("| Patches | 16 | 16 |") < text.index("| Searches | 1,188 | 1,200 | a\\|b |")
