"""Rows of the record tables as tuples, in the order of their columns, and what a stored row looks like outside."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple

from minkang.fhir.problem import Forbidden
from minkang.store.contract import Stored
from minkang.store.scope import Scope
from minkang.store.seal import Sealer, name_of
from minkang.store.shards import hashed
from minkang.store.types import NAMES

Name = tuple[str, str]
"""Type and id."""

NO_DATE = -(2**63)
"""The `date` of a row that does not say when it happened; sorts before all others."""


class Row(NamedTuple):
    """A row of `resource`."""

    shard: int
    type: int
    id: str
    version: int
    batch: int
    org: int
    region: int
    date: int
    updated: datetime
    keys: list[int]
    flags: list[int]
    content: bytes


class TextRow(NamedTuple):
    """A row of `resource_text`, which `Indexer.text_row` makes: whoever writes a Row writes this one with it."""

    shard: int
    type: int
    id: str
    words: list[int]


class Past(NamedTuple):
    """A row of `resource_version`."""

    shard: int
    type: int
    id: str
    version: int
    batch: int
    org: int
    region: int
    updated: datetime
    deleted: bool
    content: bytes


def organization_number(organization: str | None) -> int:
    """The `org` column of a custodian; 0 for none."""
    return hashed("Organization", organization) if organization else 0


def admits(scope: Scope, shard: int, org: int, region: int) -> bool:
    """Whether a row is inside a scope (the same rule as `scope_sql`, for rows already at hand)."""
    if scope.unlimited:
        return True
    return (
        (scope.shards is not None and shard in scope.shards)
        or (scope.divisions is not None and region in scope.divisions)
        or (scope.organizations is not None and org in {organization_number(one) for one in scope.organizations})
    )


def check_writable(scope: Scope, type: str) -> None:
    """Raises Forbidden, whether or not there is anything to write: what is there must not show in the answer."""
    if scope.writable is not None and type not in scope.writable:
        raise Forbidden(f"This caller may not write {type}.")


def stored(row: Mapping[str, Any], sealer: Sealer) -> Stored:
    """The outside form of a row that carries at least type, id, version, updated, content (and deleted)."""
    type, id, version = NAMES[row["type"]], row["id"], row["version"]
    content: bytes = row["content"]
    if not content:
        return Stored(type, id, version, row["updated"], b"", deleted=True, method="DELETE")
    method = "POST" if version == 1 else "PUT"
    return Stored(type, id, version, row["updated"], sealer.open(content, name_of(type, id, version)), method=method)
