"""Separators in search values and their escapes (http://hl7.org/fhir/R4/search.html#escaping)."""

from __future__ import annotations

import re

_ESCAPE = re.compile(r"\\(.?)", re.DOTALL)


def split(text: str, separator: str) -> list[str]:
    """Parts between separators that are not escaped; the escapes inside the parts stay."""
    if "\\" not in text:
        return text.split(separator)
    parts, current, escaped = [], "", False
    for char in text:
        if char == separator and not escaped:
            parts.append(current)
            current = ""
        else:
            current += char
        escaped = char == "\\" and not escaped
    return [*parts, current]


def unescape(text: str) -> str:
    """`\\,` `\\|` `\\$` and `\\\\` to the character meant; a backslash before anything else means itself."""
    if "\\" not in text:
        return text
    return _ESCAPE.sub(lambda found: found[1] if found[1] and found[1] in ",|$\\" else found[0], text)
