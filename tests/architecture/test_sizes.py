"""Files and functions stay small enough to be read at one sitting."""

from __future__ import annotations

import ast
from pathlib import Path

from tests.lib.tree import python, short, tree

FILE_STOP = 600
FUNCTION_STOP = 60
DATA_TABLES: dict[str, str] = {}
"""Files that are longer, each with its reason: tables of data, not programs."""
FUNCTION = ast.FunctionDef | ast.AsyncFunctionDef

OURS = python("src", "tests", "scripts", "bench")


def test_no_file_is_longer_than_it_may_be() -> None:
    long = {short(path): lines for path in OURS if (lines := path.read_text(encoding="utf-8").count("\n")) > FILE_STOP}
    assert long.keys() == DATA_TABLES.keys()


def test_no_function_is_longer_than_it_may_be() -> None:
    functions = ((path, node) for path in OURS for node in ast.walk(tree(path)) if isinstance(node, FUNCTION))
    lengths = {f"{short(path)}:{node.name}": _lines(node, path) for path, node in functions}
    assert {name: lines for name, lines in lengths.items() if lines > FUNCTION_STOP} == {}


def _lines(function: ast.FunctionDef | ast.AsyncFunctionDef, path: Path) -> int:
    """Lines that are not empty, without the docstring and without functions inside, which stand for themselves."""
    text = path.read_text(encoding="utf-8").splitlines()
    documented = function.body[:1] if ast.get_docstring(function) is not None else []
    inside = [each for each in ast.walk(function) if each is not function and isinstance(each, FUNCTION)]
    apart = {number for each in [*documented, *inside] for number in _range(each)}
    return sum(1 for number in _range(function) if number not in apart and text[number - 1].strip())


def _range(node: ast.stmt) -> range:
    return range(node.lineno, (node.end_lineno or node.lineno) + 1)
