"""`minkang reindex` in portions of a few rows: there is always a middle to be killed in."""

import sys
from datetime import timedelta

from minkang.app import reindexing
from minkang.app.cli import main
from minkang.store import reindex

if __name__ == "__main__":
    reindex.PORTION = 20
    reindexing.KNOWN = timedelta(0)
    sys.argv[1:1] = ["reindex"]
    main()
