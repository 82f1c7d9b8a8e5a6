"""A message cut into segments, fields, repetitions, components and subcomponents (HL7 v2.5.1 chapter 2.5).

Cut lazily: a field is looked into only when somebody asks for it. Numbers count from 1 as in the standard, and MSH-1 is
the field separator itself.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

from minkang.fhir.problem import Incorrect
from minkang.gateways.hl7v2.wire.charset import Text, decoded

MAX_SEGMENTS = 20_000
_ENDS = re.compile(r"[\r\n]+")
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")  # FHIR's strings may not hold them
_NAME = re.compile(r"[A-Z][A-Z0-9]{2}\Z")


class Unreadable(Incorrect):
    """These bytes are no HL7 v2 message."""


class Delimiters(NamedTuple):
    """MSH-1 and MSH-2; `charset` is what `\\Xdd\\` is decoded by."""

    field: str = "|"
    component: str = "^"
    repetition: str = "~"
    escape: str = "\\"
    sub: str = "&"
    charset: str = "utf-8"


class Segment:
    """One segment: its name, its fields as they came, and its number among all of the message (from 1)."""

    __slots__ = ("_fields", "delimiters", "name", "number", "raw")

    def __init__(self, raw: str, number: int, delimiters: Delimiters) -> None:
        self.raw, self.number, self.delimiters = raw, number, delimiters
        self._fields = raw.split(delimiters.field)
        self.name = self._fields[0]
        if self.name == "MSH":
            self._fields.insert(1, delimiters.field)

    def field(self, number: int) -> str:
        """A field as it came; empty for one that is not there, and for `""`, which says "delete what you have"."""
        found = self._fields[number] if number < len(self._fields) else ""
        return "" if found == '""' else found

    def deleted(self, number: int) -> bool:
        """Whether the sender wants forgotten what it said before (v2.5.1 2.5.3)."""
        return number < len(self._fields) and self._fields[number] == '""'

    def repeats(self, number: int) -> list[str]:
        """The repetitions of a field that hold something."""
        found = self.field(number)
        if self.name == "MSH" and number == 2:
            return [found]
        return [one for one in found.split(self.delimiters.repetition) if one]

    def text(self, number: int, component: int = 1, sub: int = 1) -> str:
        """A subcomponent of the first repetition, unescaped."""
        found = self.field(number)
        return self.inside(found.split(self.delimiters.repetition, 1)[0], component, sub) if found else ""

    def inside(self, repetition: str, component: int = 1, sub: int = 1) -> str:
        """A subcomponent of one repetition, unescaped."""
        cut = self.delimiters
        parts = repetition.split(cut.component)
        if component > len(parts):
            return ""
        subs = parts[component - 1].split(cut.sub)
        found = subs[sub - 1] if sub <= len(subs) else ""
        return "" if found == '""' else unescaped(found, cut).strip()

    def whole(self, repetition: str) -> str:
        """A repetition as text: no component in it means anything (FT, TX and ST, where senders forget to escape)."""
        return unescaped(repetition, self.delimiters).strip()


class Message:
    """A message that has an MSH."""

    __slots__ = ("decoded", "delimiters", "header", "segments")

    def __init__(self, segments: list[Segment], delimiters: Delimiters, text: Text) -> None:
        self.segments, self.delimiters, self.decoded = segments, delimiters, text
        self.header = segments[0]

    @property
    def kind(self) -> str:
        """`ADT^A01`; `ORU` when no event is named."""
        return "^".join(part for part in (self.header.text(9, 1), self.header.text(9, 2)) if part)

    @property
    def version(self) -> str:
        return self.header.text(12)

    @property
    def control(self) -> str:
        """MSH-10, the sender's own number of this message."""
        return self.header.text(10)

    def first(self, name: str) -> Segment | None:
        return next((segment for segment in self.segments if segment.name == name), None)

    def all(self, name: str) -> Iterator[Segment]:
        return (segment for segment in self.segments if segment.name == name)


