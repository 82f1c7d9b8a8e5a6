"""`minkang reindex` in portions of a few rows that stands still in the middle of one, until it is killed there."""

import asyncio
import sys
from datetime import timedelta
from typing import Any

from minkang.app import reindexing
from minkang.app.cli import main
from minkang.store import reindex

PORTIONS = 4
"""That it ends before it stands still."""

_walk = reindex.Reindexing._walk
_ended = 0


async def _slow(self: Any, connection: Any, edition: Any) -> bool:
    global _ended
    found = await _walk(self, connection, edition)
    if _ended == PORTIONS:
        await asyncio.sleep(3600)  # what it has just written is not committed
    _ended += 1
    return found


if __name__ == "__main__":
    reindex.PORTION = 20
    reindex.Reindexing._walk = _slow  # type: ignore[method-assign]
    reindexing.KNOWN = timedelta(0)
    sys.argv[1:1] = ["reindex"]
    main()
