"""Files and functions stay small enough to be read at one sitting."""

from __future__ import annotations

import ast

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
    long = {f"{short(path)}:{node.name}": _lines(node) for path, node in functions if _lines(node) > FUNCTION_STOP}
    assert long == {}


def _lines(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Lines of the function without its docstring, and without functions inside that stand for themselves."""
    end = function.end_lineno or function.lineno
    inner = [each for each in ast.walk(function) if each is not function and isinstance(each, ast.AsyncFunctionDef)]
    inside = sum((each.end_lineno or each.lineno) - each.lineno + 1 for each in inner)
    docstring = function.body[0] if ast.get_docstring(function) is not None else None
    documented = (docstring.end_lineno or 0) - docstring.lineno + 1 if docstring else 0
    return end - function.lineno + 1 - documented - inside
