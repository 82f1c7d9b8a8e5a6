"""Data elements that say one thing together, gathered (elements.toml): the name, code and rank of a diagnosis.

    section → entries → statements, in order → each to the open group where its part is free, else to a group that it
    begins, else by itself

Samples of the standard write the same group sometimes nested, sometimes in a cluster, sometimes as entries in a row: so
what counts is the order and what is still free, not the depth.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace

from minkang.gateways.cda.mapping import datatypes
from minkang.gateways.cda.mapping.datatypes import moment
from minkang.gateways.cda.mapping.draft import Context, Draft, Tree
from minkang.gateways.cda.mapping.people import performers
from minkang.gateways.cda.mapping.statements import BUILDERS, STATEMENTS, inner
from minkang.gateways.cda.mapping.tables import Group, facts, groups, groups_of, same
from minkang.gateways.cda.wire import Element

HOLDERS = {"procedure": "procedure", "substanceAdministration": "administration"}
"""Statements that hold the parts of their group inside them."""


@dataclass(slots=True)
class Gathered:
    """A group with the statements that play its parts. `holder`: the statement that they stand in, if it is one."""

    rule: Group
    first: Element
    context: Context
    parts: dict[str, Element] = field(default_factory=dict[str, Element])
    holder: Element | None = None
    parent: Gathered | Loose | None = None
    made: str = ""

    def words(self, draft: Draft, part: str) -> str:
        """What a part says as text."""
        found = self.value(draft, part)
        text = found.get("valueString")
        if text is None and (coded := found.get("valueCodeableConcept")):
            text = coded.get("text") or next((one.get("display", "") for one in coded.get("coding", ())), "")
        if text is None and "valueQuantity" in found:
            quantity = found["valueQuantity"]
            text = f"{quantity['value']}{quantity.get('unit', '')}"
        return text or (str(found["valueInteger"]) if "valueInteger" in found else "")

    def concept(self, draft: Draft, part: str) -> Tree | None:
        return self.value(draft, part).get("valueCodeableConcept")

    def value(self, draft: Draft, part: str) -> Tree:
        e = self.parts.get(part)
        found = e.first("value") if e is not None else None
        return datatypes.value(draft, found) if found is not None else {}

    def element(self, part: str) -> str:
        e = self.parts.get(part)
        return element_of(e) if e is not None else ""

    def label(self, part: str) -> str:
        """What the sender calls the element: 出院诊断-主要诊断."""
        e = self.parts.get(part)
        code = e.first("code") if e is not None else None
        if code is None:
            return ""
        named = code.down("qualifier", "name")
        return (named.get("displayName") if named is not None else "") or code.get("displayName")

    def labels(self, draft: Draft, *parts: str) -> list[Tree]:
        """The codes of the elements that play these parts."""
        there = [e for part in parts if (e := self.parts.get(part)) is not None]
        return [found for e in there if (found := datatypes.concept(draft, e.first("code")))]

    def moment(self, draft: Draft) -> str | None:
        """When, by whichever part says."""
        found = (moment(draft, e.first("effectiveTime")) for e in self.parts.values())
        return next((one for one in found if one), None)

    def people(self, draft: Draft) -> list[Tree]:
        found = [one for e in self.parts.values() for one in performers(draft, e, "performer", "author")]
        return found or list(self.context.people)


@dataclass(slots=True)
class Loose:
    """A statement by itself. `parent`: what it stands in."""

    e: Element
    context: Context
    parent: Gathered | Loose | None
    made: str = ""


Node = Gathered | Loose

GroupBuilder = Callable[[Draft, Gathered, Context], str]

_BUILDERS: dict[str, GroupBuilder] = {}


def grouped(*names: str) -> Callable[[GroupBuilder], GroupBuilder]:
    def known(builder: GroupBuilder) -> GroupBuilder:
        _BUILDERS.update(dict.fromkeys(names, builder))
        return builder

    return known


def element_of(e: Element) -> str:
    """The data element that a statement is about."""
    code = e.first("code")
    named = code.get("code") if code is not None else ""
    return same().get(named, named)


class Gatherer:
    """The entries of one section, in order."""

    def __init__(self, draft: Draft, context: Context) -> None:
        self._draft, self._context = draft, context
        self._open: list[Gathered] = []
        self._order: list[Node] = []
        self._fees: list[Element] = []
        self.made: list[str] = []

    def take(self, e: Element) -> None:
        """One statement of an entry with all inside."""
        closed = e.name == "organizer"
        if closed:
            self._flush()
        self._walk(e, None, self._timed(e, self._context))
        self._open = [one for one in self._open if one.rule.across] if not closed else []
        if not self._open:
            self._flush()

    def end(self) -> None:
        self._flush()
        if self._fees:
            self.made.append(fees(self._draft, self._fees, self._context))

    def _timed(self, e: Element, context: Context) -> Context:
        time = moment(self._draft, e.first("effectiveTime"))
        return replace(context, time=time) if time else context

    def _walk(self, e: Element, parent: Node | None, context: Context) -> None:
        node = parent
        if e.name in HOLDERS:
            rule = next(one for one in groups() if one.name == HOLDERS[e.name])
            node = self._begin(Gathered(rule, e, context, holder=e, parent=parent))
        elif e.name == "observation":
            node = self._place(e, parent, context)
        elif e.name in BUILDERS and (element_of(e) or e.first("text") is not None):
            node = self._begin(Loose(e, context, parent))
        for child in inner(e):
            self._walk(child, node, self._timed(child, context))

    def _begin(self, node: Node) -> Node:
        self._order.append(node)
        if isinstance(node, Gathered) and node.holder is None:
            self._open.insert(0, node)
        return node

    def _place(self, e: Element, parent: Node | None, context: Context) -> Node | None:
        element = element_of(e)
        if element in facts():
            self._draft.facts.setdefault(facts()[element], e)
        if _is_money(e):
            self._fees.append(e)
            return parent
        home, part = self._home(element, parent)
        if home is not None:
            home.parts[part] = e
            return home
        holder = parent.holder if isinstance(parent, Gathered) else None
        for rule in groups_of(element):
            if element in rule.anchors and holder is None and context.section not in rule.apart:
                return self._begin(Gathered(rule, e, context, {rule.parts[element]: e}, parent=parent))
        return self._begin(Loose(e, context, parent))

    def _home(self, element: str, parent: Node | None) -> tuple[Gathered | None, str]:
        """The group whose part this is and where it is still free: that around it, else the newest open one."""
        around = parent if isinstance(parent, Gathered) else None
        if around is not None:
            part = around.rule.nested.get(element, "")
            if part and part not in around.parts:
                return around, part
        holders = [around] if around is not None and around.holder is not None else []
        for one in (*holders, *self._open):
            part = one.rule.parts.get(element, "")
            if part and part not in one.parts:
                return one, part
        return None, ""

    def _flush(self) -> None:
        """Everything gathered so far becomes resources, what stands around first: what is inside refers to it."""
        for node in self._order:
            around = node.context.inside(node.parent.made) if node.parent is not None else node.context
            if isinstance(node, Gathered):
                node.made = _BUILDERS[node.rule.target](self._draft, node, around) or self._apart(node, around)
            else:
                node.made = BUILDERS[node.e.name](self._draft, _alone(node.e), around)
            if node.made:
                self.made.append(node.made)
        self._open, self._order = [], []

    def _apart(self, node: Gathered, around: Context) -> str:
        """Parts that make no whole (a number without a name) by themselves, so that none is lost."""
        made = [BUILDERS[e.name](self._draft, _alone(e), around) for e in node.parts.values()]
        self.made += [one for one in made[1:] if one]
        return made[0] if made else ""


def _is_money(e: Element) -> bool:
    value = e.first("value")
    return value is not None and value.attributes.get(datatypes.TYPE, "") == "MO"


def fees(draft: Draft, lines: list[Element], context: Context) -> str:
    """The amounts of a section to one Invoice, a line each (http://hl7.org/fhir/R4/invoice.html)."""
    return _BUILDERS["fees"](
        draft, Gathered(_FEES, lines[0], context, {str(at): e for at, e in enumerate(lines)}), context
    )


_FEES = Group("fees", "fees", frozenset(), {})


def _alone(e: Element) -> Element:
    """A statement without those inside it, which are placed by themselves."""
    return replace(e, children=[one for one in e.children if not _links(one)])


def _links(e: Element) -> bool:
    return e.name in STATEMENTS or any(one.name in STATEMENTS for one in e.children)


def statements(entries: Iterator[Element]) -> Iterator[Element]:
    """The statements of a section's entries."""
    for entry in entries:
        yield from (one for one in entry.children if one.name in STATEMENTS)
