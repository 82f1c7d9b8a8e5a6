"""People as a page lists them, and the search that finds them from whatever somebody types into one box."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date
from typing import Any, Literal, NamedTuple

import orjson

from minkang.fhir.problem import Busy, Problem, TooCostly
from minkang.fhir.search import grammar
from minkang.store.contract import Repository
from minkang.web.figures import UNKNOWN, Age, age

LISTED = 20


class Person(NamedTuple):
    """One Patient. `name` is empty when none is registered; `sex` is FHIR's code or unknown."""

    id: str
    name: str
    sex: str
    born: str
    age: Age
    died: bool


class Found(NamedTuple):
    """What a search answered: people, whether there are more, or why it was refused (empty: it was not)."""

    people: Sequence[Person] = ()
    more: bool = False
    refused: Literal["", "costly", "busy", "other"] = ""


NOBODY = Found()


async def find(repository: Repository, words: str, today: date) -> Found:
    """The first people whose name or number fits `words`; some people when it is empty."""
    try:
        page = await repository.search(grammar.parse("Patient", criteria(words), strict=True))
    except TooCostly:
        return Found(refused="costly")
    except Busy:
        return Found(refused="busy")
    except Problem:
        return Found(refused="other")
    return Found([person(orjson.loads(hit.stored.content), today) for hit in page.hits], more=page.next is not None)


def criteria(words: str) -> list[tuple[str, str]]:
    """A number on a card or certificate has a digit in it, a name has none."""
    words = words.strip()
    pairs = [("_count", str(LISTED))]
    if re.search(r"[0-9]", words):
        # Numbers are compared letter by letter, and people type the X of an id number small.
        pairs.append(("identifier", ",".join(sorted({_escaped(words), _escaped(words.upper())}))))
    elif words:
        pairs.append(("name", _escaped(words)))
    return pairs


def person(patient: dict[str, Any], today: date) -> Person:
    died = patient.get("deceasedDateTime")
    dead = died is not None or patient.get("deceasedBoolean", False)
    until = _day(died) if dead else today
    return Person(
        id=patient["id"],
        name=_name(patient.get("name", [])),
        sex=patient.get("gender", "unknown"),
        born=patient.get("birthDate", ""),
        age=age(patient.get("birthDate"), until) if until else UNKNOWN,
        died=dead,
    )


def _name(names: list[dict[str, Any]]) -> str:
    """The official name if there is one; Chinese names are written family first without a space."""
    chosen = next((name for name in names if name.get("use") == "official"), names[0] if names else {})
    if text := chosen.get("text"):
        return text
    family, given = chosen.get("family", ""), [part for part in chosen.get("given", []) if part]
    if family.isascii() and all(part.isascii() for part in given):
        return " ".join([*given, family]).strip()
    return family + "".join(given)


def _day(moment: str | None) -> date | None:
    """The day of a FHIR dateTime that is at least that precise."""
    return date.fromisoformat(moment[:10]) if moment and len(moment) >= 10 else None


def _escaped(words: str) -> str:
    """http://hl7.org/fhir/R4/search.html#escaping"""
    return re.sub(r"([\\,$|])", r"\\\1", words)
