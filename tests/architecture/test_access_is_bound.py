"""A repository is made for an actor and a scope in one place; nobody else can come by an unlimited one."""

from __future__ import annotations

import ast

import pytest

from tests.lib.tree import SOURCE, python, short, tree

MAKERS = {"app", "store"}


OTHERS = [path for path in python("src/minkang") if path.relative_to(SOURCE).parts[0] not in MAKERS]


def test_repositories_and_stores_are_made_by_the_wiring_alone() -> None:
    calls = ((path, node) for path in OTHERS for node in ast.walk(tree(path)) if isinstance(node, ast.Call))
    assert [(short(path), ast.unparse(node)) for path, node in calls if _makes(node)] == []


def test_the_scope_without_limits_is_named_by_the_wiring_alone() -> None:
    names = ((path, node) for path in OTHERS for node in ast.walk(tree(path)) if isinstance(node, ast.Name | ast.alias))
    assert [short(path) for path, node in names if _word(node) == "EVERYTHING"] == []


@pytest.mark.parametrize(
    "call",
    [
        "store.repository(actor, scope)",
        "store.desk(actor, scope, folder)",
        "Store.open(dsn, keys)",
        "PostgresRepository(db, s, i, a, EVERYTHING)",
    ],
)
def test_the_calls_that_make_one_are_recognised(call: str) -> None:
    node = ast.parse(call, mode="eval").body
    assert isinstance(node, ast.Call)
    assert _makes(node)


def _makes(call: ast.Call) -> bool:
    match call.func:
        case ast.Attribute(attr="repository" | "desk" | "removal"):
            # Sources.repository() of the web floor is handed in bound and takes nothing.
            return bool(call.args or call.keywords)
        case ast.Attribute(value=ast.Name(id="Store"), attr="open"):
            return True
        case ast.Name(id="Store" | "PostgresRepository" | "MemoryStore" | "MemoryRepository"):
            return True
        case _:
            return False


def _word(node: ast.Name | ast.alias) -> str:
    return node.id if isinstance(node, ast.Name) else node.name
