"""The words of a section to XHTML as FHIR allows it (http://hl7.org/fhir/R4/narrative.html#xhtml): tables, lists.

Everything is written anew from the tree, so that nothing of the sender's (scripts, styles, links) comes through.
"""

from __future__ import annotations

from html import escape

from minkang.gateways.cda.mapping.draft import Tree
from minkang.gateways.cda.wire import Element

_TAGS = {
    "paragraph": "p",
    "table": "table",
    "thead": "thead",
    "tbody": "tbody",
    "tfoot": "tfoot",
    "tr": "tr",
    "td": "td",
    "th": "th",
    "item": "li",
    "caption": "b",
    "content": "span",
    "sub": "sub",
    "sup": "sup",
}
_IN_TABLE = frozenset({"table", "thead", "tbody", "tfoot", "tr"})
LONGEST = 400_000
"""Characters of one section's narrative; what is longer is kept in the original alone."""


def narrative(text: Element | None) -> Tree | None:
    """None where there are no words."""
    if text is None or not text.words().strip():
        return None
    pieces: list[str] = []
    _write(text, pieces, "")
    whole = "".join(pieces)
    if len(whole) > LONGEST:
        whole = escape(" ".join(text.words().split())[: LONGEST // 2], quote=False)
    return {"status": "generated", "div": f'<div xmlns="http://www.w3.org/1999/xhtml">{whole}</div>'}


def _write(e: Element, into: list[str], around: str) -> None:
    """What is inside of `e`; words between the rows of a table have no place in HTML."""
    strict = around in _IN_TABLE
    if e.text and not (strict and e.text.isspace()):
        into.append(_escaped(e.text))
    for child in e.children:
        tag = _TAGS.get(child.name, "")
        if child.name == "list":
            tag = "ol" if child.get("listType") == "ordered" else "ul"
        if child.name == "br":
            into.append("<br/>")
        elif tag == "b" and strict:
            into.append(f"<caption>{_escaped(' '.join(child.words().split()))}</caption>")
        else:
            into.append(f"<{tag}{_spans(child)}>" if tag else "")
            _write(child, into, tag)
            into.append(f"</{tag}>" if tag else "")
        if child.tail and not (strict and child.tail.isspace()):
            into.append(_escaped(child.tail))


def _spans(e: Element) -> str:
    """How many columns and rows a cell covers: without it a table means something else."""
    found = [(name, e.get(name)) for name in ("colspan", "rowspan") if e.get(name).isascii() and e.get(name).isdigit()]
    return "".join(f' {name}="{value}"' for name, value in found)


def _escaped(words: str) -> str:
    return escape(words, quote=False)
