"""What a Subscription asks for, read from the resource and checked.

Two forms. Topic-based (the backport): `criteria` is the url of one of our topics, and which changes are meant is said
by its `backport-filter-criteria`. R4's own: `criteria` is a search; what is created or updated so that it meets the
search is told. http://hl7.org/fhir/uv/subscriptions-backport/STU1.1/StructureDefinition-backport-subscription.html
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from importlib import resources
from typing import Any
from urllib.parse import unquote

from minkang.fhir.definitions.structures import resource_types
from minkang.fhir.instants import moment
from minkang.fhir.problem import Problem, Unprocessable
from minkang.fhir.resource import Resource
from minkang.fhir.search import grammar
from minkang.fhir.search.linking import is_link
from minkang.fhir.search.match import clause_matches
from minkang.fhir.search.query import Query
from minkang.fhir.search.resolving import open_names

_BACKPORT = "http://hl7.org/fhir/uv/subscriptions-backport/StructureDefinition/"
FILTER = _BACKPORT + "backport-filter-criteria"
PAYLOAD = _BACKPORT + "backport-payload-content"
HEARTBEAT = _BACKPORT + "backport-heartbeat-period"
TIMEOUT = _BACKPORT + "backport-timeout"
MAX_COUNT = _BACKPORT + "backport-max-count"

CHANNELS = ("rest-hook", "websocket")
CONTENTS = ("empty", "id-only", "full-resource")
JSON = ("application/fhir+json", "application/json")

MOST_FILTERS = 20
MOST_HEADERS = 20
LONGEST_TIMEOUT = 30
"""Seconds a target is waited for; also when the Subscription does not say."""
MOST_EVENTS = 100
"""Events in one notification, at most."""
SHORTEST_HEARTBEAT = 10

_TOKEN = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_VALUE = re.compile(r"[\t\x20-\x7e]*")
_OURS = frozenset({"host", "content-length", "content-type", "transfer-encoding", "connection", "expect", "upgrade"})
"""Headers that the sender of a notification sets itself (lower case)."""


@dataclass(frozen=True, slots=True)
class Wish:
    """`channel`: rest-hook or websocket; `topic` is None in R4's own form. `queries`: all those on a resource's type
    must be met, and there must be one. `on`: created, updated, deleted. `content`: empty, id-only or full-resource.
    Times in seconds."""

    channel: str
    topic: str | None
    queries: tuple[Query, ...]
    on: frozenset[str]
    endpoint: str
    headers: tuple[tuple[str, str], ...]
    content: str
    heartbeat: int | None
    timeout: int
    max_count: int
    end: datetime | None

    @property
    def types(self) -> frozenset[str]:
        return frozenset(str(query.type) for query in self.queries)

    def is_met(self, tree: Resource) -> bool:
        """Whether a resource meets all that is asked of its type."""
        mine = [query for query in self.queries if query.type == tree["resourceType"]]
        return bool(mine) and all(clause_matches(clause, tree) for query in mine for clause in query.clauses)


def topics() -> Mapping[str, frozenset[str]]:
    """By url: what they tell of (created, updated, deleted)."""
    return {one["url"]: frozenset(one["on"]) for one in _table()}


@lru_cache(maxsize=1)
def _table() -> list[dict[str, Any]]:
    text = resources.files("minkang.fhir.subscriptions").joinpath("topics.json").read_text()
    return json.loads(text)["topics"]


def wish(tree: Resource) -> Wish:
    """Of a Subscription that is valid R4. Raises Unprocessable with what to change."""
    channel = tree["channel"]
    if channel["type"] not in CHANNELS:
        raise Unprocessable(f"Only {' and '.join(CHANNELS)} are delivered here, not {channel['type'][:32]}.")
    topic, queries, on = _asked(tree)
    content = _content(channel, topic)
    endpoint = channel.get("endpoint", "")
    if not endpoint and channel["type"] == "rest-hook":
        raise Unprocessable("A rest-hook needs channel.endpoint.")
    heartbeat = _number(channel, HEARTBEAT)
    return Wish(
        channel["type"],
        topic,
        queries,
        on,
        endpoint,
        _headers(channel.get("header", [])),
        content,
        None if heartbeat is None else max(heartbeat, SHORTEST_HEARTBEAT),
        max(1, min(_number(channel, TIMEOUT) or LONGEST_TIMEOUT, LONGEST_TIMEOUT)),
        max(1, min(_number(channel, MAX_COUNT) or MOST_EVENTS, MOST_EVENTS)),
        moment("end", tree["end"]) if tree.get("end") else None,
    )


def _asked(tree: Resource) -> tuple[str | None, tuple[Query, ...], frozenset[str]]:
    criteria: str = tree["criteria"]
    on = topics().get(criteria)
    if on is None:
        if "://" in criteria.partition("?")[0]:
            raise Unprocessable(f"There is no topic {criteria[:128]!r} here; there are {', '.join(topics())}.")
        return None, (criterion(criteria),), frozenset({"created", "updated"})
    filters = [one.get("valueString", "") for one in _extensions(tree.get("_criteria"), FILTER)]
    if not filters:
        raise Unprocessable(
            f"Say by a filter (extension {FILTER}) which type is meant, such as Observation?status=final."
        )
    if len(filters) > MOST_FILTERS:
        raise Unprocessable(f"More than {MOST_FILTERS} filters.")
    return criteria, tuple(map(criterion, filters)), on


def criterion(text: str) -> Query:
    """`Type?name=value&...`; a type alone (`Observation?`) means all of them."""
    type, _, rest = text.partition("?")
    if type not in resource_types():
        raise Unprocessable(
            f"A criterion begins with a resource type, as in Observation?code=8867-4, not {text[:64]!r}."
        )
    pairs = [
        (unquote(name), unquote(value)) for name, _, value in (one.partition("=") for one in rest.split("&") if one)
    ]
    try:
        query = grammar.parse(type, pairs, strict=True)
    except Problem as problem:
        raise Unprocessable(f"The criterion on {type} is not understood: {problem}") from None
    if query != Query(type=type, clauses=query.clauses, applied=query.applied):
        raise Unprocessable("A criterion says which resources are meant; _sort, _include, _count and the like do not.")
    if any(map(is_link, query.clauses)) or open_names(query):
        raise Unprocessable(
            "A criterion must be told from the resource itself: no chains, _has, _list, :in, :not-in, :above or :below."
        )
    return query


def _content(channel: dict[str, Any], topic: str | None) -> str:
    payload = channel.get("payload")
    if payload is not None and payload.partition(";")[0].strip() not in JSON:
        raise Unprocessable(f"channel.payload: notifications are {JSON[0]}, not {payload[:64]!r}.")
    if topic is None:
        return "empty" if payload is None else "full-resource"
    said = [one.get("valueCode") for one in _extensions(channel.get("_payload"), PAYLOAD)]
    if len(said) != 1 or said[0] not in CONTENTS:
        raise Unprocessable(f"channel.payload needs the extension {PAYLOAD} with one of {', '.join(CONTENTS)}.")
    return said[0]


def _headers(lines: list[str]) -> tuple[tuple[str, str], ...]:
    # Their values may be secrets: a message must not quote them.
    if len(lines) > MOST_HEADERS:
        raise Unprocessable(f"More than {MOST_HEADERS} headers.")
    found: list[tuple[str, str]] = []
    for number, line in enumerate(lines, 1):
        name, colon, value = line.partition(":")
        name, value = name.strip(), value.strip()
        if not colon or not _TOKEN.fullmatch(name) or not _VALUE.fullmatch(value):
            raise Unprocessable(f"channel.header number {number} is not of the form Name: value.")
        if name.lower() in _OURS:
            raise Unprocessable(f"channel.header: {name} is set by the sender itself.")
        found.append((name, value))
    return tuple(found)


def _number(channel: dict[str, Any], url: str) -> int | None:
    values = [
        value
        for one in _extensions(channel, url)
        for key, value in one.items()
        if key in ("valueUnsignedInt", "valuePositiveInt", "valueInteger")
    ]
    return values[0] if values else None


def _extensions(element: Any, url: str) -> list[dict[str, Any]]:
    return [one for one in (element or {}).get("extension", []) if one.get("url") == url]
