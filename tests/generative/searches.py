"""Random searches over the grammar: parameters with values that may hit, and any parameter there is with some value."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from urllib.parse import quote

from hypothesis import strategies as st

from minkang.fhir.search.kinds import KINDS
from minkang.fhir.search.parameters import SearchParameter, parameters_of
from tests.generative.vocabulary import (
    CARD,
    CARDS,
    CODES,
    GENDERS,
    IDS,
    MOMENTS,
    PEOPLE,
    PHONES,
    RESOURCES,
    STAFF,
    SYSTEMS,
    UNITS,
    URLS,
    VALUES,
    WORDS,
)

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
    "Location": ["name", "status"],
    "Observation": ["subject", "patient", "code", "date", "status", "performer", "encounter", "value-quantity"],
    "Encounter": ["subject", "patient", "date", "status", "class", "participant", "service-provider"],
    "Condition": ["subject", "patient", "code", "onset-date", "asserter"],
    "MedicationRequest": ["patient", "code", "authoredon", "status", "requester"],
    "Procedure": ["patient", "code", "date"],
    "Appointment": ["patient", "practitioner", "actor", "date", "status"],
    "RiskAssessment": ["patient", "probability"],
    "ValueSet": ["url", "name", "status"],
}
"""Parameters that the vocabulary fills."""

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
_PREFIXES = ["", "eq", "ne", "gt", "lt", "ge", "le", "sa", "eb"]

_prefixes = st.sampled_from(_PREFIXES)
_numbers = st.builds(lambda prefix, value: f"{prefix}{value}", _prefixes, st.sampled_from([*VALUES, "5.40", "1e2"]))
VALUES_OF: dict[str, st.SearchStrategy[str]] = {
    "string": st.sampled_from(
        [*_NAMES, "south", "South Gate", "clinique elysee", "南门", "A\\, B\\|C\\$D", *WORDS[:2]]
    ),
    "token": st.sampled_from(_TOKENS),
    "reference": st.sampled_from([*PEOPLE, *STAFF, *IDS, "Organization/a", "https://other.example/Patient/a"]),
    "date": st.builds(
        lambda prefix, date: f"{prefix}{date}", _prefixes, st.sampled_from([*MOMENTS, "2024-03-01T10:00"])
    ),
    "number": _numbers,
    "quantity": st.builds(
        lambda number, unit: number + (f"||{unit}" if unit else ""), _numbers, st.sampled_from([*UNITS, "mmHg"])
    ),
    "uri": st.sampled_from([*URLS, "http://minkang.example"]),
}
MODIFIERS: dict[str, list[str]] = {
    "string": ["", "", ":exact", ":contains"],
    "token": ["", "", "", ":not", ":text"],
    "reference": ["", "", ":Patient"],
    "uri": ["", ":below", ":above"],
}


@cache
def known(type: str) -> list[SearchParameter]:
    """Every parameter of a type that is spoken."""
    everything = parameters_of(type).values()
    return [one for one in everything if one.kind in KINDS and one.code not in {"_lastUpdated", "_id"}]


@cache
def _clause(parameter: SearchParameter) -> st.SearchStrategy[str]:
    missing = st.sampled_from(["true", "false"]).map(lambda value: f"{parameter.code}:missing={value}")
    modifiers = [
        modifier
        for modifier in MODIFIERS.get(parameter.kind, [""])
        if modifier != ":Patient" or not parameter.targets or "Patient" in parameter.targets
    ]
    values = st.lists(VALUES_OF[parameter.kind], min_size=1, max_size=2, unique=True)
    valued = st.builds(
        lambda modifier, wanted: f"{parameter.code}{modifier}={','.join(quote(one, safe='|:/$') for one in wanted)}",
        st.sampled_from(modifiers),
        values,
    )
    return st.one_of(valued, valued, valued, missing)


@cache
def clauses(type: str) -> st.SearchStrategy[str]:
    favourite = st.sampled_from([one for one in known(type) if one.code in FAVOURITES[type]]).flatmap(_clause)
    by_id = st.lists(st.sampled_from(IDS), min_size=1, max_size=3).map(lambda ids: f"_id={','.join(ids)}")
    return st.one_of(favourite, favourite, favourite, by_id, st.sampled_from(known(type)).flatmap(_clause))


@cache
def sorts(type: str) -> st.SearchStrategy[str | None]:
    codes = st.sampled_from([*FAVOURITES[type], "_id"])
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
