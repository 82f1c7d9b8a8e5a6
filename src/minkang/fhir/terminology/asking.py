"""How pure code asks for resources: it yields a `Need`, whoever drives it sends back what is stored, and at the end it
returns its result. So the rules stand here once and need no store (two stores drive them).
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from typing import NamedTuple, TypeVar

from minkang.fhir.resource import Resource

T = TypeVar("T")


class Need(NamedTuple):
    """Resources of a type: with one of these `ids`, with this canonical `url`, whose `partOf` is one of `parts_of`
    (ids), or concept maps with a group from (`source`) or to (`target`) a code system. One of them is given."""

    type: str
    url: str | None = None
    ids: tuple[str, ...] = ()
    parts_of: tuple[str, ...] = ()
    source: str | None = None
    target: str | None = None


Asking = Generator[Need, Sequence[Resource], T]


def is_needed(need: Need, resource: Resource) -> bool:
    """Whether a resource answers a need: the rule that a store may answer by an index."""
    if resource["resourceType"] != need.type:
        return False
    if need.url is not None:
        return resource.get("url") == need.url
    if need.source is not None or need.target is not None:
        groups = resource.get("group") or ()
        return any(
            (need.source is None or group.get("source") == need.source)
            and (need.target is None or group.get("target") == need.target)
            for group in groups
        )
    if need.ids:
        return resource.get("id") in need.ids
    whole = (resource.get("partOf") or {}).get("reference")
    return whole in {f"{need.type}/{id}" for id in need.parts_of}
