"""Random searches over the grammar: parameters with values that may hit, and any parameter there is with some value."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from itertools import pairwise
from urllib.parse import quote

from hypothesis import strategies as st

from minkang.fhir.search.kinds import KINDS
from minkang.fhir.search.kinds.quantity import UCUM
from minkang.fhir.search.kinds.token import CODED
from minkang.fhir.search.parameters import SearchParameter, parameters_of
from tests.generative.vocabulary import (
    CARD,
    CARDS,
    CODES,
    GENDERS,
    IDS,
    LOST_SET,
    MOMENTS,
    PEOPLE,
    PHONES,
    PLACES,
    RESOURCES,
    SET,
    STAFF,
    SYSTEMS,
    UNITS,
    URLS,
    VALUES,
    WORDS,
)

PAIRS = ["code-value-quantity", "component-code-value-quantity", "combo-code-value-quantity"]

FAVOURITES: dict[str, list[str]] = {
    "Patient": [
        "name",
        "family",
        "given",
        "identifier",
        "gender",
        "birthdate",
        "active",
        "phone",
        "organization",
        "link",
    ],
    "Practitioner": ["name", "identifier", "gender"],
    "Organization": ["name", "partof", "active"],
    "Location": ["name", "status", "near"],
    "Observation": ["subject", "patient", "code", "date", "status", "performer", "encounter", "value-quantity", *PAIRS],
    "Encounter": ["subject", "patient", "date", "status", "class", "participant", "service-provider"],
    "Condition": ["subject", "patient", "code", "onset-date", "asserter"],
    "MedicationRequest": ["patient", "code", "authoredon", "status", "requester"],
    "Procedure": ["patient", "code", "date"],
    "Appointment": ["patient", "practitioner", "actor", "date", "status"],
    "RiskAssessment": ["patient", "probability"],
    "Composition": ["_text", "_content", "subject", "type", "date", "title", "author"],
    "ValueSet": ["url", "name", "status"],
}
"""Parameters that the vocabulary fills."""

UNSORTED = {"_text", "_content", "near", "_list", *PAIRS}

_NAMES = ["张", "张丽", "zhang", "zhangli", "zhang li", "zl", "dan", "shan", "xie", "ouyang", "wf", "jose", "bai", "𠮷"]
_TOKENS = [
    *CODES,
    *CARDS,
    *GENDERS,
    *PHONES,
    *("true", "false", "final", "amended", "finished", "active", "booked", "AMB", "IMP"),
    *(f"{SYSTEMS[0]}|{code}" for code in CODES[:2]),
    *(f"|{code}" for code in CODES[:2]),
    *(f"{CARD}|{card}" for card in CARDS),
    *("|100", f"{CARD}|", f"{SYSTEMS[0]}|"),
]
TYPED = [f"{system}|{code}|{card}" for system in SYSTEMS if system for code in CODES[:2] for card in CARDS]
_NAMED = [
    *(f":{how}={name}" for how in ["in", "not-in"] for name in [SET, "ValueSet/codes", LOST_SET, f"{SET},{LOST_SET}"]),
    *(f":{how}={SYSTEMS[0]}|{code}" for how in ["above", "below"] for code in ["bp", "BP", "aspirin"]),
]
_HIERARCHIES = [f":{how}={place}" for how in ["above", "below"] for place in ["Organization/a", "Organization/b"]]
_LOGICAL = [
    *(f":identifier={card}" for card in [f"{CARD}|1", f"{CARD}|2", "1", "|1", f"{CARD}|", f"1,{CARD}|2"]),
    *(f":text={beginning}" for beginning in ["张", "zhang", "ZHANG LI"]),
]
_PREFIXES = ["", "eq", "ne", "gt", "lt", "ge", "le", "sa", "eb"]

_NUMBERS = [f"{prefix}{value}" for prefix in _PREFIXES for value in [*VALUES, "5.40", "1e2"]]
POOLS: dict[str, list[str]] = {
    "string": [*_NAMES, "south", "South Gate", "clinique elysee", "南门", "A\\, B\\|C\\$D", *WORDS[:2]],
    "token": _TOKENS,
    "reference": [*PEOPLE, *STAFF, *IDS[:4], "Organization/a", "https://other.example/Patient/a"],
    "date": [f"{prefix}{date}" for prefix in _PREFIXES for date in [*MOMENTS, "2024-03-01T10:00"]],
    "number": _NUMBERS,
    "quantity": [
        number + (f"|{system}|{unit}" if unit else "")
        for unit in [*UNITS, "mmHg"]
        for system in ("", UCUM)
        for number in _NUMBERS
    ],
    "text": [
        *("心", "心肌", "心力衰竭", "糖尿病 2", "type", "typ*", "ty*", "2", '"type 2"', '"2 糖尿"', "south gate"),
        *("心肌 OR foot", "(心 OR 足) AND diabetic", "急性 (梗死 OR 衰竭)", "bp", "nyha iii 慢"),
    ],
    "listed": ["members", "List/members", "lost"],
    "composite": [
        f"{code}${value}"
        for code in [*CODES[:3], f"{SYSTEMS[0]}|{CODES[0]}"]
        for value in ["5.4", "gt5", "lt100", "ge100", "5.4||mmol/L"]
    ],
    "position": [f"{a}|{b}|{reach}" for a, b in PLACES for reach in ["0", "3", "30|mi", "90", "3000", "20100"]],
    "uri": [*URLS, "http://minkang.example"],
}
MODIFIERS: dict[str, list[str]] = {
    "string": ["", ":exact", ":contains"],
    "token": ["", ":not", ":text"],
    "reference": ["", ":Patient"],
    "uri": ["", ":below", ":above"],
}


@cache
def known(type: str) -> list[SearchParameter]:
    """Every parameter of a type that is spoken."""
    everything = parameters_of(type).values()
    filled = (one for one in everything if one.kind != "composite" or one.code in PAIRS)
    return [one for one in filled if one.kind in KINDS and one.code not in {"_lastUpdated", "_id"}]


@cache
def looked_up(parameter: SearchParameter) -> list[str]:
    """Modifiers with values of their own: most name what must be looked up first."""
    if parameter.kind == "token" and not CODED.isdisjoint(parameter.types):
        return _NAMED
    if parameter.kind != "reference":
        return []
    return [*_LOGICAL, *(_HIERARCHIES if "Organization" in parameter.targets else [])]


@cache
def modifiers(parameter: SearchParameter) -> list[str]:
    of_kind = MODIFIERS.get(parameter.kind, [""])
    refers = not parameter.targets or "Patient" in parameter.targets
    return of_kind if refers else [modifier for modifier in of_kind if modifier != ":Patient"]


def single_clauses(type: str) -> list[str]:
    """Every value of the pools with every modifier, and every two neighbours, for each parameter with a vocabulary."""
    return [
        f"{type}?{clause}"
        for one in known(type)
        if one.code in FAVOURITES[type]
        for clause in [
            *(f"{one.code}:of-type={_quoted(kind)}" for kind in TYPED if "Identifier" in one.types),
            *(f"{one.code}{rest}" for rest in looked_up(one)),
            f"{one.code}:missing=true",
            *(f"{one.code}{by}={_quoted(value)}" for by in modifiers(one) for value in POOLS[one.kind]),
            *(f"{one.code}={_quoted(a)},{_quoted(b)}" for a, b in pairwise(POOLS[one.kind])),
        ]
    ]


def sorted_lists(type: str) -> list[str]:
    """Every sort key in both directions, of what refers to somebody, in pages."""
    linked = [one.code for one in known(type) if one.kind == "reference" and one.code in FAVOURITES[type]]
    return [
        f"{type}?{clause}_sort={minus}{code}&_count={count}"
        for clause in ["", *(f"{code}={target}&" for code in linked for target in [PEOPLE[0], STAFF[0]])]
        for code in FAVOURITES[type]
        if code not in UNSORTED
        for minus in ["", "-"]
        for count in [2, 20]
    ]


def _quoted(value: str) -> str:
    return quote(value, safe="|:/$")


@cache
def _clause(parameter: SearchParameter) -> st.SearchStrategy[str]:
    missing = st.sampled_from(["true", "false"]).map(lambda value: f"{parameter.code}:missing={value}")
    values = st.lists(st.sampled_from(POOLS[parameter.kind]), min_size=1, max_size=2, unique=True)
    by = st.sampled_from(["", *modifiers(parameter)])
    valued = st.builds(lambda by, wanted: f"{parameter.code}{by}={','.join(map(_quoted, wanted))}", by, values)
    if looked_up(parameter):
        named = st.sampled_from(looked_up(parameter)).map(lambda rest: f"{parameter.code}{rest}")
        return st.one_of(valued, valued, named, missing)
    if "Identifier" in parameter.types:
        typed = st.sampled_from(TYPED).map(lambda kind: f"{parameter.code}:of-type={_quoted(kind)}")
        return st.one_of(valued, valued, typed, missing)
    return st.one_of(valued, valued, valued, missing)


@cache
def clauses(type: str) -> st.SearchStrategy[str]:
    favourite = st.sampled_from([one for one in known(type) if one.code in FAVOURITES[type]]).flatmap(_clause)
    by_id = st.lists(st.sampled_from(IDS), min_size=1, max_size=3).map(lambda ids: f"_id={','.join(ids)}")
    return st.one_of(favourite, favourite, favourite, by_id, st.sampled_from(known(type)).flatmap(_clause))


@cache
def sorts(type: str) -> st.SearchStrategy[str | None]:
    codes = st.sampled_from([*(code for code in FAVOURITES[type] if code not in UNSORTED), "_id"])
    key = st.builds(lambda minus, code: minus + code, st.sampled_from(["", "-"]), codes)
    keys = st.lists(key, min_size=1, max_size=2).map(lambda keys: f"_sort={','.join(keys)}")
    return st.none() | keys


@cache
def includes(type: str) -> st.SearchStrategy[str | None]:
    own = [
        f"_include={type}:{one.code}" for one in known(type) if one.kind == "reference" and one.code in FAVOURITES[type]
    ]
    to_it = [
        f"_revinclude={other}:{one.code}"
        for other in RESOURCES
        for one in known(other)
        if one.kind == "reference" and one.code in FAVOURITES[other] and (not one.targets or type in one.targets)
    ]
    more = ["_include:iterate=Organization:partof", "_include:iterate=Patient:organization", f"_include={type}:*"]
    return st.none() | st.sampled_from([*own, *to_it, *more])


WIDE = [
    *(f"_tag={tag}" for tag in ["bp", f"{SYSTEMS[0]}|bp", "|bp", f"{SYSTEMS[0]}|"]),
    *("_tag:not=bp", "_tag:missing=true", "_list=members", "_list=members,lost", "_id=a,b", "_id=a", "_sort=-_id"),
    *(f"_profile{by}={URLS[0]}" for by in ["", ":below", ":above"]),
    *(f"_tag:{how}={SET}" for how in ["in", "not-in"]),
]
"""What may be asked of several types at once."""


def wide_searches(types: Sequence[str]) -> st.SearchStrategy[str]:
    """A search of the whole system, or of some types."""
    clauses = st.lists(st.sampled_from(WIDE), min_size=1, max_size=2, unique_by=lambda clause: clause[:5])
    some = st.sampled_from(["_total=accurate", f"_type={','.join(types)}", f"_type={types[0]}", "_count=2"])
    return st.builds(lambda clauses, more: "?" + "&".join([*clauses, more]), clauses, some)


@st.composite
def searches(draw: st.DrawFn, types: Sequence[str]) -> str:
    """`Patient?gender=female&_sort=-birthdate&_count=2`, or in a compartment."""
    type = draw(st.sampled_from(types))
    place = draw(st.sampled_from(["", "", "", "", "Patient/a/", "Patient/b/", "Practitioner/a/", "Encounter/a/"]))
    parts = draw(st.lists(clauses(type), max_size=3))
    more = [draw(sorts(type)), draw(includes(type)), draw(includes(type))]
    more.append(draw(st.sampled_from([None, None, "_count=1", "_count=2", "_count=3", "_summary=count"])))
    more.append(draw(st.sampled_from([None, None, "_total=accurate"])))
    return f"{place}{type}?" + "&".join([*parts, *(part for part in more if part is not None)])


_ids = st.sampled_from(IDS[:4])
NET = ["Observation", "Encounter", "Patient", "Organization"]
"""Types whose references make chains."""

_LINKS = [f"{type}:{one.code}" for type in NET for one in known(type) if one.kind == "reference"]
_LINKS = [link for link in _LINKS if link.partition(":")[2] in FAVOURITES[link.partition(":")[0]]]


def chains() -> st.SearchStrategy[str]:
    """A type of the net with two or three includes, forwards and backwards, some of them iterating."""
    link = st.builds(
        lambda way, again, link: f"{way}{again}={link}",
        st.sampled_from(["_include", "_revinclude"]),
        st.sampled_from(["", "", ":iterate"]),
        st.sampled_from([*_LINKS, "Observation:*"]),
    )
    links = st.lists(link, min_size=2, max_size=3, unique=True)
    return st.builds(lambda type, id, links: f"{type}?_id={id}&{'&'.join(links)}", st.sampled_from(NET), _ids, links)


def _steps(type: str, to: str) -> list[str]:
    linked = (one for one in known(type) if f"{type}:{one.code}" in _LINKS and to in (one.targets or (to,)))
    return [f"{one.code}:{to}" for one in linked]


@cache
def _ahead(type: str, steps: int) -> st.SearchStrategy[str]:
    """A clause on a type of the net that leads over at most so many resources."""
    chained = [(step, to) for to in NET for step in _steps(type, to)]
    back = [(f"_has:{other}:{step.partition(':')[0]}:", other) for other in NET for step in _steps(other, type)]
    if not steps or not chained + back:
        return clauses(type).filter(lambda clause: len(clause) < 500)
    ahead = (
        st.sampled_from(chained).flatmap(lambda way: _ahead(way[1], steps - 1).map(lambda rest: f"{way[0]}.{rest}"))
        if chained
        else st.nothing()
    )
    behind = (
        st.sampled_from(back).flatmap(lambda way: _ahead(way[1], steps - 1).map(lambda rest: way[0] + rest))
        if back
        else st.nothing()
    )
    return st.one_of(ahead, behind, clauses(type))


def linked() -> st.SearchStrategy[str]:
    """Chains and `_has` on a type of the net, nested, alone or with other clauses, sorted or in pages."""
    more = st.sampled_from(["", "&_count=1", "&_count=2&_total=accurate", "&_sort=-_id", "&_summary=count"])
    return st.sampled_from(NET).flatmap(
        lambda type: st.builds(
            lambda parts, more: f"{type}?{'&'.join(parts)}{more}",
            st.lists(st.one_of(_ahead(type, 2), _ahead(type, 2), clauses(type)), min_size=1, max_size=2),
            more,
        )
    )
