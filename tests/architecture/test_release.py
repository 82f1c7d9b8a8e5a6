"""What a release says about itself agrees with itself."""

from __future__ import annotations

import re
import tomllib

from tests.lib.tree import ROOT, SOURCE

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def _locked(name: str) -> dict[str, str]:
    text = (ROOT / "requirements" / f"{name}.txt").read_text(encoding="utf-8")
    return dict(re.findall(r"^([a-z0-9][a-z0-9._-]*)(?:\[[^\]]*\])?==([^ ;\\]+)", text, re.M))


def test_the_changelog_tells_of_this_version() -> None:
    assert re.search(
        rf"^## {re.escape(PROJECT['version'])}\b", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), re.M
    )


def test_both_readmes_name_the_two_commands() -> None:
    for name in ("README.md", "README.zh-CN.md"):
        text = (ROOT / name).read_text(encoding="utf-8")
        assert "make demo" in text
        assert "make test" in text


def test_the_locks_agree_with_each_other() -> None:
    run, dev, browser = _locked("run"), _locked("dev"), _locked("browser")
    assert run.items() <= dev.items() <= browser.items()


def test_everything_the_project_needs_is_locked() -> None:
    def wanted(lines: list[str]) -> set[str]:
        return {re.split(r"[^A-Za-z0-9._-]", line, maxsplit=1)[0].lower().replace("_", "-") for line in lines}

    extras = PROJECT["optional-dependencies"]
    assert wanted(PROJECT["dependencies"] + extras["build"]) <= _locked("run").keys()
    assert wanted(extras["dev"]) <= _locked("dev").keys()
    assert wanted(extras["browser"]) <= _locked("browser").keys()


def test_the_demo_needs_no_browser_and_no_test_tools() -> None:
    assert _locked("run").keys() & {"playwright", "pytest", "ruff", "pyright", "pyspark", "mkdocs"} == set()


def test_the_version_is_told_in_one_place() -> None:
    assert PROJECT["version"] not in (SOURCE / "__init__.py").read_text(encoding="utf-8")
