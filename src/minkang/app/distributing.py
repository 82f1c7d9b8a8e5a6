"""`minkang db distribute`: the store's tables over the nodes of a Citus cluster."""

from __future__ import annotations

import asyncio

import asyncpg
from rich.console import Console

from minkang.app.connections import open_database
from minkang.app.prepare import told, unreachable
from minkang.kit.folders import DataFolder
from minkang.kit.settings import Settings
from minkang.kit.trouble import Trouble
from minkang.store.distribution import NoCitus, distribute

ABSENT = (
    "The database has not the extension Citus, so there is nothing to distribute to. Install it on every node, add it"
    " to shared_preload_libraries, run CREATE EXTENSION citus in this database, and come again (docs/how-to/"
    "outgrow-one-machine.md). The PostgreSQL that comes with Minkang has none: name your own by --database-url."
)


def run(settings: Settings, *, dry_run: bool) -> None:
    """Distributes, or says what it would do. Raises Trouble with the way out."""
    with open_database(settings, DataFolder(settings.data.absolute())) as url:
        try:
            done = asyncio.run(distribute(url, dry_run=dry_run))
        except NoCitus:
            raise Trouble(ABSENT) from None
        except asyncpg.UndefinedTableError as error:
            raise Trouble(
                "There are no tables yet: start the platform once on this database, then come again."
            ) from error
        except asyncpg.PostgresError as error:
            raise Trouble(
                f"{told(error)} (What was distributed before it stays so; the same command goes on.)"
            ) from error
        except (OSError, asyncpg.InterfaceError) as error:
            raise unreachable(error) from error
    console = Console(soft_wrap=True, highlight=False, markup=False)
    for statement in done:
        console.print(f"{statement};")
    if not done:
        console.print("Every table is in its place already.")
    elif not dry_run:
        console.print("Done. Start the platform again: its connections must plan statements anew.")
