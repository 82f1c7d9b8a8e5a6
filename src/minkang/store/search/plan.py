"""From a query to a way of walking and the terms that a row must have.

Five ways. NAMES: the ids are told, so the rows are read by their primary key. PERSON: one resident's rows are one index
range, walked in order of date. TERMS: rare terms (an identifier, a name, a reference) through the GIN index. TEXT:
words, through an index of their own. WALK: everything of a type in order of date, filtered on the way; right for common
terms, because there the next hit is near. What the terms do not decide exactly is rechecked on each row.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import Enum

from minkang.fhir.compartments import in_compartment, patient_paths, patient_references
from minkang.fhir.problem import TooCostly
from minkang.fhir.search.linking import is_link
from minkang.fhir.search.parameters import SearchParameter, parameter
from minkang.fhir.search.query import Clause, Query
from minkang.store import shards
from minkang.store.index_rules import LONG, alias, date_code, has_text, is_common, is_indexed
from minkang.store.search.frequencies import UNKNOWN, Frequencies
from minkang.store.search.params import kind_of, text
from minkang.store.search.params.date import column_bounds, moment_bounds
from minkang.store.terms import TermHash
from minkang.store.types import NUMBERS

MOST = 5_000
"""Rows that one term may bring before it counts as common; chosen, not yet measured at ten million rows."""

FAR = 400_000
"""Rows a walk may be expected to pass by until its page is full: about a second of it."""

NARROW = "add a parameter that few resources share, such as patient, identifier or a narrow date."

LONG_GROUP = 256
"""Terms of one group up to which a row is filtered by them: PostgreSQL compares each with each (256 with a row's ten
cost it some 10 microseconds). Longer groups may drive the GIN index, and are rechecked."""

_MOST_LEADING = 1_000
"""Residents whose ranges one search may walk."""

_MOST_ELSEWHERE = 50
"""The same where what matches may live with others."""

_MOST_NAMES = 20_000
"""Types times ids of one search."""

_MOST_TYPES = 20
"""Types whose terms one search over several types may seek."""

_MOST_TEXT_TYPES = 8
"""Types whose words one search may seek at once."""


class Way(Enum):
    NAMES = "names"
    PERSON = "person"
    TERMS = "terms"
    TEXT = "text"
    WALK = "walk"


@dataclass(slots=True)
class Plan:
    """`keys` and `flags`: groups of hashes; a row needs one of each group. `long_keys`: groups that only the GIN index
    is asked for, since comparing them row by row would take long. `recheck`: clauses the SQL leaves open; `links`:
    those about other resources, which are looked up for each portion of candidates.
    `texts`: groups of choices of words; a row has all words of one choice of each group.

    `names`: type numbers and ids, of which a row must have one.
    `low`, `high`: bounds on the `date` column, microseconds, half open; rows flagged `long` may begin before `low`;
    `since`, `until`: on `updated`.
    `shards`: where the residents `named` live, as their ids say; the statement asks the locator who lives elsewhere.
    `elsewhere`: terms of rows that name one of the `shards`' residents but live with another.
    """

    types: list[int]
    way: Way = Way.WALK
    shards: list[int] | None = None
    named: list[str] = field(default_factory=list[str])
    elsewhere: list[int] = field(default_factory=list[int])
    names: set[tuple[int, str]] | None = None
    keys: list[list[int]] = field(default_factory=list[list[int]])
    long_keys: list[list[int]] = field(default_factory=list[list[int]])
    flags: list[list[int]] = field(default_factory=list[list[int]])
    texts: list[list[list[int]]] = field(default_factory=list[list[list[int]]])
    low: int | None = None
    long: int | None = None
    high: int | None = None
    since: datetime | None = None
    until: datetime | None = None
    recheck: list[Clause] = field(default_factory=list[Clause])
    links: list[Clause] = field(default_factory=list[Clause])
    oldest_first: bool = False
    sorted: bool = False
    most: int = MOST
    empty: bool = False

    @property
    def exact(self) -> bool:
        return not self.recheck and not self.links


def make(query: Query, hash: TermHash, frequencies: Frequencies = UNKNOWN) -> Plan:
    """The plan of a query. Raises TooCostly for ids of too many types, and for what only a long walk would answer."""
    if query.type is None and len(query.types) == 1:
        query = replace(query, type=query.types[0])
    types = _types(query)
    plan = Plan([NUMBERS[type] for type in types])
    for clause in query.clauses:
        _add(plan, query, clause, hash)
    if query.compartment is not None:
        _add_compartment(plan, types, query.compartment, hash)
    _order(plan, query)
    if plan.names is not None:
        plan.way = Way.NAMES
        plan.empty = plan.empty or not plan.names
    elif plan.way is not Way.PERSON and _rare(plan, frequencies):
        plan.way = Way.TERMS
    elif plan.way is not Way.PERSON and plan.texts:
        plan.way = Way.TEXT
    if plan.way is Way.WALK and not plan.empty:
        _check_walk(plan, query, frequencies)
    return plan


def _rare(plan: Plan, frequencies: Frequencies) -> bool:
    """Whether some of the indexed terms is not known to be common."""
    return bool(plan.long_keys) or any(frequencies.of(group) <= plan.most for group in plan.keys)


def _check_walk(plan: Plan, query: Query, frequencies: Frequencies) -> None:
    """Refuse at once what would surely be far: where the hits are expected, if what is asked for is independent."""
    if plan.sorted or any(one is not None for one in (plan.low, plan.high, plan.since, plan.until)):
        return  # a stretch of time may be short; the walk's own bounds see to the rest
    far = float(query.count + 1)
    for group in (*plan.keys, *plan.flags):
        far /= max(frequencies.part_of_type(group, plan.types), 1e-9)
    if min(far, frequencies.rows_of(plan.types)) > FAR:
        raise TooCostly(f"Too many resources would have to be looked at for these few; {NARROW}")


def _types(query: Query) -> list[str]:
    """The types asked for; empty for all."""
    if query.type is not None:
        return [query.type]
    if query.compartment is None:
        return list(query.types)
    members = [*in_compartment(query.compartment[0]), query.compartment[0]]
    return [type for type in dict.fromkeys(members) if not query.types or type in query.types]


def _patients(query: Query, clause: Clause) -> list[str]:
    """The residents a clause confines its hits to; empty when it does not."""
    code = clause.parameter.code
    if query.type is None or clause.parameter.kind != "reference" or clause.modifier not in (None, "Patient"):
        return []
    if (code != "patient" and code not in patient_references(query.type)) or query.type == "Patient":
        return []
    if len(clause.wanted) == 1 and clause.wanted[0].among is not None:
        return _patients_among(query.type, clause)
    named = [one.id for one in clause.wanted if one.type == "Patient" and one.id and one.url is None]
    return named if len(named) == len(clause.wanted) else []


def _patients_among(type: str, clause: Clause) -> list[str]:
    """What a chain was found to mean. Where others may be named first, each patient costs terms of its own."""
    among = clause.wanted[0].among
    most = _MOST_LEADING if _leads(type, clause.parameter) else _MOST_ELSEWHERE
    return [id for _, id in among] if len(among) <= most and all(kind == "Patient" for kind, _ in among) else []


def _add(plan: Plan, query: Query, clause: Clause, hash: TermHash) -> None:
    code = clause.parameter.code
    if is_link(clause):
        plan.links.append(clause)
        return
    if code == "_id" and clause.modifier is None:
        _name(plan, _named_by_id(plan, clause))
        return
    if clause.parameter.kind == "listed" and clause.modifier is None:
        among = {(NUMBERS[type], id) for one in clause.wanted for type, id in one.among or () if type in NUMBERS}
        _name(plan, {name for name in among if not plan.types or name[0] in plan.types})
        return
    if clause.parameter.kind == "text":
        _add_text(plan, _types(query), clause, hash)
        return
    if code == "_lastUpdated":
        _narrow_moment(plan, clause)
        return
    if clause.modifier == "missing":
        plan.recheck.append(clause)
        return
    if query.type is None:
        _add_terms(plan, query.types, clause, hash)
        return
    if code == date_code(query.type):
        _narrow_date(plan, clause, hash)
        return
    patients = _patients(query, clause)
    if patients:
        _confine(plan, patients, hash, leads=_leads(query.type, clause.parameter))
    _add_terms(plan, (query.type,), clause, hash)


def _name(plan: Plan, names: set[tuple[int, str]]) -> None:
    plan.names = names if plan.names is None else plan.names & names


def _named_by_id(plan: Plan, clause: Clause) -> set[tuple[int, str]]:
    """An id has no system; one that is asked for with a system is nobody's."""
    ids = {one.code for one in clause.wanted if one.code is not None and not one.system}
    types = plan.types or list(NUMBERS.values())
    if len(ids) * len(types) > _MOST_NAMES:
        raise TooCostly("So many ids can only be sought in one type; name it by _type.")
    return {(type, id) for type in types for id in ids}


