"""`minkang identity evaluate` and `train`, at a smaller size than the figures in the docs."""

from __future__ import annotations

import tomllib
from pathlib import Path

import orjson
import pytest
from typer.testing import CliRunner

from minkang.app import identity_evaluate
from minkang.app.cli import app
from minkang.kit.trouble import Trouble
from minkang.platform.identity.scoring import standard, weights_from
from synth.registrations import registrations


def run(*words: str) -> str:
    done = CliRunner().invoke(app, ["identity", *words], catch_exceptions=False)
    assert done.exit_code == 0
    return done.output


def test_dirty_registrations_of_a_city_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """Twins, families and namesakes are among them: hardly anybody is linked wrongly, and most of what is not linked
    is left to people."""
    monkeypatch.setenv("COLUMNS", "160")
    found = identity_evaluate.evaluate(None, size=5_000, seed=3)
    assert found.precision >= 0.995
    assert found.f1 >= 0.945
    assert (found.right + found.review_right) / found.truth >= 0.97
    assert found.covered / found.truth >= 0.98
    assert "registrations" in run("evaluate", "--size", "200")


def test_weights_are_learned_from_a_file_and_judge_it(tmp_path: Path) -> None:
    file, out = tmp_path / "people.ndjson", tmp_path / "weights.toml"
    told = list(registrations(600, 5))
    truths = [{"system": identity_evaluate.SYSTEM, "value": str(one.person)} for one in told]
    trees = [
        one.patient | {"identifier": [*one.patient.get("identifier", []), truth]}
        for one, truth in zip(told, truths, strict=True)
    ]
    file.write_bytes(b"\n".join(map(orjson.dumps, trees)))
    assert "learned" in run("train", str(file), "--out", str(out), "--version", "here")
    made = weights_from(tomllib.loads(out.read_text("utf-8")))
    assert (made.version, made.population, made.link) == ("here", 600, standard().link)
    assert made.names
    assert identity_evaluate.evaluate(file, size=0, seed=0).precision >= 0.98


@pytest.mark.parametrize(
    ("line", "words"),
    [(b"[]", "is no Patient"), (b"{", "cannot be read"), (b'{"resourceType":"Patient"}', "each Patient needs")],
)
def test_what_cannot_be_judged_is_said(tmp_path: Path, line: bytes, words: str) -> None:
    file = tmp_path / "x.ndjson"
    file.write_bytes(line)
    with pytest.raises(Trouble, match=words):
        identity_evaluate.evaluate(file, size=0, seed=0)
    with pytest.raises(Trouble):
        identity_evaluate.train(tmp_path / "none", out=tmp_path / "o", version="x")
