"""`minkang status` and `minkang version`: what runs here, told in a few lines."""

from __future__ import annotations

from importlib.metadata import version as version_of

import orjson
from rich.console import Console

from minkang.kit import processes
from minkang.kit.folders import DataFolder
from minkang.kit.postgres import binaries
from minkang.kit.postgres.cluster import Cluster
from minkang.kit.settings import Settings
from minkang.kit.trouble import Trouble


def versions() -> str:
    """Our version and that of the embedded PostgreSQL, if there is one."""
    try:
        postgresql = f"embedded PostgreSQL {binaries.find().version()}"
    except Trouble:
        postgresql = "no embedded PostgreSQL"
    return f"minkang {version_of('minkang')} ({postgresql})"


def note(folder: DataFolder, pid: int, address: str) -> None:
    """Leaves word, for `show`, of who serves this folder and where."""
    draft = folder.run / "platform.json.draft"
    draft.write_bytes(orjson.dumps({"pid": pid, "address": address}))
    draft.replace(folder.run / "platform.json")  # whoever reads it meanwhile finds all of it or nothing


def show(settings: Settings) -> int:
    """Prints the state of a data folder; 0 when the platform runs, else 3, as with init scripts (LSB)."""
    folder = DataFolder(settings.data.absolute())
    serving = _serving(folder)
    database = None if settings.database_url else _database(folder)
    lines = [
        f"Data folder  {folder.root}",
        f"Platform     {serving or 'not running'}",
        f"PostgreSQL   {database or ('a server of your own' if settings.database_url else 'not running')}",
    ]
    Console(soft_wrap=True, highlight=False, markup=False).print("\n".join(lines))
    return 0 if serving else 3


def _serving(folder: DataFolder) -> str | None:
    try:
        noted = orjson.loads((folder.run / "platform.json").read_bytes())
    except (OSError, ValueError):
        return None
    return f"{noted['address']} (process {noted['pid']})" if processes.alive(noted["pid"]) else None


def _database(folder: DataFolder) -> str | None:
    found = Cluster(folder).running()
    return f"{found.status} (process {found.pid}, socket in {found.socket_folder})" if found else None
