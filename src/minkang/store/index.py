"""From a resource to what its row carries: hashes of its search terms, and when it happened.

Compiled per type at first use: a list of (prefix of the term, extractor, values, terms), so that indexing one resource
is one pass over it. What is indexed and what not is data (`index_rules.json`). A resource of a type that is searched by
its words has a second row, `text_row`, which every way of writing (`write.py`, bulk import) puts beside the first.

A city's records repeat themselves: the same codes, institutions, names, and the same patient and day for a visit's
length. So the hashes that a top-level member gave are remembered by the member's text; most members need no work.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache, lru_cache
from importlib import import_module
from typing import Any, NamedTuple

from minkang.fhir.compartments import compartments
from minkang.fhir.references import patient_of
from minkang.fhir.resource import Parsed, Resource, members
from minkang.fhir.search.kinds import date as dates
from minkang.fhir.search.parameters import SearchParameter, standard_parameters_of
from minkang.fhir.text import content, words
from minkang.store.index_rules import LONG, alias, date_code, has_text, is_common, is_indexed
from minkang.store.keys import Keys
from minkang.store.rows import NO_DATE, TextRow
from minkang.store.search.params import kind_of
from minkang.store.search.params.date import STRETCH
from minkang.store.search.params.text import text_term
from minkang.store.terms import TermHash
from minkang.store.types import NUMBERS

_ROOTS = frozenset(compartments())


class Terms(NamedTuple):
    """`date`: microseconds since 1970 UTC, NO_DATE when the resource does not say."""

    keys: list[int]
    flags: list[int]
    date: int


class _Rule(NamedTuple):
    prefix: str
    parameter: SearchParameter
    elements: Callable[[Resource], list[tuple[str, Any]]]
    values: Callable[[list[tuple[str, Any]]], list[Any]]
    terms: Callable[[Any, SearchParameter], Iterable[str]]
    common: bool
    again: bool
    """Whether its texts come again in other elements: pieces of names do, a number hardly."""


Hashes = tuple[tuple[int, ...], tuple[int, ...]]
"""Of keys and of flags."""


class _Member:
    """One top-level member of a type: the rules that look into it, and what they found in the texts seen last."""

    __slots__ = ("again", "rules", "seen")

    def __init__(self, rules: tuple[_Rule, ...]) -> None:
        self.rules = rules
        self.seen: dict[bytes, Hashes] | None = {}
        self.again = 0

    def remember(self, text: bytes, found: Hashes) -> None:
        if self.seen is None or len(text) > _LONGEST:
            return
        if len(self.seen) >= _REMEMBERED:
            # Numbers and times hardly come twice: for such a member no text is kept any more.
            self.seen, self.again = ({} if self.again >= _REMEMBERED // 4 else None), 0
        else:
            self.seen[text] = found


_REMEMBERED = 1024
"""Texts of a member that are remembered before all are forgotten and it begins anew."""

_LONGEST = 1024
"""Bytes of a text that is worth remembering."""


class Indexer:
    """Indexes with one term key."""

    def __init__(self, keys: Keys):
        self.hash = TermHash(keys)
        self._long = self.hash(LONG)
        self._members: dict[str, dict[str, _Member]] = {}
        self._added: Mapping[str, tuple[_Rule, ...]] = {}

    def add(self, parameters: Mapping[str, Sequence[SearchParameter]]) -> None:
        """Index by these beside the standard's from now on, and by no others (by type; `parameters.py`)."""
        self._added = {type: tuple(_rule(type, one) for one in ours) for type, ours in parameters.items()}

    def terms_of(self, type: str, one: SearchParameter, tree: Resource) -> set[int]:
        """What one added parameter alone gives."""
        keys: set[int] = set()
        self._find((_rule(type, one),), tree, keys, keys)
        return keys

    def index(
        self,
        type: str,
        id: str,
        parsed: Parsed,
        raw: Mapping[str, Any] | None = None,
        patients: Sequence[str] | None = None,
    ) -> Terms:
        """What the row of this resource carries. `id` is the one it is stored under; `raw`: `members` of its text,
        `patients`: `patient_of` its tree, if the caller has them already."""
        hash, tree = self.hash, parsed.tree
        keys: set[int] = set()
        flags: set[int] = set()
        # A reference into what is contained means nothing without it.
        rules = _asked(type, tuple(tree)) if "contained" in tree else _anywhere(type)
        if rules:
            self._find(rules, tree, keys, flags)
        if "contained" not in tree:
            self._by_member(type, tree, members(parsed.text) if raw is None else raw, keys, flags)
        added = self._added.get(type)
        if added:
            self._find(added, tree, keys, flags)
        if type in _ROOTS:
            keys.add(self.hash.once(f"self|{type}/{id}"))
        if type != "Patient":
            for other in (patient_of(tree) if patients is None else patients)[1:]:
                keys.add(hash(f"compartment|Patient/{other}"))
        date, long = _date(type, tree)
        if long:
            flags.add(self._long)
        return Terms(list(keys), list(flags), date)

    def _by_member(self, type: str, tree: Resource, raw: Mapping[str, Any], keys: set[int], flags: set[int]) -> None:
        known = self._members.get(type)
        if known is None:
            known = self._members[type] = {name: _Member(rules) for name, rules in _rooted(type).items()}
        for name, value in raw.items():
            member = known.get(name)
            if member is None:
                continue
            if member.seen is None:
                self._find(member.rules, {"resourceType": type, name: tree[name]}, keys, flags)
                continue
            text = bytes(value)
            found = member.seen.get(text)
            if found is None:
                found = self._found(member.rules, {"resourceType": type, name: tree[name]})
                member.remember(text, found)
            else:
                member.again += 1
            if found[0]:
                keys.update(found[0])
            if found[1]:
                flags.update(found[1])

    def _found(self, rules: tuple[_Rule, ...], tree: Resource) -> Hashes:
        keys: set[int] = set()
        flags: set[int] = set()
        self._find(rules, tree, keys, flags)
        return tuple(keys), tuple(flags)

    def _find(self, rules: tuple[_Rule, ...], tree: Resource, keys: set[int], flags: set[int]) -> None:
        for prefix, one, elements, values, terms, common, again in rules:
            found = elements(tree)
            if found:
                into = flags if common else keys
                hash = self.hash.again if again else self.hash.once
                for value in values(found):
                    for text in terms(value, one):
                        into.add(hash(prefix + text))

    def text_row(self, shard: int, type: str, id: str, tree: Resource) -> TextRow | None:
        """The row of `resource_text` that goes with the row of this resource; None for most types."""
        if not has_text(type):
            return None
        once = self.hash.once
        found = [once(text_term(type, word)) for word in words(content(tree))]
        return TextRow(shard, NUMBERS[type], id, found) if found else None


