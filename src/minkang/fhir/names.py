"""How names are written, typed and spoken: the forms under which a name can be found.

张丽 is found by its characters, by full pinyin (zhangli, "zhang li") and by initials (zl); a character with several
readings under each of them (单 shan and dan). Latin names are blind to case, accents, spaces, hyphens and dots.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, NamedTuple

from minkang.fhir.pinyin import has_han, readings, surnames

MAX_SPELLINGS = 7
"""Of each sort (full, initials), so that one name has at most 15 forms; the least usual readings are left out."""

_SEPARATORS = re.compile(r"[\s!-/:-@\[-`{-~·‧•・‘’“”′‐‑–—、。《》〈〉་]+")
_LETTERS = str.maketrans({"ø": "o", "ł": "l", "đ": "d", "ð": "d", "ı": "i", "æ": "ae", "œ": "oe", "þ": "th"})
_ACCENTS = re.compile("[\u0300-\u036f]")


class Forms(NamedTuple):
    """What one text can be found by: its own characters (folded, without separators), pinyin in full, initials."""

    text: str
    spellings: tuple[str, ...] = ()
    initials: tuple[str, ...] = ()

    @property
    def all(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys((self.text, *self.spellings, *self.initials)))


def fold(text: str) -> str:
    """Text as search compares it: full-width to ordinary, no case, no accents, single spaces."""
    if text.isascii():
        return " ".join(text.lower().split())
    folded = unicodedata.normalize("NFKC", text).casefold().translate(_LETTERS)
    bare = _ACCENTS.sub("", unicodedata.normalize("NFD", folded))
    return " ".join(unicodedata.normalize("NFC", bare).split())


def squeeze(text: str) -> str:
    """A name as search compares it: folded and without spaces, hyphens, dots (unless it has nothing else)."""
    folded = fold(text)
    return _SEPARATORS.sub("", folded) or folded


@lru_cache(maxsize=16384)
def forms(text: str) -> Forms:
    """Forms of a name, or of a part of one, as written."""
    squeezed = squeeze(text)
    if not has_han(squeezed):
        return Forms(squeezed)
    spellings = _spellings(squeezed)
    full = tuple(dict.fromkeys("".join(spelling) for spelling in spellings))
    initials = tuple(dict.fromkeys("".join(syllable[0] for syllable in spelling) for spelling in spellings))
    return Forms(squeezed, full, initials)


def _spellings(text: str) -> list[tuple[str, ...]]:
    """The likeliest ways to say a text, as syllables; Latin letters inside it are a syllable of their own."""
    best: list[tuple[int, tuple[str, ...]]] = [(0, ())]
    for choices in _syllables(text):
        longer = [(rank + more, (*said, next_)) for rank, said in best for more, next_ in enumerate(choices)]
        longer.sort(key=lambda item: item[0])
        best = longer[:MAX_SPELLINGS]
    return [said for _, said in best]


def _syllables(text: str) -> list[tuple[str, ...]]:
    """Per character its readings. A reading as surname comes first for the first character."""
    found = [readings(part) or (part,) for part in re.findall(r"[a-z0-9]+|.", text, re.DOTALL)]
    first = surnames().get(text[0])
    if first is not None:
        found[0] = tuple(dict.fromkeys((first, *found[0])))
    compound = surnames().get(text[:2]) if len(text) > 1 else None
    if compound is not None:
        split = next(size for size in range(1, len(compound)) if _is_reading(compound, size, found))
        for index, syllable in enumerate((compound[:split], compound[split:])):
            found[index] = tuple(dict.fromkeys((syllable, *found[index])))
    return found


def _is_reading(compound: str, size: int, found: list[tuple[str, ...]]) -> bool:
    return compound[:size] in found[0] and compound[size:] in found[1]


def written(name: Mapping[str, Any]) -> list[str]:
    """Every text of a HumanName by which it is searched: the whole name first, then its parts.

    The whole is put together as its script has it (张丽; Chalmers Peter and Peter Chalmers); `text` stands as it is.
    """
    family, given = name.get("family") or "", [part for part in name.get("given") or () if part]
    if has_han(family or "".join(given)):
        wholes = [family + "".join(given)]
    else:
        wholes = (
            [" ".join([family, *given]), " ".join([*given, family])]
            if family and given
            else [family or " ".join(given)]
        )
    parts = [*(name.get("prefix") or ()), *(name.get("suffix") or ())]
    texts = [*wholes, name.get("text"), family, *given, *parts]
    return list(dict.fromkeys(text for text in texts if text))
