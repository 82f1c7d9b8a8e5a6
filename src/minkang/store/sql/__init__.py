"""SQL as SQL: the named statements of queries.sql, `SQL["read"]`."""

from __future__ import annotations

import re
from importlib import resources


def _load() -> dict[str, str]:
    text = resources.files(__name__).joinpath("queries.sql").read_text()
    parts = re.split(r"^-- name: (\w+)\n", text, flags=re.MULTILINE)[1:]
    return {name: _bare(sql) for name, sql in zip(parts[::2], parts[1::2], strict=True)}


def _bare(sql: str) -> str:
    """Without comment lines: they would travel to the server with every statement."""
    return "\n".join(line for line in sql.splitlines() if not line.startswith("--")).strip()


SQL = _load()
