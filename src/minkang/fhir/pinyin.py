"""How Chinese characters may be read: syllables without tones, from tables derived by `scripts/pinyin_table.py`."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

_DEFINITIONS = Path(__file__).parent / "definitions"
_KEYBOARDS = {"lv": ("lv", "lu", "lyu"), "nv": ("nv", "nu", "nyu"), "lve": ("lve", "lue"), "nve": ("nve", "nue")}
"""ü is typed v, u (what is left of ü without its dots) or yu (passports)."""
HAN = "\u3007\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U000323af"
"""Chinese characters as the inside of a regular expression's character class."""
_HAN = re.compile(f"[{HAN}]")


def is_han(char: str) -> bool:
    """Is it a Chinese character (Unicode's unified ideographs with all extensions)?"""
    return _HAN.match(char) is not None


def has_han(text: str) -> bool:
    """Is there a Chinese character in it?"""
    return not text.isascii() and _HAN.search(text) is not None


def readings(char: str) -> tuple[str, ...]:
    """Syllables of one character, commonest first; none for a character without a known reading."""
    return _table().get(char, ())


@cache
def surnames() -> dict[str, str]:
    """Surnames read unlike their characters usually are, and two-character surnames: characters to reading."""
    lines = (_DEFINITIONS / "surnames.tsv").read_text(encoding="utf-8").splitlines()
    return dict(line.split("\t") for line in lines if not line.startswith("#"))


@cache
def _table() -> dict[str, tuple[str, ...]]:
    lines = [line.split("\t") for line in (_DEFINITIONS / "pinyin.tsv").read_text(encoding="utf-8").splitlines()]
    found: dict[str, tuple[str, ...]] = {}
    for rank in range(1, max(map(len, lines))):
        for syllable, *columns in lines:
            spellings = _KEYBOARDS.get(syllable, (syllable,))
            for char in columns[rank - 1] if rank <= len(columns) else "":
                found[char] = found[char] + spellings if char in found else spellings
    return found
