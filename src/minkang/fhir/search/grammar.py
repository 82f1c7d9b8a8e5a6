"""The query string of a search, read into a `Query` (http://hl7.org/fhir/R4/search.html).

What cannot be understood is refused, or, for unknown parameters under lenient handling, named in `Query.ignored`:
a typo must never silently become a search for everything. What the standard has and this platform not yet (`_filter`,
`_contained`) is refused in both.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from minkang.fhir.problem import Incorrect, Unsupported
from minkang.fhir.search.escapes import split
from minkang.fhir.search.includes import parse_include
from minkang.fhir.search.kinds import KINDS, UNORDERED, composite
from minkang.fhir.search.linking import is_linked, parse_link
from minkang.fhir.search.parameters import SearchParameter, parameters_of, resource_types, why_not
from minkang.fhir.search.query import Clause, Include, Query, Sort

MAX_PAIRS = 100
MAX_ALTERNATIVES = 1000
MAX_VALUE = 4096
"""Characters of one value in an OR list."""
MAX_LINKED = 10
"""Parameters of one search that ask about other resources."""

MAX_ENDS = 64
"""Types that the references of one chain may lead to, all ways together."""

MAX_COUNT = 1000
DEFAULT_COUNT = 20

AT_THE_DOOR = frozenset({"_format", "_pretty", "_since", "_at"})
"""Read by the door itself; nothing to do with which resources match."""
NOT_YET = frozenset({"_filter", "_contained", "_containedType", "_graph", "_score"})
SUMMARIES = frozenset({"true", "text", "data", "count", "false"})
TOTALS = frozenset({"none", "estimate", "accurate"})
MODIFIERS = frozenset(
    ("missing", "exact", "contains", "text", "not", "in", "not-in", "above", "below", "of-type", "identifier", "type")
)
"""Every modifier of R4, to tell one that is not supported here from one that does not exist."""


@dataclass(slots=True)
class _Reading:
    """A query in the making."""

    type: str | None
    strict: bool
    base: str | None = None
    types: tuple[str, ...] = ()
    clauses: list[Clause] = field(default_factory=list[Clause])
    sort: list[Sort] = field(default_factory=list[Sort])
    includes: list[Include] = field(default_factory=list[Include])
    revincludes: list[Include] = field(default_factory=list[Include])
    count: int = DEFAULT_COUNT
    summary: str | None = None
    elements: tuple[str, ...] = ()
    total: str = "none"
    cursor: str | None = None
    links: int = 0
    once: set[str] = field(default_factory=set[str])
    ignored: list[str] = field(default_factory=list[str])

    @property
    def scope(self) -> str | None:
        """The type whose parameters may be used: None where several types are searched."""
        return self.type or (self.types[0] if len(self.types) == 1 else None)


def parse(
    type: str | None,
    pairs: Sequence[tuple[str, str]],
    *,
    strict: bool,
    compartment: tuple[str, str] | None = None,
    base: str | None = None,
) -> Query:
    """Query of decoded name-value pairs on a resource type (None: the whole system).

    `base`: this server's own address, without a slash at the end; a reference that begins with it is a local one.
    Raises Incorrect for what is wrong, Unsupported for what is not spoken yet.
    """
    if type is not None and type not in resource_types():
        raise Incorrect(f"{type[:64]!r} is no resource type.")
    if len(pairs) > MAX_PAIRS:
        raise Incorrect(f"More than {MAX_PAIRS} parameters in one search.")
    reading, applied = _Reading(type, strict, base=base), []
    for name, value in pairs:
        _check_text(name, value)
        if name == "_type":  # decides which parameters exist, wherever in the query it stands
            _take_types(reading, value)
    for name, value in pairs:
        if name not in AT_THE_DOOR and _take(reading, name, value):
            applied.append((name, value))
    return Query(
        type=type,
        clauses=tuple(reading.clauses),
        sort=tuple(reading.sort),
        count=reading.count,
        includes=tuple(reading.includes),
        revincludes=tuple(reading.revincludes),
        summary=reading.summary,
        elements=reading.elements,
        total=reading.total,
        cursor=reading.cursor,
        compartment=compartment,
        types=reading.types,
        applied=tuple(applied),
        ignored=tuple(reading.ignored),
    )


def _check_text(name: str, value: str) -> None:
    for text in (name, value):
        if "\0" in text or any("\ud800" <= char <= "\udfff" for char in text if not text.isascii()):
            raise Incorrect("A parameter holds a character that is no text (NUL or half a surrogate pair).")


def _take(reading: _Reading, name: str, value: str) -> bool:
    """Read one pair; False when it was left out."""
    if not value and name != "_cursor":
        return _ignore(reading, name, f"The parameter {name[:64]!r} has no value.")
    control = _CONTROLS.get(name)
    if control is not None:
        if name in reading.once:
            raise Incorrect(f"{name} is given twice.")
        if name not in ("_include", "_include:iterate", "_revinclude", "_revinclude:iterate"):
            reading.once.add(name)
        return control(reading, value)
    code, _, modifier = name.partition(":")
    if code in NOT_YET:
        raise Unsupported(f"The parameter {code} is not supported yet: {name[:64]!r}.")
    if is_linked(name):
        reading.clauses.append(_link(reading, name, value))
        return True
    parameter = parameters_of(reading.scope).get(code)
    if parameter is None:
        return _ignore(reading, name, _unknown(code, reading))
    reading.clauses.append(_clause(parameter, modifier or None, value, reading.base))
    return True


def _link(reading: _Reading, name: str, value: str) -> Clause:
    ends = 0

    def plain(type: str, name: str, value: str) -> Clause:
        nonlocal ends
        ends += 1
        if ends > MAX_ENDS:
            raise Incorrect(f"{name[:64]!r} may lead to too many types; name them, as in subject:Patient.name.")
        code, _, modifier = name.partition(":")
        if code in NOT_YET:
            raise Unsupported(f"The parameter {code} is not supported yet: {name[:64]!r}.")
        one = parameters_of(type).get(code)
        if one is None:
            raise Incorrect(f"Unknown parameter {code[:64]!r} for {type}.")
        return _clause(one, modifier or None, value, reading.base)

    reading.links += 1
    if reading.links > MAX_LINKED:
        raise Incorrect(f"More than {MAX_LINKED} chains and _has in one search.")
    return parse_link(reading.scope, name, value, plain)


def _ignore(reading: _Reading, name: str, reason: str) -> bool:
    if reading.strict:
        raise Incorrect(reason)
    reading.ignored.append(name)
    return False


def _unknown(code: str, reading: _Reading) -> str:
    reason = why_not(reading.scope, code)
    if reason is not None:
        return f"The parameter {code[:64]!r} of {reading.scope} cannot be used: {reason}"
    known = sorted(name for name, one in parameters_of(reading.scope).items() if one.kind in KINDS)
    place = reading.scope or "a search over several types"
    return f"Unknown parameter {code[:64]!r} for {place}; known: {', '.join(known)}."


def _clause(parameter: SearchParameter, modifier: str | None, value: str, base: str | None) -> Clause:
    kind = KINDS.get(parameter.kind)
    if kind is None:
        raise Unsupported(f"{parameter.code!r} is a parameter that is not supported yet.")
    if modifier == "missing":
        if value not in ("true", "false"):
            raise Incorrect(f"{parameter.code}:missing takes true or false, not {value[:64]!r}.")
        return Clause(parameter, modifier, (value == "true",))
    _check_modifier(parameter, modifier)
    parts = [part for part in split(value, ",") if part]
    if base is not None and parameter.kind == "reference":
        parts = [part.removeprefix(f"{base}/") for part in parts]
    if parameter.kind == "composite" and len(parts) <= MAX_ALTERNATIVES:
        parts = composite.alternatives(parts)
    if not parts:
        raise Incorrect(f"The parameter {parameter.code!r} has no value.")
    if len(parts) > MAX_ALTERNATIVES:
        raise Incorrect(f"More than {MAX_ALTERNATIVES} values for {parameter.code!r}.")
    if any(len(part) > MAX_VALUE for part in parts):
        raise Incorrect(f"A value of {parameter.code!r} is longer than {MAX_VALUE} characters.")
    return Clause(parameter, modifier, tuple(dict.fromkeys(kind.parse(part, modifier, parameter) for part in parts)))


def _check_modifier(parameter: SearchParameter, modifier: str | None) -> None:
    kind = KINDS[parameter.kind]
    if modifier is None or modifier in kind.MODIFIERS:
        return
    name = f"{parameter.code}:{modifier[:64]}"
    if parameter.kind == "reference" and modifier in resource_types():
        if parameter.targets and modifier not in parameter.targets:
            raise Incorrect(f"{name}: it refers to {', '.join(parameter.targets)} only.")
        return
    if modifier in kind.NOT_YET:
        raise Unsupported(f"The modifier of {name!r} is not supported yet.")
    if modifier in MODIFIERS:
        raise Incorrect(f"{name!r}: a {parameter.kind} parameter takes {', '.join(sorted(kind.MODIFIERS))} only.")
    raise Incorrect(f"{name!r}: there is no such modifier.")


def _take_count(reading: _Reading, value: str) -> bool:
    if not re.fullmatch(r"\d{1,9}", value, re.ASCII):
        raise Incorrect(f"_count takes a whole number from 0, not {value[:64]!r}.")
    reading.count = min(int(value), MAX_COUNT)
    if reading.count == 0:
        reading.summary = "count"
    return True


def _take_sort(reading: _Reading, value: str) -> bool:
    for part in value.split(","):
        code = part.strip().removeprefix("-")
        parameter = parameters_of(reading.scope).get(code)
        if parameter is None:
            raise Incorrect(f"_sort: {_unknown(code, reading)}")
        if parameter.kind not in KINDS or parameter.kind in UNORDERED:
            raise Unsupported(f"_sort by {code!r} is not supported yet.")
        reading.sort.append(Sort(parameter, part.strip().startswith("-")))
    return True


def _take_types(reading: _Reading, value: str) -> bool:
    reading.types = tuple(dict.fromkeys(part for part in value.split(",") if part))
    for name in reading.types:
        if name not in resource_types():
            raise Incorrect(f"_type: {name[:64]!r} is no resource type.")
    if reading.type is not None and set(reading.types) != {reading.type}:
        raise Incorrect(f"_type={value[:64]} in a search on {reading.type}.")
    return True


def _take_include(*, reverse: bool, iterate: bool) -> Callable[[_Reading, str], bool]:
    def take(reading: _Reading, value: str) -> bool:
        parsed = parse_include(value, iterate=iterate)
        if isinstance(parsed, str):
            return _ignore(reading, "_revinclude" if reverse else "_include", parsed)
        (reading.revincludes if reverse else reading.includes).append(parsed)
        return True

    return take


def _take_word(attribute: str, words: frozenset[str]) -> Callable[[_Reading, str], bool]:
    def take(reading: _Reading, value: str) -> bool:
        if value not in words:
            raise Incorrect(f"_{attribute} takes {', '.join(sorted(words))}, not {value[:64]!r}.")
        if not (attribute == "summary" and reading.count == 0):
            setattr(reading, attribute, value)
        return True

    return take


def _take_elements(reading: _Reading, value: str) -> bool:
    names = [name.strip() for name in value.split(",") if name.strip()]
    for name in names:
        if not re.fullmatch(r"[A-Za-z][A-Za-z0-9.\[\]]{0,199}", name):
            raise Incorrect(f"_elements: {name[:64]!r} is no element name.")
    reading.elements = tuple(dict.fromkeys(names))
    return True


def _take_cursor(reading: _Reading, value: str) -> bool:
    reading.cursor = value or None
    return True


_CONTROLS: dict[str, Callable[[_Reading, str], bool]] = {
    "_type": _take_types,
    "_count": _take_count,
    "_sort": _take_sort,
    "_include": _take_include(reverse=False, iterate=False),
    "_include:iterate": _take_include(reverse=False, iterate=True),
    "_revinclude": _take_include(reverse=True, iterate=False),
    "_revinclude:iterate": _take_include(reverse=True, iterate=True),
    "_summary": _take_word("summary", SUMMARIES),
    "_elements": _take_elements,
    "_total": _take_word("total", TOTALS),
    "_cursor": _take_cursor,
}