@cache
def _rules(type: str) -> tuple[_Rule, ...]:
    return tuple(
        _rule(type, one)
        for one in standard_parameters_of(type).values()
        if is_indexed(one, type) and not alias(one, type)
    )


def _rule(type: str, one: SearchParameter) -> _Rule:
    return _Rule(
        f"{type}|{one.stem}|",
        one,
        one.elements,
        import_module(f"minkang.fhir.search.kinds.{one.kind}").values,
        kind_of(one.kind).terms,
        is_common(one, type),
        one.kind == "string",
    )


@cache
def _rooted(type: str) -> dict[str, tuple[_Rule, ...]]:
    """Top-level member -> rules with a path that begins there. Each path stands for itself, so a rule with several
    finds the same in the members one by one."""
    found: dict[str, list[_Rule]] = {}
    for rule in _rules(type):
        for name in rule.parameter.keys or ():
            found.setdefault(name, []).append(rule)
    return {name: tuple(rules) for name, rules in found.items()}


@cache
def _anywhere(type: str) -> tuple[_Rule, ...]:
    """Rules that must see the whole resource."""
    return tuple(rule for rule in _rules(type) if rule.parameter.keys is None)


def _date(type: str, tree: Resource) -> tuple[int, bool]:
    one = _date_parameter(type)
    found = dates.values(one.elements(tree)) if one is not None else []
    if not found:
        return NO_DATE, False
    value = found[0]
    return value.low, value.high - value.low > STRETCH


@lru_cache(maxsize=4096)
def _asked(type: str, members: tuple[str, ...]) -> tuple[_Rule, ...]:
    """Rules that can find something: resources of one origin have few sets of members, so this is remembered."""
    return tuple(
        rule for rule in _rules(type) if rule.parameter.keys is None or not rule.parameter.keys.isdisjoint(members)
    )


@cache
def _date_parameter(type: str) -> SearchParameter | None:
    code = date_code(type)
    return standard_parameters_of(type).get(code) if code else None
