"""The follower of the feed that registers: every Patient that came or changed, through whatever door, in its order."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import orjson

from minkang.kit.db import Connection
from minkang.platform.identity.index import MasterIndex
from minkang.store.feed import Change
from minkang.store.seal import Sealer


class Registering:
    """Implements `workflow.follow.Follower`. Begins with everybody who is there already."""

    name = "identity"
    from_now = False
    most = 200
    """Who is linked is held until the end of the transaction, and whoever writes for him waits that long."""

    def __init__(self, sealer: Sealer, index: MasterIndex) -> None:
        self._sealer, self._index = sealer, index

    async def wants(self, connection: Connection[Any]) -> frozenset[str]:
        return frozenset({"Patient"})

    async def take(self, connection: Connection[Any], changes: Sequence[Change]) -> None:
        newest = {change.id: change for change in changes if change.type == "Patient"}
        for change in newest.values():
            if change.deleted:
                await self._index.forget(connection, change.id)
            else:
                tree = orjson.loads(change.stored(self._sealer).content)
                await self._index.register(connection, tree, change.version)
