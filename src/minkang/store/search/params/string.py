"""Terms of strings: prefixes of what is searched, and for names the pieces that `contains` needs.

A term for every length would cost ten a word; a search takes the longest prefix that is kept and rechecks the rest.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from minkang.fhir.pinyin import HAN
from minkang.fhir.search.kinds.string import Value, Wanted
from minkang.fhir.search.parameters import SearchParameter

_SPOKEN = (1, 2, 4, 8)
"""Prefix lengths of names: 张, zh, zhan (zhang is rechecked)."""

_PLAIN = (2, 6)
"""Prefix lengths of other texts: there are many of them, and they are rarely sought by one letter."""

_GRAM = 3
"""Letters a piece of a Latin or pinyin form has; a Chinese character is a piece by itself."""

_RUNS = re.compile(f"([{HAN}])|([^{HAN}]+)")


def terms(value: Value, parameter: SearchParameter) -> set[str]:
    lengths = _SPOKEN if parameter.spoken else _PLAIN
    found = {f"p|{form[:length]}" for form in value.forms for length in lengths if length <= len(form)}
    if parameter.spoken:
        found.update(f"g|{piece}" for form in value.forms for piece in _pieces(form))
    return found


def wanted_terms(wanted: Wanted, modifier: str | None, parameter: SearchParameter) -> list[str] | None:
    if modifier == "contains":
        pieces = list(_pieces(wanted.folded)) if parameter.spoken else []
        return [f"g|{pieces[0]}"] if pieces else None
    lengths = [length for length in (_SPOKEN if parameter.spoken else _PLAIN) if length <= len(wanted.folded)]
    return [f"p|{wanted.folded[: lengths[-1]]}"] if lengths else None


def is_exact(wanted: Wanted, modifier: str | None) -> bool:
    return False


def _pieces(form: str) -> Iterator[str]:
    """Chinese characters one by one, everything between them in overlapping pieces."""
    if form.isascii():
        yield from _windows(form)
        return
    for char, run in _RUNS.findall(form):
        yield from (char,) if char else _windows(run)


def _windows(run: str) -> Iterator[str]:
    return (run[start : start + _GRAM] for start in range(len(run) - _GRAM + 1))
