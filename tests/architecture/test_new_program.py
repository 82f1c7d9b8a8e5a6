"""`make new-program` begins a programme that the house accepts, and whose first test asks for the first rule."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest
from scripts import new_program


@pytest.fixture
def begun(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(new_program, "ROOT", tmp_path)
    monkeypatch.setattr(sys, "argv", ["new_program.py", "home_visit"])
    new_program.main()
    return tmp_path


def _loaded(path: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    specification = importlib.util.spec_from_file_location(name, path)
    assert specification is not None
    assert specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    monkeypatch.setitem(sys.modules, name, module)
    specification.loader.exec_module(module)
    return module


def test_it_makes_the_rooms_every_programme_has_and_no_other(begun: Path) -> None:
    made = {path.relative_to(begun).as_posix() for path in begun.rglob("*") if path.is_file()}
    folder = "src/minkang/programs/home_visit"
    rooms = {f"{folder}/{room}" for room in ("__init__.py", "README.md", "model.py")}
    assert made == rooms | {"tests/programs/home_visit/test_model.py"}


def test_its_first_test_fails_until_a_rule_is_written(begun: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = begun / "src" / "minkang" / "programs" / "home_visit"
    package = _loaded(folder / "__init__.py", "minkang.programs.home_visit", monkeypatch)
    package.model = _loaded(folder / "model.py", "minkang.programs.home_visit.model", monkeypatch)
    written = _loaded(begun / "tests" / "programs" / "home_visit" / "test_model.py", "first_test", monkeypatch)
    with pytest.raises(AssertionError, match="say what people wait for"):
        written.test_the_first_rule_of_home_visit_is_written()


def test_it_never_writes_over_what_is_there(begun: Path) -> None:
    with pytest.raises(SystemExit, match="is there already"):
        new_program.main()


@pytest.mark.parametrize("name", ["", "Referral", "../up", "two words", "x"])
def test_a_name_that_is_none_is_refused(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["new_program.py", name])
    with pytest.raises(SystemExit, match="small letters"):
        new_program.main()