def parse(content: bytes) -> Message:
    """Bytes, without the MLLP block, to a message. Raises Unreadable and says what was found instead."""
    found = decoded(content)
    text = _CONTROL.sub("", found.text).strip("\r\n\t ")
    if not text.startswith("MSH"):
        raise Unreadable(f"A message begins with the segment MSH; this one begins with {text[:3]!a}.")
    delimiters = _delimiters(text, found.charset)
    lines = _ENDS.split(text, maxsplit=MAX_SEGMENTS)
    if len(lines) > MAX_SEGMENTS:
        raise Unreadable(f"More than {MAX_SEGMENTS} segments in one message: send it in parts.")
    segments = [Segment(line, number, delimiters) for number, line in enumerate(lines, 1) if line.strip()]
    for segment in segments:
        if not _NAME.match(segment.name):
            raise Unreadable(
                f"Line {segment.number} does not begin with the name of a segment but with {segment.name[:3]!a}: "
                "a line break inside a field is written \\.br\\."
            )
        if segment.name == "MSH" and segment.number > 1:
            raise Unreadable(f"A second MSH in line {segment.number}: one block carries one message.")
    return Message(segments, delimiters, found)


def _delimiters(text: str, charset: str) -> Delimiters:
    mark = text[3:4]
    if not mark or mark.isalnum() or mark.isspace() or not mark.isprintable():
        raise Unreadable("MSH-1, the field separator, is missing after MSH.")
    marks = _ENDS.split(text[4:20], maxsplit=1)[0].split(mark, 1)[0]
    chosen = (marks + "^~\\&"[len(marks) :])[:4]  # some leave out those that they do not use
    if len({mark, *chosen}) != 5 or any(one.isalnum() or one.isspace() or not one.isprintable() for one in chosen):
        raise Unreadable(f"MSH-2 must hold four different signs, usually ^~\\&; it holds {marks[:8]!a}.")
    return Delimiters(mark, *chosen, charset=charset)


def unescaped(text: str, cut: Delimiters) -> str:
    """Escapes turned into what they mean (v2.5.1 2.7); those of formatting and of the sender's own (`\\Z..\\`) are kept
    as they are when they cannot be said in plain text."""
    if cut.escape not in text:
        return text
    return _escapes(cut.escape).sub(lambda found: _meaning(found, cut), text)


def escaped(text: str, cut: Delimiters) -> str:
    """Text that may stand in a field."""
    names = {cut.field: "F", cut.component: "S", cut.sub: "T", cut.repetition: "R", cut.escape: "E"}
    out = "".join(f"{cut.escape}{names[sign]}{cut.escape}" if sign in names else sign for sign in text)
    return re.sub(r"\r\n|\r|\n", lambda _: f"{cut.escape}.br{cut.escape}", out)


@lru_cache(maxsize=32)
def _escapes(sign: str) -> re.Pattern[str]:
    quoted = re.escape(sign)
    return re.compile(f"{quoted}([A-Z.][^{quoted}]*){quoted}")


def _meaning(found: re.Match[str], cut: Delimiters) -> str:
    name = found[1]
    simple = {"F": cut.field, "S": cut.component, "T": cut.sub, "R": cut.repetition, "E": cut.escape}.get(name)
    if simple is not None:
        return simple
    if name[0] == "X":
        return _hexadecimal(name[1:], cut.charset) or found[0]
    if name.startswith((".br", ".sp")):
        return "\n" * (int(name[3:]) if re.fullmatch(r"\+?[0-9]{1,2}", name[3:]) else 1)
    return "" if name in ("H", "N", ".fi", ".nf") else found[0]


def _hexadecimal(digits: str, charset: str) -> str:
    try:
        raw = bytes.fromhex(digits)
    except ValueError:
        return ""
    try:
        made = raw.decode(charset)
    except UnicodeDecodeError:
        made = raw.decode("latin-1")
    return _CONTROL.sub("", made)
