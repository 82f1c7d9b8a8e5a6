"""Which of the shared documents of WS/T 500-2016 and WS/T 483-2016 this is, from `kinds.toml`. Pure."""

from __future__ import annotations

import tomllib
from functools import cache
from importlib.resources import files
from typing import NamedTuple

from minkang.gateways.cda.wire import Element


class Kind(NamedTuple):
    """`sections` in the order of the standard: a LOINC code, or a title where there is no code. `certainty` of the
    template: `sample` (stands in a sample document) or `inferred`, see the head of `kinds.toml`."""

    code: str
    title: str
    template: str
    certainty: str
    sections: tuple[str, ...]


@cache
def kinds() -> tuple[Kind, ...]:
    data = tomllib.loads(files("minkang.gateways.cda").joinpath("kinds.toml").read_text("utf-8"))
    return tuple(Kind(**{**row, "sections": tuple(row["sections"])}) for row in data["document"])


def kind_of(document: Element) -> Kind | None:
    """By templateId, which names the standard's part; by the code where no template is known; None for neither."""
    templates = {element.attributes.get("root", "") for element in document.all("templateId")}
    code = document.first("code")
    named = code.attributes.get("code", "") if code else ""
    found = next((kind for kind in kinds() if kind.template in templates), None)
    return found or next((kind for kind in kinds() if kind.code == named), None)
