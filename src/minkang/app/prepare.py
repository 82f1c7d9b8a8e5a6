"""What must be true before the first worker starts: the key file is there and the schema is this version's."""

from __future__ import annotations

import asyncio
from pathlib import Path

import asyncpg
import structlog

from minkang.kit.folders import DataFolder
from minkang.kit.trouble import Trouble
from minkang.store import keys
from minkang.store.migrate import SchemaDiffers, migrate

PROMOTE = "minkang psql -c 'SELECT pg_promote(false)'"

log = structlog.get_logger(__name__)


def key_file(folder: DataFolder) -> Path:
    """Where a data folder keeps the store's keys."""
    return folder.keys / "store.key"


async def prepared(url: str, folder: DataFolder) -> None:
    """Makes the key file at the first start and migrates. Raises Trouble with the way out."""
    try:
        keys.load_or_create(key_file(folder))
        await _writable(url)
        applied = await migrate(url)
    except keys.KeyFileDamaged as error:
        raise Trouble(str(error)) from error
    except SchemaDiffers as error:
        raise Trouble(f"The database is not as this version expects it. {error}") from error
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        raise unreachable(error) from error
    if applied:
        log.info("schema migrated", migrations=applied)


async def _writable(url: str) -> None:
    """Waits while the database only follows another or replays its log: it serves once that is over."""
    connection = await asyncpg.connect(url)
    try:
        said = False
        while await connection.fetchval("SELECT pg_is_in_recovery()"):
            if not said:
                log.warning("the database is a standby or recovers: it serves once it is promoted", how=PROMOTE)
                said = True
            await asyncio.sleep(0.1)
    finally:
        await connection.close()


def unreachable(error: Exception) -> Trouble:
    """What to say when the database does not answer."""
    return Trouble(
        f"The database cannot be reached: {told(error)}. Does it run, and is the address in --database-url"
        " (or MINKANG_DATABASE_URL) right?"
    )


def told(error: Exception) -> str:
    """A driver's error in one line, without DETAIL, which may quote rows."""
    return str(error).partition("\n")[0] or type(error).__name__
