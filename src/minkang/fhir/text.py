"""The words of a resource: of its narrative, and of all it says (http://hl7.org/fhir/R4/search.html#content).

Chinese has no spaces between words, so a run of characters is sought as it stands, at any place, and indexed by its
characters and its pairs of neighbours. Everything else is sought by whole words.
"""

from __future__ import annotations

import base64
import binascii
import html
import re
from collections.abc import Iterator
from typing import Any

from minkang.fhir.names import fold
from minkang.fhir.pinyin import HAN, is_han
from minkang.fhir.resource import Resource

MOST_CHARACTERS = 200_000
"""Of one resource; what stands behind them is not searched."""

PREFIX = 3
"""Letters of a word by which its beginning is sought."""

_UNSAID = frozenset({"id", "meta", "resourceType", "reference", "system", "url", "fullUrl", "profile", "data"})
"""Members that hold no words: names of things elsewhere, and bytes."""

_TOKEN = re.compile(f"[{HAN}]+|[^\\W_{HAN}]+")
_INLINE = re.compile(
    r"</?(?:a|abbr|b|big|code|em|font|i|q|s|small|span|strong|sub|sup|tt|u)(?:\s[^<>]*)?>", re.IGNORECASE
)
_TAG = re.compile(r"<[^<>]*>")


def narrative(resource: Resource) -> str:
    """The text of `text.div` without its tags."""
    div = (resource.get("text") or {}).get("div")
    return untagged(div) if isinstance(div, str) else ""


def content(resource: Resource) -> str:
    """All that a resource says in words: its strings, codes, displays, the narrative, and attached texts."""
    parts: list[str] = []
    room = MOST_CHARACTERS
    for part in _said(resource):
        parts.append(part[:room])
        room -= len(part) + 1
        if room <= 0:
            break
    return "\n".join(parts)


def untagged(markup: str) -> str:
    """XHTML to text. Tags inside a line part no word, others do."""
    text = _TAG.sub(" ", _INLINE.sub("", markup[: 4 * MOST_CHARACTERS]))
    return html.unescape(text)[:MOST_CHARACTERS]


def normal(text: str) -> str:
    """Text as it is compared: folded, its words and Chinese runs parted by single spaces, one at each end."""
    return f" {' '.join(tokens(text))} "


def tokens(text: str) -> list[str]:
    """Words and Chinese runs, folded."""
    return _TOKEN.findall(fold(text))


def words(text: str) -> set[str]:
    """What a text is indexed by: words and their beginnings (`dia*`), characters and pairs of characters."""
    found: set[str] = set()
    for token in set(tokens(text)):
        if is_han(token[0]):
            found.update(token)
            found.update(pairs(token))
        else:
            found.add(token)
            if len(token) >= PREFIX:
                found.add(token[:PREFIX] + "*")
    return found


def pairs(run: str) -> Iterator[str]:
    """Neighbouring characters."""
    return (run[start : start + 2] for start in range(len(run) - 1))


def _said(resource: Resource) -> Iterator[str]:
    """Texts of a resource in order; without recursion, for a resource may be deep."""
    waiting: list[tuple[str, Any]] = [("", resource)]
    while waiting:
        name, node = waiting.pop()
        if isinstance(node, str):
            yield untagged(node) if name == "div" else node
        elif isinstance(node, list):
            waiting += [(name, item) for item in reversed(node)]  # type: ignore[reportUnknownVariableType]
        elif isinstance(node, dict):
            waiting += [(key, value) for key, value in reversed(node.items()) if key not in _UNSAID]  # type: ignore[reportUnknownVariableType]
            if "data" in node:
                yield _attached(node)  # type: ignore[reportUnknownArgumentType]


def _attached(attachment: dict[str, Any]) -> str:
    """The text of an Attachment that holds one."""
    kind, data = attachment.get("contentType"), attachment.get("data")
    if not isinstance(kind, str) or not isinstance(data, str):
        return ""
    if not (kind.startswith("text/") or kind.partition(";")[0].endswith(("/xml", "+xml", "/json", "+json"))):
        return ""
    try:
        text = base64.b64decode(data[: 8 * MOST_CHARACTERS]).decode(errors="replace")
    except binascii.Error:
        return ""
    return untagged(text) if "<" in text else text[:MOST_CHARACTERS]
