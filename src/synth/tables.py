"""The lists the generator draws from, read once from data/*.toml."""

from __future__ import annotations

import tomllib
from functools import cache
from importlib.resources import files
from typing import Any


@cache
def table(name: str) -> dict[str, Any]:
    """One file of data/ as it stands there."""
    return tomllib.loads((files("synth") / "data" / f"{name}.toml").read_text(encoding="utf-8"))
