"""An agreement: who is given what, on which ground, until when. A file that a lawyer can read:

    name = "住院结算共享"
    recipient = "市医疗保障局"
    basis = "数据共享协议 2026-014"
    until = 2027-12-31
    table = "hospital_stay"
    criteria = "Encounter?class=IMP&status=finished"

    [[column]]
    name = "visit_no"
    path = "identifier.value.first()"

    [[column]]
    name = "sex"
    of = "subject"          # of the resource that this element refers to
    path = "gender"

`path` is FHIRPath (http://hl7.org/fhirpath/N1). Beside its columns every row has the id of its resource, when that was
last changed, and whether it is to be deleted.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, cast

from minkang.fhir.path import evaluate
from minkang.fhir.problem import Incorrect, Problem
from minkang.fhir.search.query import Query
from minkang.fhir.subscriptions.wish import criterion

OWN = ("resource_id", "updated", "deleted")
"""Columns of every table."""

MOST_COLUMNS = 200

_NAME = re.compile(r"[a-z][a-z0-9_]{0,29}")
"""Every database takes it unquoted; Oracle's older ones end at 30."""

_ELEMENT = re.compile(r"[a-z][A-Za-z]{0,63}")


@dataclass(frozen=True, slots=True)
class Column:
    """`of`: the element with the reference to whose resource `path` belongs; empty: the row's own."""

    name: str
    path: str
    of: str = ""


@dataclass(frozen=True, slots=True)
class Agreement:
    name: str
    recipient: str
    basis: str
    until: date
    table: str
    query: Query
    columns: tuple[Column, ...]

    @property
    def type(self) -> str:
        return str(self.query.type)

    @property
    def fields(self) -> tuple[str, ...]:
        return (*OWN, *(one.name for one in self.columns))


def agreement(text: str) -> Agreement:
    """Raises Incorrect with what is wrong in it."""
    try:
        told = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise Incorrect(f"The agreement is no TOML: {error}.") from None
    words = {name: _word(told, name) for name in ("name", "recipient", "basis", "table", "criteria")}
    until = told.get("until")
    if type(until) is not date:
        raise Incorrect("The agreement says no day it ends on: until = 2027-12-31.")
    if not _NAME.fullmatch(words["table"]):
        raise Incorrect(f"table is small letters, digits and _, 30 at most, not {words['table'][:40]!r}.")
    query = criterion(words["criteria"])
    columns = _columns(told.get("column"), str(query.type))
    unknown = told.keys() - {*words, "until", "column"}
    if unknown:
        raise Incorrect(f"The agreement says {', '.join(sorted(unknown))}, which means nothing here.")
    return Agreement(words["name"], words["recipient"], words["basis"], until, words["table"], query, columns)


def _word(told: Mapping[str, Any], name: str) -> str:
    found = told.get(name)
    if not isinstance(found, str) or not found.strip() or len(found) > 1_000:
        raise Incorrect(f'The agreement does not say {name} = "...".')
    return found.strip()


def _columns(told: Any, type: str) -> tuple[Column, ...]:
    if not isinstance(told, list) or not 0 < len(cast("list[Any]", told)) <= MOST_COLUMNS:
        raise Incorrect(f"The agreement has 1 to {MOST_COLUMNS} columns: [[column]] with name and path.")
    found = tuple(_column(one, type) for one in cast("list[Any]", told))
    names = [one.name for one in found]
    twice = {name for name in names if names.count(name) > 1} | {*names} & {*OWN}
    if twice:
        raise Incorrect(f"Columns of the same name: {', '.join(sorted(twice))} ({', '.join(OWN)} are there always).")
    return found


def _column(told: Any, type: str) -> Column:
    if not isinstance(told, dict) or (cast("dict[str, Any]", told).keys() - {"name", "path", "of"}):
        raise Incorrect("A column says name, path and perhaps of.")
    one = cast("dict[str, Any]", told)
    found = Column(_word(one, "name"), _word(one, "path"), one.get("of", ""))
    if not _NAME.fullmatch(found.name):
        raise Incorrect(f"A column's name is small letters, digits and _, 30 at most, not {found.name[:40]!r}.")
    if found.of and not _ELEMENT.fullmatch(str(found.of)):
        raise Incorrect(f"Column {found.name}: of names an element with a reference, such as subject.")
    try:
        evaluate(found.path, {"resourceType": "Basic" if found.of else type, "id": "x"})
    except Problem as problem:
        raise Incorrect(f"Column {found.name}: {problem}") from None
    return found
