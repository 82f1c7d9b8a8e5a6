"""`minkang cards`: from a key and a list of people to a code that is told genuine by a file of public keys."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from minkang.app.cli import app
from minkang.app.prepare import key_file
from minkang.kit.folders import DataFolder
from minkang.kit.trouble import Trouble
from minkang.store import keys


def test_a_card_is_issued_shown_verified_and_revoked(fresh_database_url: str, tmp_path: Path) -> None:
    data = tmp_path / "data"
    file = key_file(DataFolder(data))
    file.parent.mkdir(mode=0o700, parents=True)
    keys.load_or_create(file)

    def run(*words: str, code: int = 0, store: bool = True) -> str:
        ours = ["--data", str(data), *(["--database-url", fresh_database_url] if store else [])]
        done = CliRunner().invoke(app, ["cards", *words, *ours], catch_exceptions=False)
        assert done.exit_code == code, done.output
        return done.output.strip()

    def verdict(text: str, code: int = 0) -> str:
        words = ["cards", "verify", text, "--keys", str(published)]
        done = CliRunner().invoke(app, words, catch_exceptions=False)
        assert done.exit_code == code, done.output
        return done.output.strip()

    people, published = tmp_path / "people.txt", tmp_path / "keys.json"
    people.write_text("passport E12345678\npassport E2\n")
    first, second = run("issue", str(people)).splitlines()
    with pytest.raises(Trouble, match="no key"):
        run("code", first)
    run("new-key", "one", store=False)
    with pytest.raises(Trouble, match="already"):
        run("new-key", "one", store=False)
    published.write_text(run("keys", store=False))
    shown = run("code", first)
    assert verdict(shown) == f"genuine {first}"
    assert verdict(second + shown[64:], 4) == "forged"
    run("new-key", "two", store=False)
    assert verdict(run("code", first, "--static"), 4) == "unknown-key"
    published.write_text(run("keys", store=False))
    assert verdict(shown) == f"genuine {first}"
    assert "revoked" in run("set", first, "revoked")
    with pytest.raises(Trouble, match="revoked"):
        run("code", first)
    assert "edition 2" in run("set", first, "reissued")
    people.write_text("passport\n")
    with pytest.raises(Trouble, match="Line 1"):
        run("issue", str(people))
    published.write_text("[]")
    with pytest.raises(Trouble, match="holds no keys"):
        verdict(shown)
