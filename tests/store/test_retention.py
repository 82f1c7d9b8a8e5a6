"""How long clinical originals are kept, and that a term which cannot be told is a long one."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from minkang.store.retention import kept_until, terms

RECEIVED = datetime(2026, 2, 3, tzinfo=UTC)
KIND = "https://minkang.example/document-kind"

CODING = {"system": "urn:oid:2.16.156.10011.2.4", "code": "C0004"}
COMPOSITION = {"resourceType": "Composition", "type": {"coding": [CODING]}}
BINARY = {"resourceType": "Binary", "securityContext": {"reference": "DocumentReference/d"}}


def document(kind: str = "", end: str = "", **more: Any) -> dict[str, Any]:
    tree: dict[str, Any] = {"resourceType": "DocumentReference", "id": "d", **more}
    if kind:
        tree["type"] = {"coding": [{"system": KIND, "code": kind}]}
    if end:
        tree["context"] = {"period": {"end": end}}
    return tree


@pytest.mark.parametrize(
    ("tree", "until"),
    [
        (document("C0002", "2026-01-05T10:00:00+08:00"), "2041-01-05T10:00:00+08:00"),
        (document("C0035", "2026-01-05T10:00:00+08:00"), "2056-01-05T10:00:00+08:00"),
        (document("C0002"), "2041-02-03T00:00:00+00:00"),
        (document(), "2056-02-03T00:00:00+00:00"),
        (document("C0002", "2026-01"), "2041-02-03T00:00:00+00:00"),
        (document("C0002", "2024-02-29T10:00:00+08:00"), "2039-02-28T10:00:00+08:00"),
        (COMPOSITION, "2041-02-03T00:00:00+00:00"),
        (BINARY, "2056-02-03T00:00:00+00:00"),
        ({"resourceType": "Binary"}, None),
        (document("C0002", meta={"tag": [{"code": "HTEST"}]}), None),
        ({"resourceType": "Observation"}, None),
    ],
)  # fmt: skip
def test_from_the_end_of_the_visit_or_from_its_receipt(tree: dict[str, Any], until: str | None) -> None:
    found = kept_until(tree, RECEIVED)
    assert (found.isoformat() if found else None) == until


def test_no_term_is_shorter_than_the_regulation_and_one_is_for_all_the_rest() -> None:
    assert [one.years for one in terms().rules if not one.kinds] == [30]
    assert min(one.years for one in terms().rules) == 15