def _add_terms(plan: Plan, types: Sequence[str], clause: Clause, hash: TermHash) -> None:
    """`types` are several only where the clause is one that every type has."""
    if clause.parameter.kind == "composite":
        _add_parts(plan, types, clause, hash)
        return
    found = [_wanted_terms(type, clause) for type in types]
    if not found or len(found) > _MOST_TYPES or any(terms is None for terms in found):
        plan.recheck.append(clause)
        return
    group = sorted({hash(text) for terms in found for text in terms or ()})
    if not group and clause.parameter.kind == "reference":
        plan.empty = True  # a chain that leads to nobody
    is_long, common = len(group) > LONG_GROUP, all(is_common(clause.parameter, type) for type in types)
    if not (is_long and common):
        (plan.flags if common else plan.long_keys if is_long else plan.keys).append(group)
    kind = kind_of(clause.parameter.kind)
    if is_long or not all(kind.is_exact(wanted, clause.modifier) for wanted in clause.wanted):
        plan.recheck.append(clause)


def _add_parts(plan: Plan, types: Sequence[str], clause: Clause, hash: TermHash) -> None:
    """A composite by the terms of its components' own parameters, which see at least the same elements. A row may have
    them in different places, so it is rechecked; no terms of their own, for each row would pay for them."""
    plan.recheck.append(clause)
    for place, one in enumerate(clause.parameter.components):
        own = parameter(types[0], one.code) if len(types) == 1 else None
        if own is None or own.kind != one.kind or own.code == date_code(types[0]):
            continue
        terms = _wanted_terms(types[0], Clause(own, None, tuple(wanted.parts[place] for wanted in clause.wanted)))
        if terms and len(set(terms)) <= LONG_GROUP:
            (plan.flags if is_common(own, types[0]) else plan.keys).append(sorted({hash(text) for text in terms}))


