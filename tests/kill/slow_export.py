"""`minkang export` in portions of a few rows, each saved at once: there is always a middle to be killed in."""

import sys

from minkang.app.cli import main
from minkang.store.bulk import export, walk

if __name__ == "__main__":
    walk.PORTION = 50
    export.CHECKPOINT = 0.0
    sys.argv[1:1] = ["export"]
    main()
