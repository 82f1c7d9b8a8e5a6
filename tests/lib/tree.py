"""The project's own files, for tests that look at how it is written."""

from __future__ import annotations

import ast
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src" / "minkang"
_NOT_OURS = {".git", ".venv", "build", "data", "dist", "site", "node_modules", "__pycache__"}


@cache
def files() -> tuple[Path, ...]:
    """Every file that is or would be committed; without git (an unpacked archive) every file but what is made."""
    try:
        listed = subprocess.run(
            ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
            cwd=ROOT,
            capture_output=True,
            check=True,
        ).stdout.decode()
    except (OSError, subprocess.CalledProcessError):
        return tuple(_walk(ROOT))
    paths = (ROOT / name for name in listed.split("\0") if name)
    return tuple(path for path in paths if path.is_file())


def python(*folders: str) -> list[Path]:
    """The Python files below some folders of the project."""
    under = [ROOT / folder for folder in folders]
    return [path for path in files() if path.suffix == ".py" and any(path.is_relative_to(each) for each in under)]


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), filename=str(path))


def short(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def _walk(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.iterdir()):
        if (
            path.is_dir()
            and path.name not in _NOT_OURS
            and not path.name.startswith(".")
            and path.suffix != ".egg-info"
        ):
            yield from _walk(path)
        elif path.is_file():
            yield path
