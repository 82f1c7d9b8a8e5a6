"""The two languages of the pages and how one is chosen. The texts stand in messages/{zh,en}.toml with the same keys."""

from __future__ import annotations

import tomllib
from functools import cache
from importlib.resources import files
from typing import Any

LANGUAGES = ("zh", "en")
"""The first one is spoken when nobody asks for another."""


class Texts:
    """The texts of one language: `texts("front.search.label")`, with `{name}` filled in from keyword arguments."""

    def __init__(self, language: str, texts: dict[str, str]) -> None:
        self.language = language
        self._texts = texts

    def __call__(self, key: str, **filled: object) -> str:
        return self._texts[key].format(**filled) if filled else self._texts[key]

    def or_none(self, key: str) -> str | None:
        return self._texts.get(key)

    def keys(self) -> set[str]:
        return set(self._texts)


@cache
def texts(language: str) -> Texts:
    """The catalogue of a language of LANGUAGES."""
    source = (files("minkang.web") / "messages" / f"{language}.toml").read_text(encoding="utf-8")
    return Texts(language, _flat(tomllib.loads(source)))


def choose(asked: str | None, accept_language: str | None) -> str:
    """`?lang=` if it is one of ours, else the first of Accept-Language that is (RFC 9110 §12.5.4), else Chinese."""
    if asked in LANGUAGES:
        return asked
    ranked = sorted(_ranges(accept_language or ""), key=lambda pair: -pair[0])  # stable: ties keep their order
    return next((tag for weight, tag in ranked if weight > 0 and tag in LANGUAGES), LANGUAGES[0])


def _ranges(header: str) -> list[tuple[float, str]]:
    """(weight, primary language) of each piece; a weight that is no number counts as 0."""
    found: list[tuple[float, str]] = []
    for piece in header.split(","):
        tag, _, parameter = piece.partition(";")
        name, _, value = parameter.strip().partition("=")
        try:
            weight = float(value) if name == "q" else 1.0
        except ValueError:
            weight = 0.0
        found.append((weight, tag.strip().partition("-")[0].lower()))
    return found


def _flat(tree: dict[str, Any], prefix: str = "") -> dict[str, str]:
    flat: dict[str, str] = {}
    for key, value in tree.items():
        flat |= _flat(value, f"{prefix}{key}.") if isinstance(value, dict) else {prefix + key: value}
    return flat
