"""How long clinical originals must be kept: the terms of `retention.toml`, and what they mean for one resource.

What is kept is what a hospital sent as a document: its DocumentReference, its Composition, and the Binary whose
`securityContext` says that it is such a document's words (http://hl7.org/fhir/R4/binary.html). What was received of a
sender in test mode is no record of anybody.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from datetime import datetime
from functools import cache
from importlib.resources import files
from typing import Any, NamedTuple

from minkang.fhir.resource import Resource

TYPES = frozenset({"DocumentReference", "Composition", "Binary"})
"""Only resources of these are looked at."""

SYSTEMS = frozenset({"https://minkang.example/document-kind", "urn:oid:2.16.156.10011.2.4"})
"""Of the codes in `retention.toml`: what the doors call kinds of documents, and what WS/T 500 does."""


class Rule(NamedTuple):
    name: str
    years: int
    kinds: frozenset[str]


class Terms(NamedTuple):
    clause: str
    rules: tuple[Rule, ...]

    def of(self, kinds: set[str]) -> Rule:
        """The rule that names one of the kinds, else the one that names none."""
        rest = next(one for one in self.rules if not one.kinds)
        return next((one for one in self.rules if one.kinds & kinds), rest)


@cache
def terms() -> Terms:
    told: dict[str, Any] = tomllib.loads(files("minkang.store").joinpath("retention.toml").read_text("utf-8"))
    rules = tuple(Rule(one["name"], one["years"], frozenset(one["kinds"])) for one in told["rule"])
    return Terms(told["clause"], rules)


def kept_until(tree: Resource, received: datetime) -> datetime | None:
    """Until when it must be kept; None when it is no clinical original. The term runs from the end of what the document
    tells of; of one that does not say when that was, from `received`, when this version was written. A Binary does not
    tell its document's kind, and is kept as long as the longest."""
    if not _is_original(tree):
        return None
    rule = terms().of(_kinds(tree))
    return _later(_ended(tree) or received, rule.years)


def _is_original(tree: Resource) -> bool:
    type = tree["resourceType"]
    if type not in TYPES or _is_trial(tree):
        return False
    if type != "Binary":
        return True
    return str(tree.get("securityContext", {}).get("reference", "")).startswith("DocumentReference/")


def _is_trial(tree: Resource) -> bool:
    """Tagged as a test: http://terminology.hl7.org/CodeSystem/v3-ActReason, HTEST."""
    return any(one.get("code") == "HTEST" for one in tree.get("meta", {}).get("tag", ()))


def _kinds(tree: Resource) -> set[str]:
    codings = tree.get("type", {}).get("coding", ())
    return {one.get("code", "") for one in codings if one.get("system") in SYSTEMS}


def _ended(tree: Mapping[str, Any]) -> datetime | None:
    """The end of the visit, where a DocumentReference gives it as an instant or a whole date and time."""
    text = tree.get("context", {}).get("period", {}).get("end", "")
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found if found.tzinfo is not None else None


def _later(moment: datetime, years: int) -> datetime:
    try:
        return moment.replace(year=moment.year + years)
    except ValueError:  # 29 February
        return moment.replace(year=moment.year + years, day=28)
