"""A scope as SQL: part of every statement that reads rows, so that no reader has to remember it."""

from __future__ import annotations

from typing import Any

from minkang.store.rows import organization_number
from minkang.store.scope import Scope


def scope_condition(scope: Scope, arguments: list[Any]) -> list[str]:
    """No condition, or one; its values are appended to `arguments`. The same rule as `rows.admits`."""
    if scope.unlimited:
        return []
    parts: list[str] = []
    organizations = scope.organizations
    numbers = None if organizations is None else frozenset(organization_number(one) for one in organizations)
    for column, allowed in (("shard", scope.shards), ("region", scope.divisions), ("org", numbers)):
        if allowed is not None:
            arguments.append(sorted(allowed))
            parts.append(f"{column} = ANY (${len(arguments)})")
    return ["(" + " OR ".join(parts) + ")"]
