"""SQL as SQL: the named statements of the .sql files here, `SQL["read"]`."""

from __future__ import annotations

import re
from importlib import resources


def _load() -> dict[str, str]:
    files = [file for file in resources.files(__name__).iterdir() if file.name.endswith(".sql")]
    found: dict[str, str] = {}
    for file in files:
        parts = re.split(r"^-- name: (\w+)\n", file.read_text(), flags=re.MULTILINE)[1:]
        found |= {name: _bare(sql) for name, sql in zip(parts[::2], parts[1::2], strict=True)}
    return found


def _bare(sql: str) -> str:
    """Without comment lines: they would travel to the server with every statement."""
    return "\n".join(line for line in sql.splitlines() if not line.startswith("--")).strip()


SQL = _load()
