"""Both languages say everything, and the templates ask for nothing that is not there."""

from __future__ import annotations

import re
from importlib.resources import files

import pytest

from minkang.web.languages import LANGUAGES, choose, texts

PLACES = re.compile(r"\{(\w+)\}")


def test_every_language_has_the_same_texts_with_the_same_places_to_fill() -> None:
    chinese, english = texts("zh"), texts("en")
    assert chinese.keys() == english.keys()
    for key in sorted(chinese.keys()):
        assert sorted(PLACES.findall(chinese(key))) == sorted(PLACES.findall(english(key))), key


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_templates_use_texts_that_exist(language: str) -> None:
    known = texts(language).keys()
    for template in (files("minkang.web") / "templates").iterdir():
        used = re.findall(r"""\bt\(["']([\w.]+)["']""", template.read_text(encoding="utf-8"))
        assert set(used) <= known, template.name


def test_no_text_is_left_that_nothing_uses() -> None:
    pages = "".join(each.read_text(encoding="utf-8") for each in (files("minkang.web") / "templates").iterdir())
    named_by_value = ("types.", "sex.", "age.", "refused.")
    unused = {key for key in sorted(texts("zh").keys()) if f'"{key}"' not in pages and f"'{key}'" not in pages}
    assert {key for key in unused if not key.startswith(named_by_value)} == set()


@pytest.mark.parametrize(
    ("asked", "header", "chosen"),
    [
        (None, None, "zh"),
        ("en", "zh", "en"),
        ("de", "en;q=0.3", "en"),
        (None, "en;q=0.4, zh-TW;q=0.9", "zh"),
        (None, "EN-us", "en"),
        (None, "en;q=0", "zh"),
        (None, "en;q=many,;;,=", "zh"),
    ],
)
def test_the_language_is_the_one_asked_for(asked: str | None, header: str | None, chosen: str) -> None:
    assert choose(asked, header) == chosen
