"""Bytes -> the tree of a clinical document. Pure, and safe on hostile input: a document type declaration is refused, so
there are no entities and nothing is fetched; size, depth and number of elements are bounded while reading."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from xml.parsers import expat

from minkang.fhir.problem import Incorrect

V3 = "urn:hl7-org:v3"
BYTES, DEPTH, ELEMENTS = 32 * 1024 * 1024, 100, 400_000

# XML 1.0, 4.3.3 and F: https://www.w3.org/TR/xml/#charencoding
MARKS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
DECLARED = re.compile(rb"""^\s*<\?xml[^>]{0,200}?encoding\s*=\s*["']([A-Za-z0-9._-]{1,40})["']""")
# GB18030 holds all of GB2312 and GBK; senders name the smaller set and send the larger.
CHINESE = {"gb2312": "gb18030", "gbk": "gb18030", "gb_2312-80": "gb18030", "x-gbk": "gb18030"}
READABLE = {"utf-8", "utf8", "us-ascii", "ascii", "gb18030", "big5", "utf-16", "iso-8859-1"}


@dataclass(slots=True)
class Element:
    """`name` without its namespace, `space` the namespace, `line` where it starts in the decoded text, from 1. `text`:
    the words before its first child; `tail`: those between its end and the next element."""

    name: str
    space: str
    line: int
    attributes: dict[str, str]
    text: str = ""
    children: list[Element] = field(default_factory=list["Element"])
    tail: str = ""

    def all(self, name: str) -> Iterator[Element]:
        """Children of this name in the namespace of CDA."""
        return (child for child in self.children if child.name == name and child.space == V3)

    def first(self, name: str) -> Element | None:
        for child in self.children:
            if child.name == name and child.space == V3:
                return child
        return None

    def down(self, *names: str) -> Element | None:
        """The first of the first ... of these names."""
        found: Element | None = self
        for name in names:
            if found is None:
                return None
            found = found.first(name)
        return found

    def get(self, name: str) -> str:
        """An attribute without the spaces around it, empty when there is none."""
        return self.attributes.get(name, "").strip()

    def words(self) -> str:
        """All words in it, in order."""
        return "".join(self._pieces())

    def _pieces(self) -> Iterator[str]:
        yield self.text
        for child in self.children:
            yield from child._pieces()
            yield child.tail


def read(content: bytes) -> Element:
    """The `ClinicalDocument` of these bytes; raises Incorrect, saying what to change, for anything else."""
    if len(content) > BYTES:
        raise Incorrect(f"The document has {len(content)} bytes; at most {BYTES} are read. Send attachments apart.")
    builder = _Builder()
    try:
        builder.parser.Parse(_text(content).encode(), True)
    except expat.ExpatError as error:
        reason = f"Line {error.lineno}, column {error.offset}: {expat.ErrorString(error.code)}."
        raise Incorrect(f"This is not well-formed XML. {reason} Send the whole document again.") from None
    root = builder.root
    if (root.name, root.space) != ("ClinicalDocument", V3):
        found = f"{{{root.space}}}{root.name}"
        raise Incorrect(f"The root is {found}; a clinical document starts with ClinicalDocument in {V3}.")
    return root


def _text(content: bytes) -> str:
    name = next((name for mark, name in MARKS if content.startswith(mark)), "")
    if not name:
        declared = DECLARED.match(content)
        name = declared[1].decode().lower() if declared else "utf-8"
        name = CHINESE.get(name, name)
        if name not in READABLE:
            raise Incorrect(f"The encoding {name} is not read. Send UTF-8 or GB18030, and declare it.")
    try:
        return content.decode(name)
    except UnicodeError as error:
        raise Incorrect(f"The bytes are not {name}: {error}. Declare the encoding that was used.") from None


class _Builder:
    def __init__(self) -> None:
        self.root = Element("", "", 0, {})
        self._open: list[Element] = []
        self._ended: Element | None = None
        self._count = 0
        self.parser = parser = expat.ParserCreate("utf-8", namespace_separator=" ")
        parser.buffer_text = True
        parser.StartDoctypeDeclHandler = self._doctype
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._characters

    def _doctype(self, *_: object) -> None:
        raise Incorrect("The document declares a DOCTYPE. Clinical documents need none: send it without.")

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        self._count += 1
        if self._count > ELEMENTS:
            raise Incorrect(f"The document has more than {ELEMENTS} elements. Send it in parts.")
        if len(self._open) >= DEPTH:
            raise Incorrect(f"Line {self.parser.CurrentLineNumber}: elements lie more than {DEPTH} deep.")
        space, _, local = name.rpartition(" ")
        element = Element(local, space, self.parser.CurrentLineNumber, attributes)
        if self._open:
            self._open[-1].children.append(element)
        else:
            self.root = element
        self._open.append(element)
        self._ended = None

    def _end(self, _: str) -> None:
        self._ended = self._open.pop()

    def _characters(self, words: str) -> None:
        if self._ended is None:
            self._open[-1].text += words
        else:
            self._ended.tail += words