def _wanted_terms(type: str, clause: Clause) -> list[str] | None:
    """Texts one of which every matching row carries; None when some wanted value has none."""
    one = clause.parameter
    if not is_indexed(one, type):
        return None
    kind = kind_of(one.kind)
    codes = alias(one, type) or (one.stem,)
    modifier = None if clause.modifier in NUMBERS else clause.modifier
    found: list[str] = []
    for wanted in clause.wanted:
        texts = kind.wanted_terms(wanted, modifier, one)
        if texts is None:
            return None
        found += [f"{type}|{code}|{text}" for text in texts for code in codes]
    return found


def _add_text(plan: Plan, types: list[str], clause: Clause, hash: TermHash) -> None:
    """Words are sought among the types that have theirs indexed; they say where to look, never that a row matches."""
    plan.recheck.append(clause)
    choices = text.choices(clause.wanted) if clause.modifier is None else None
    if choices is None or not types or len(types) > _MOST_TEXT_TYPES or not all(map(has_text, types)):
        return
    plan.texts.append(
        [[hash.once(text.text_term(type, word)) for word in sorted(words)] for words in choices for type in types]
    )


def _confine(plan: Plan, patients: list[str], hash: TermHash, *, leads: bool = False) -> None:
    """Walk these residents' rows; `leads`: what matches surely lives with them, there is no elsewhere."""
    if plan.shards is None or leads:
        plan.named = sorted(set(patients))
        plan.shards, plan.way = [shards.of_patient(id) for id in plan.named], Way.PERSON
        plan.elsewhere = [] if leads else [term for id in patients for term in elsewhere(id, hash)]


def _leads(type: str, one: SearchParameter) -> bool:
    """Whether the parameter looks at the reference that decides where a resource lives."""
    first = patient_paths(type)[0]
    return len(first) == 1 and one.keys == frozenset(first)


def elsewhere(patient: str, hash: TermHash) -> list[int]:
    """Terms of what belongs to a Patient's compartment but lives in another shard: what names somebody else first, and
    other registrations that are linked to this one."""
    return [hash(f"compartment|Patient/{patient}"), hash(f"Patient|link|Patient/{patient}")]


def _add_compartment(plan: Plan, types: list[str], compartment: tuple[str, str], hash: TermHash) -> None:
    """http://hl7.org/fhir/R4/search.html#2.1.1.2: what is in a compartment, by the parameters its definition names."""
    name = f"{compartment[0]}/{compartment[1]}"
    members = in_compartment(compartment[0])
    terms = {
        hash(f"{type}|{code}|{name}")
        for type in types
        for one in members.get(type, ())
        for code in _own_codes(type, one)
    }
    if compartment[0] in types:
        terms.add(hash(f"self|{name}"))
    plan.empty = not terms
    plan.keys.append(sorted(terms))
    if compartment[0] == "Patient" and all(shards.is_personal(type) or type == "Patient" for type in types):
        _confine(plan, [compartment[1]], hash)


def _own_codes(type: str, code: str) -> tuple[str, ...]:
    one = parameter(type, code)
    return (alias(one, type) or (code,)) if one is not None else ()


def _narrow_date(plan: Plan, clause: Clause, hash: TermHash) -> None:
    """The type's own date is a column: bounds for a superset, exactness by recheck."""
    low, high, stretches = column_bounds(clause)
    if low is not None and plan.low is None:
        # One lower bound is enough; a second clause is rechecked anyway.
        plan.low, plan.long = low, hash(LONG) if stretches else None
    if high is not None:
        plan.high = high if plan.high is None else min(plan.high, high)
    plan.recheck.append(clause)


def _narrow_moment(plan: Plan, clause: Clause) -> None:
    if clause.modifier is None:
        since, until = moment_bounds(clause)
        plan.since = max((one for one in (plan.since, since) if one is not None), default=None)
        plan.until = min((one for one in (plan.until, until) if one is not None), default=None)
    plan.recheck.append(clause)


def _order(plan: Plan, query: Query) -> None:
    """The columns' own order serves `_sort` by the type's date; any other sort is done on the candidates."""
    if not query.sort:
        return
    first = query.sort[0]
    if len(query.sort) == 1 and query.type is not None and first.parameter.code == date_code(query.type):
        plan.oldest_first = not first.descending
    else:
        plan.sorted = True
